-- Days of the last thirty on which much came in and, by the end of the next day, was gone again.
with flow as (
    select
        party_id,
        event_date as day,
        sum(case when direction = 'C' then amount else 0 end) as credits,
        sum(case when direction = 'D' then amount else 0 end) as debits
    from conformed.transaction_history
    where event_date <= $as_of and event_date > $as_of - 30 and not reversal and not own_transfer
    group by party_id, event_date
),
passing as (
    select flow.party_id, flow.day, flow.credits
    from flow
    left join flow as next_flow
        on next_flow.party_id = flow.party_id and next_flow.day = flow.day + 1
    where flow.day < $as_of and flow.credits >= $fast_through_amount
        and flow.debits + coalesce(next_flow.debits, 0) >= $fast_through_share * cast(flow.credits as decimal(38, 2))
),
left_over as (
    select
        passing.party_id,
        passing.day,
        passing.credits,
        case when change._op = 'D' then 0 else change.balance end as balance,
        change.account_id is not null as is_told,
        row_number() over (
            partition by passing.party_id, passing.day, owned.account_id
            order by change.business_date desc
        ) as place
    from passing
    inner join owned
        on owned.party_id = passing.party_id
    left join conformed.balance_history as change
        on change.account_id = owned.account_id and change.business_date <= passing.day + 1
    where owned.account_type not in ('margin', 'time', 'structured')
),
day_end as (
    select
        party_id,
        day,
        credits,
        coalesce(sum(balance), 0) as balance,
        max(case when is_told and balance is null then 1 else 0 end) as is_unknown
    from left_over
    where place = 1
    group by party_id, day, credits
)
select
    party_id,
    count(
        case when is_unknown = 0 and balance <= $fast_through_left * cast(credits as decimal(38, 2)) then 1 end
    ) as days,
    sum(is_unknown) as unknowns
from day_end
group by party_id
