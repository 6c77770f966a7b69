-- history: staged.cb_fx
-- conformed.loan_receipt of the county: a duebill (借据), where arrears live; limits live on the contract. A receipt has
-- the currency of its contract, which never changes; in another currency than yuan its amounts are worth what the last
-- middle rate says, and are not known in yuan without one.
with contract as (
    select contract_no, max(ccy) as ccy
    from staged.ln_contract
    group by contract_no
),
drawn as (
    select receipt_of.*, coalesce(contract.ccy, 'CNY') as ccy
    from staged.ln_due as receipt_of
    left join contract
        on contract.contract_no = receipt_of.contract_no
),
abroad as (
    select *, lead(business_date) over (partition by due_no order by business_date) as until
    from drawn
    where ccy <> 'CNY'
),
quotation as (
    select
        ccy,
        cast(mid as decimal(38, 8))         as mid,
        rate_date                           as since,
        lead(rate_date) over (partition by ccy order by rate_date) as until
    from staged.cb_fx_history
    where ccy <> 'CNY'
),
-- Of a night the newest rates, of a history all of them and the time before the first.
quoted as (
    select * from quotation
    where until is null or since in (select rate_date from staged.cb_fx)
    union all
    select ccy, null as mid, null as since, min(since) as until
    from quotation
    group by ccy
),
valued as (
    select abroad.* exclude (until), quoted.mid, greatest(abroad.business_date, coalesce(quoted.since, abroad.business_date)) as day
    from abroad
    left join quoted
        on quoted.ccy = abroad.ccy
        and (quoted.until is null or quoted.until > abroad.business_date)
        and (quoted.since is null or abroad.until is null or quoted.since < abroad.until)
),
receipt as (
    select *, cast(1 as decimal(38, 8)) as mid, business_date as day
    from drawn
    where ccy = 'CNY'
    union all
    select * from valued
)
select
    receipt.due_no                          as receipt_id,
    receipt.contract_no                     as contract_id,
    party.party_id,
    receipt.repay_acct                      as account_id,
    receipt.disb_acct                       as disbursement_account_id,
    receipt.product_code,
    receipt.disb_date                       as disbursed_date,
    receipt.mature_date,
    cast(receipt.mid * receipt.disb_amt as decimal(18, 2)) as disbursed_amount,
    cast(receipt.mid * receipt.principal as decimal(18, 2)) as outstanding_principal,
    cast(receipt.mid * receipt.ovd_prin as decimal(18, 2)) as overdue_principal,
    cast(receipt.mid * receipt.ovd_int as decimal(18, 2)) as overdue_interest,
    receipt.dpd,
    cast(receipt.five_class as integer)     as five_class,
    receipt.rate,
    receipt.settle_date                     as settled_date,
    receipt.writeoff = '1'                  as written_off,
    receipt.ext_flag = '1'                  as extended,
    receipt.ext_date                        as extended_date,
    receipt.restr_flag = '1'                as restructured,
    receipt.restr_date                      as restructured_date,
    case receipt.renew_type
        when '0' then 'none' when '1' then 'no_principal' when '2' then 'new_for_old'
    end                                     as renewal,
    receipt.org_no                          as branch_code,
    receipt.day                             as business_date,
    greatest(receipt.known_at, receipt.day) as known_at,
    'ln_due'                                as _feed,
    receipt._delivery,
    receipt._row_no
from receipt
left join parties.party_map as party
    on party.source_system = 'core' and party.cust_no = receipt.cust_no
