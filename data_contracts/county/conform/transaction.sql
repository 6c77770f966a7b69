-- history: staged.cb_fx
-- conformed.transaction of the county. What the customer initiated: cash in, and debits in cash, by transfer, fast pay,
-- POS, bill, wealth and tax, unless a batch made them or they were reversed. An amount in another currency is worth what the
-- last middle rate up to its day says, and is not known in yuan where there is none.
with quotation as (
    select
        ccy,
        cast(mid as decimal(38, 8))         as mid,
        rate_date                           as since,
        lead(rate_date) over (partition by ccy order by rate_date) as until
    from staged.cb_fx_history
    where ccy <> 'CNY'
),
asked as (
    select distinct ccy, txn_date
    from staged.cb_txn
    where ccy <> 'CNY'
),
rated as (
    select asked.ccy, asked.txn_date, quotation.mid
    from asked
    inner join quotation
        on quotation.ccy = asked.ccy
        and quotation.since <= asked.txn_date
        and (quotation.until is null or quotation.until > asked.txn_date)
),
booked as (
    select
        *,
        case txn_type
            when '1001' then 'cash_in' when '1002' then 'cash_out' when '2001' then 'transfer' when '2002' then 'salary'
            when '2003' then 'fast_pay' when '2004' then 'pos' when '2005' then 'bill' when '2006' then 'interest'
            when '2007' then 'fee' when '2008' then 'wealth' when '2009' then 'loan_disbursement'
            when '2010' then 'loan_repayment' when '2011' then 'subsidy' when '2012' then 'tax' when '2013' then 'dividend'
            when '2099' then 'other'
        end                                 as type,
        case channel
            when '01' then 'counter' when '02' then 'atm' when '03' then 'mobile' when '04' then 'web' when '05' then 'pos'
            when '06' then 'fast_pay' when '07' then 'village' when '08' then 'api' when '09' then 'batch'
        end                                 as way
    from staged.cb_txn
)
select
    booked.txn_id                           as transaction_id,
    booked.acct_no                          as account_id,
    party.party_id,
    booked.txn_date                         as event_date,
    booked.txn_time                         as event_time,
    booked.dc_flag                          as direction,
    case
        when booked.ccy = 'CNY' then booked.amount
        else cast(rated.mid * booked.amount as decimal(18, 2))
    end                                     as amount,
    case when booked.ccy <> 'CNY' then booked.amount end as amount_fcy,
    booked.ccy                              as currency,
    booked.type,
    booked.way                              as channel,
    booked.rev_flag = '0'
        and booked.channel <> '09'
        and (
            booked.txn_type = '1001'
            or (booked.dc_flag = 'D' and booked.txn_type in ('1002', '2001', '2003', '2004', '2005', '2008', '2012'))
        )                                   as customer_initiated,
    coalesce(booked.cp_cust_no = booked.cust_no, false) as own_transfer,
    booked.rev_flag <> '0'                  as reversal,
    coalesce(booked.cp_acct, booked.cp_name) as counterparty,
    booked.cp_bank                          as counterparty_bank,
    booked.cp_name                          as counterparty_name,
    other.party_id                          as counterparty_party_id,
    booked.mcc,
    booked.business_date,
    booked.known_at,
    'cb_txn'                                as _feed,
    booked._delivery,
    booked._row_no
from booked
left join parties.party_map as party
    on party.source_system = 'core' and party.cust_no = booked.cust_no
left join parties.party_map as other
    on other.source_system = 'core' and other.cust_no = booked.cp_cust_no
left join rated
    on rated.ccy = booked.ccy and rated.txn_date = booked.txn_date
