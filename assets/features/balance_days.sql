-- Balance times days, for each party and month: its sum by the days of the month is the mean of the end-of-day balance.
-- `unknowns` counts the stretches of days on which a balance was not known (no exchange rate).
select
    owned.party_id,
    month.months_ago,
    count(case when span.balance is null then 1 end) as unknowns,
    sum(
        cast(span.balance as decimal(38, 2)) * date_diff(
            'day',
            greatest(span.since, month.first_day, owner.first_open),
            least(span.until, month.last_day + 1)
        )
    ) as balance_days
from span
inner join owned
    on owned.account_id = span.account_id
inner join owner
    on owner.party_id = owned.party_id
inner join month
    on span.since <= month.last_day and span.until > month.first_day
where owned.account_type <> 'margin' and span.until > owner.first_open
group by owned.party_id, month.months_ago
