-- Balances at the end of the day and the days on which they stood: from `since` on, before `until`.
-- An account that left its feed (a tombstone) holds nothing from then on.
select
    account_id,
    case when _op = 'D' then 0 else balance end as balance,
    business_date as since,
    coalesce(lead(business_date) over (partition by account_id order by business_date), $as_of + 1) as until
from conformed.balance_history
where business_date <= $as_of
