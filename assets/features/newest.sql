-- The balance of each account at the end of the day: its newest row, and since when it stands.
-- An account that left its feed (a tombstone) holds nothing.
with last_change as (
    select account_id, max(business_date) as since
    from conformed.balance_history
    where business_date <= $as_of
    group by account_id
)
select
    change.account_id,
    case when change._op = 'D' then 0 else change.balance end as balance,
    case when change._op = 'D' then 0 else change.held_amount end as held_amount,
    change.business_date as since
from conformed.balance_history as change
inner join last_change
    on last_change.account_id = change.account_id and last_change.since = change.business_date
