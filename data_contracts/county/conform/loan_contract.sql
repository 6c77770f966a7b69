-- history: staged.cb_fx
-- conformed.loan_contract of the county. A contract in another currency than yuan is worth what the last middle rate says;
-- without a rate its amount is not known in yuan.
with signed as (
    select *, lead(business_date) over (partition by contract_no order by business_date) as until
    from staged.ln_contract
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
    select signed.* exclude (until), quoted.mid, greatest(signed.business_date, coalesce(quoted.since, signed.business_date)) as day
    from signed
    left join quoted
        on quoted.ccy = signed.ccy
        and (quoted.until is null or quoted.until > signed.business_date)
        and (quoted.since is null or signed.until is null or quoted.since < signed.until)
),
contract as (
    select *, cast(null as decimal(38, 8)) as mid, business_date as day
    from staged.ln_contract
    where ccy = 'CNY'
    union all
    select * from valued
)
select
    contract.contract_no                    as contract_id,
    party.party_id,
    contract.product_code,
    case
        when contract.ccy = 'CNY' then contract.amount
        else cast(contract.mid * contract.amount as decimal(18, 2))
    end                                     as amount,
    case when contract.ccy <> 'CNY' then contract.amount end as amount_fcy,
    contract.ccy                            as currency,
    contract.sign_date,
    contract.end_date,
    case contract.guar_type
        when '1' then 'credit' when '2' then 'guarantor' when '3' then 'mortgage' when '4' then 'pledge'
        when '5' then 'joint_liability' when '6' then 'combined'
    end                                     as guarantee_type,
    case contract.purpose
        when '01' then 'production' when '02' then 'consumption' when '03' then 'housing' when '04' then 'vehicle'
        when '05' then 'education' when '06' then 'renovation' when '07' then 'working_capital'
        when '08' then 'fixed_asset' when '09' then 'medical' when '99' then 'other'
    end                                     as purpose,
    contract.invest_industry,
    case contract.repay_mode
        when '1' then 'annuity' when '2' then 'equal_principal' when '3' then 'interest_monthly' when '4' then 'bullet'
        when '5' then 'on_demand'
    end                                     as repay_mode,
    contract.rate,
    contract.revolving = '1'                as revolving,
    contract.entrust_pay = '1'              as entrusted_payment,
    contract.online_flag = '1'              as online,
    case contract.status
        when '1' then 'active' when '2' then 'ended' when '3' then 'cancelled' when '4' then 'frozen'
    end                                     as status,
    contract.org_no                         as branch_code,
    contract.day                            as business_date,
    greatest(contract.known_at, contract.day) as known_at,
    'ln_contract'                           as _feed,
    contract._delivery,
    contract._row_no
from contract
left join parties.party_map as party
    on party.source_system = 'core' and party.cust_no = contract.cust_no
