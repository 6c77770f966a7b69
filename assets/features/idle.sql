-- The least that a party held on demand on any of the last ninety days. Before its first balance it held nothing.
with moved as (
    select
        owned.party_id,
        greatest(recent.since, $as_of - 89) as day,
        recent.balance is null as is_unknown,
        cast(recent.balance as decimal(38, 2)) - coalesce(
            lag(recent.balance) over (partition by owned.party_id, owned.account_id order by recent.since), 0
        ) as change
    from recent
    inner join owned
        on owned.account_id = recent.account_id
    where owned.account_type not in ('margin', 'time', 'structured')
),
day_end as (
    select
        party_id,
        day,
        sum(sum(change)) over (partition by party_id order by day) as held,
        max(case when is_unknown then 1 else 0 end) as is_unknown
    from moved
    group by party_id, day
)
select
    party_id,
    case when min(day) > $as_of - 89 then least(min(held), 0) else min(held) end as least_held,
    max(is_unknown) = 1 as is_unknown
from day_end
group by party_id
