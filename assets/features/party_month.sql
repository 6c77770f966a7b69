-- Every owner in every month. `days` are the days of the month from the first account opening on: 0 before it.
select
    owner.party_id,
    month.months_ago,
    month.first_day,
    greatest(date_diff('day', greatest(month.first_day, owner.first_open), month.last_day) + 1, 0) as days,
    owner.flows_known,
    owner.balance_known,
    month.first_day >= $history_from or owner.first_open >= $history_from as reaches_back,
    coalesce(flow.rows_of_month, 0) as rows_of_month,
    coalesce(flow.unknowns, 0) as unknowns,
    flow.in_m,
    flow.out_m,
    flow.sal_m,
    balance_days.balance_days
from owner
cross join month
left join flow
    on flow.party_id = owner.party_id
    and flow.month_number = year(month.first_day) * 12 + month(month.first_day)
left join balance_days
    on balance_days.party_id = owner.party_id
    and balance_days.months_ago = month.months_ago
