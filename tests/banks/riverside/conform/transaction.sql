-- conformed.transaction of Riverside. What the customer initiated: cash in, and debits in cash, by transfer, fast pay,
-- POS and bill, unless a batch made them or they were reversed.
with booked as (
    select
        *,
        case kind
            when 'CI' then 'cash_in' when 'CO' then 'cash_out'
            when 'TR' then 'transfer' when 'OT' then 'transfer'
            when 'SA' then 'salary' when 'QP' then 'fast_pay' when 'PO' then 'pos' when 'BI' then 'bill'
            when 'IT' then 'interest' when 'FE' then 'fee'
            when 'LD' then 'loan_disbursement' when 'LR' then 'loan_repayment'
            when 'SU' then 'subsidy'
        end as type,
        case via
            when 'CTR' then 'counter' when 'ATM' then 'atm' when 'APP' then 'mobile' when 'POS' then 'pos'
            when 'QR' then 'fast_pay' when 'SVC' then 'village' when 'AUTO' then 'batch'
        end as channel
    from staged.transactions
)
select
    booked.ref                              as transaction_id,
    booked.account                          as account_id,
    party.party_id,
    booked.booked_on                        as event_date,
    booked.booked_at                        as event_time,
    case booked.cr_dr when 'CR' then 'C' else 'D' end as direction,
    booked.amount,
    'CNY'                                   as currency,
    booked.type,
    booked.channel,
    booked.reversed = 'N'
        and coalesce(booked.channel, '') <> 'batch'
        and (
            booked.type = 'cash_in'
            or (booked.cr_dr = 'DR' and booked.type in ('cash_out', 'transfer', 'fast_pay', 'pos', 'bill'))
        )                                   as customer_initiated,
    booked.kind = 'OT'                      as own_transfer,
    booked.reversed = 'Y'                   as reversal,
    booked.other_party                      as counterparty,
    booked.other_bank                       as counterparty_bank,
    booked.business_date,
    booked.known_at,
    'transactions'                          as _feed,
    booked._delivery,
    booked._row_no
from booked
left join parties.party_map as party
    on party.source_system = 'core' and party.cust_no = booked.cust_id
