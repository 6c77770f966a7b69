-- What a party held in all at the end of each day, over windows of days that end on the date: one row an owner.
-- A window begins with the first account opening, if that is later; a day before any balance was told holds nothing.
-- Deviations are made of exact sums of whole fen; an end of day beyond 10,000,000,000,000 makes them unknown, because
-- its square would not fit.
with change as (
    select
        owned.party_id,
        recent.since,
        coalesce(cast(recent.balance as decimal(38, 2)), 0) - coalesce(
            lag(cast(recent.balance as decimal(38, 2))) over (
                partition by owned.party_id, owned.account_id order by recent.since
            ), 0
        ) as amount
    from recent
    inner join owned
        on owned.account_id = recent.account_id
    where owned.account_type <> 'margin'
),
running as (
    select
        party_id,
        since,
        coalesce(lead(since) over (partition by party_id order by since), $as_of + 1) as until,
        sum(sum(amount)) over (partition by party_id order by since) as held
    from change
    group by party_id, since
),
-- The days of each window on which an amount stood; an owner of whom no balance was ever told has one row without any.
stretch as (
    select
        owner.party_id,
        date_diff('day', owner.first_open, $as_of) + 1 as days,
        held,
        case when held between -10000000000000 and 10000000000000 then cast(held * 100 as bigint) else 0 end as fen,
        greatest(date_diff('day', greatest(since, first_open, $as_of - 6), until), 0) as stood_7,
        greatest(date_diff('day', greatest(since, first_open, $as_of - 29), until), 0) as stood_30,
        greatest(date_diff('day', greatest(since, first_open, $as_of - 59), until), 0) as stood_60,
        greatest(date_diff('day', greatest(since, first_open, $as_of - 89), until), 0) as stood_90
    from owner
    left join running
        on running.party_id = owner.party_id and running.until > $as_of - 89
),
total as (
    select
        party_id,
        least(days, 7) as days_7,
        least(days, 30) as days_30,
        least(days, 60) as days_60,
        least(days, 90) as days_90,
        cast(coalesce(sum(held * stood_7), 0) as double) as sum_7,
        cast(coalesce(sum(held * stood_30), 0) as double) as sum_30,
        cast(coalesce(sum(held * stood_60), 0) as double) as sum_60,
        cast(coalesce(sum(held * stood_90), 0) as double) as sum_90,
        min(case when stood_30 > 0 then held end) as low_30,
        min(case when stood_90 > 0 then held end) as low_90,
        max(case when stood_30 > 0 then abs(held) else 0 end) <= 10000000000000 as countable_30,
        max(case when stood_90 > 0 then abs(held) else 0 end) <= 10000000000000 as countable_90,
        coalesce(sum(stood_30), 0) as told_30,
        coalesce(sum(stood_90), 0) as told_90,
        cast(coalesce(sum(fen * stood_30), 0) as bigint) as fen_30,
        cast(coalesce(sum(fen * stood_90), 0) as bigint) as fen_90,
        coalesce(sum(cast(fen as decimal(38, 0)) * fen * stood_30), 0) as squares_30,
        coalesce(sum(cast(fen as decimal(38, 0)) * fen * stood_90), 0) as squares_90
    from stretch
    group by party_id, days
),
-- The sum of fen in whole numbers: `mean` times the days, and a `rest`.
divided as (
    select
        *,
        fen_30 // nullif(days_30, 0) as mean_30,
        fen_90 // nullif(days_90, 0) as mean_90,
        fen_30 - fen_30 // nullif(days_30, 0) * days_30 as rest_30,
        fen_90 - fen_90 // nullif(days_90, 0) * days_90 as rest_90
    from total
)
select
    party_id,
    sum_7 / nullif(days_7, 0) as mean_7,
    sum_30 / nullif(days_30, 0) as mean_30,
    sum_60 / nullif(days_60, 0) as mean_60,
    sum_90 / nullif(days_90, 0) as mean_90,
    case when told_30 < days_30 then least(coalesce(low_30, 0), 0) else low_30 end as min_30,
    case when told_90 < days_90 then least(coalesce(low_90, 0), 0) else low_90 end as min_90,
    case
        when countable_30 and days_30 > 1
            then sqrt(greatest(
                cast(squares_30 - cast(mean_30 as decimal(38, 0)) * (fen_30 + rest_30) as double)
                - cast(rest_30 as double) * cast(rest_30 as double) / nullif(days_30, 0),
                0
            ) / nullif(days_30 - 1, 0)) / 100
    end as std_30,
    case
        when countable_90 and days_90 > 1
            then sqrt(greatest(
                cast(squares_90 - cast(mean_90 as decimal(38, 0)) * (fen_90 + rest_90) as double)
                - cast(rest_90 as double) * cast(rest_90 as double) / nullif(days_90, 0),
                0
            ) / nullif(days_90 - 1, 0)) / 100
    end as std_90
from divided
