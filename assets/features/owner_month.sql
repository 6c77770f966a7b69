-- Every owner in every month. `days` are the days of the month from the first account opening on: 0 before it.
select
    owner.party_id,
    month.months_ago,
    month.first_day,
    greatest(date_diff('day', greatest(month.first_day, owner.first_open), month.last_day) + 1, 0) as days,
    owner.flows_known,
    owner.balance_known,
    month.first_day >= $history_from or owner.first_open >= $history_from as reaches_back
from owner
cross join month
