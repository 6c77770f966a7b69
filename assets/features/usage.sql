-- How far a borrower's limits were drawn, at the least, at the end of any of the last sixty days. A day with limits below
-- the floor counts as not drawn.
with state as (
    select
        party_id,
        case when _op <> 'D' and coalesce(status in ('active', 'frozen'), true) then amount else 0 end as granted,
        cast(0 as decimal(18, 2)) as drawn,
        _op <> 'D' and (status is null or (status in ('active', 'frozen') and amount is null)) as is_unknown,
        business_date as since,
        coalesce(lead(business_date) over (partition by contract_id order by business_date), $as_of + 1) as until
    from conformed.loan_contract_history
    where business_date <= $as_of
    union all
    select
        party_id,
        cast(0 as decimal(18, 2)) as granted,
        case when is_owed then outstanding_principal else 0 end as drawn,
        is_owed and outstanding_principal is null as is_unknown,
        since,
        until
    from loan_state
),
moved as (
    select party_id, greatest(since, $as_of - 59) as day, granted, drawn, is_unknown
    from state
    where until > $as_of - 59
    union all
    select party_id, until as day, -granted as granted, -drawn as drawn, is_unknown
    from state
    where until > $as_of - 59 and until <= $as_of
),
day_end as (
    select
        party_id,
        day,
        sum(sum(granted)) over (partition by party_id order by day) as granted,
        sum(sum(drawn)) over (partition by party_id order by day) as drawn,
        max(case when is_unknown then 1 else 0 end) as is_unknown
    from moved
    group by party_id, day
)
select
    party_id,
    min(
        case
            when granted >= $limit_floor then cast(drawn as double) / nullif(cast(granted as double), 0)
            else 0
        end
    ) as least_drawn,
    min(day) > $as_of - 59 as is_younger,
    max(is_unknown) = 1 as is_unknown
from day_end
group by party_id
