-- history: staged.cb_fx
-- conformed.balance of the county: core banking delivers it in the currency of the account. In another currency than yuan
-- it is worth what the last middle rate says, so it is another balance with each new rate; without a rate it is not known.
with held as (
    select *, lead(business_date) over (partition by acct_no order by business_date) as until
    from staged.cb_dep_acct
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
    select held.*, quoted.mid, greatest(held.business_date, coalesce(quoted.since, held.business_date)) as day
    from held
    left join quoted
        on quoted.ccy = held.ccy
        and (quoted.until is null or quoted.until > held.business_date)
        and (quoted.since is null or held.until is null or quoted.since < held.until)
)
select
    account.acct_no                         as account_id,
    account.balance,
    cast(null as decimal(18, 2))            as balance_fcy,
    account.ccy                             as currency,
    account.hold_amt                        as held_amount,
    account.business_date                   as valid_from,
    account.business_date,
    account.known_at,
    'cb_dep_acct'                           as _feed,
    account._delivery,
    account._row_no
from staged.cb_dep_acct as account
where account.ccy = 'CNY'
union all
select
    valued.acct_no                          as account_id,
    cast(valued.mid * valued.balance as decimal(18, 2)) as balance,
    valued.balance                          as balance_fcy,
    valued.ccy                              as currency,
    cast(valued.mid * valued.hold_amt as decimal(18, 2)) as held_amount,
    valued.day                              as valid_from,
    valued.day                              as business_date,
    greatest(valued.known_at, valued.day)   as known_at,
    'cb_dep_acct'                           as _feed,
    valued._delivery,
    valued._row_no
from valued
