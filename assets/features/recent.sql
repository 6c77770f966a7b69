-- Balances at the end of the day over the last ninety days and the days on which they stood, from the one on that stood
-- on the first of these days. An account that left its feed (a tombstone) holds nothing from then on.
with stood as (
    select account_id, max(business_date) as since
    from conformed.balance_history
    where business_date <= $as_of - 89
    group by account_id
)
select
    history.account_id,
    case when history._op = 'D' then 0 else history.balance end as balance,
    history.business_date as since,
    coalesce(
        lead(history.business_date) over (partition by history.account_id order by history.business_date), $as_of + 1
    ) as until
from conformed.balance_history as history
left join stood
    on stood.account_id = history.account_id
where history.business_date <= $as_of and history.business_date >= coalesce(stood.since, history.business_date)
