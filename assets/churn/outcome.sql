-- What a party held on average over the outcome of a label, as the night of its last day knows it: one row an owner.
-- The mean of several parts is the mean of their means: `weight` makes one exact sum of all of them, `$scale` takes it
-- back. As in features, the balance of an account that is not closed is not known when nothing was told of it for too
-- long. Who owns no account any more has no row: nothing is left.
with held as (
    select
        owned.party_id,
        sum(cast(span.balance as decimal(38, 2)) * date_diff(
            'day',
            greatest(span.since, outcome_part.first_day),
            least(span.until, outcome_part.last_day + 1)
        ) * outcome_part.weight) as weighted
    from span
    inner join owned
        on owned.account_id = span.account_id
    inner join outcome_part
        on span.since <= outcome_part.last_day and span.until > outcome_part.first_day
    where owned.account_type <> 'margin'
    group by owned.party_id
),
told as (
    select
        owned.party_id,
        max(
            case
                when not owned.is_open or owned.account_type = 'margin' then 0
                when newest.balance is null or coalesce(newest.since < $as_of - $silent_after_days, false) then 1
                else 0
            end
        ) = 0 as is_known
    from owned
    left join newest
        on newest.account_id = owned.account_id
    group by owned.party_id
)
select
    told.party_id,
    case
        when told.is_known then cast(coalesce(held.weighted, 0) as double) / cast(nullif($scale, 0) as double)
    end as future
from told
left join held
    on held.party_id = told.party_id
