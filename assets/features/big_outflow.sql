-- Large payments to other banks in the last seven days, against what the party held at the end of the day before.
with payment as (
    select party_id, event_date, amount
    from conformed.transaction_history
    where event_date <= $as_of and event_date > $as_of - 7
        and direction = 'D' and not reversal and amount >= $big_outflow_amount
        and counterparty_bank is not null and counterparty_bank <> $own_bank
),
payment_day as (
    select party_id, event_date, max(amount) as largest
    from payment
    group by party_id, event_date
),
day_before as (
    select payment_day.party_id, payment_day.event_date, payment_day.largest, sum(span.balance) as held
    from payment_day
    left join owned
        on owned.party_id = payment_day.party_id and owned.account_type <> 'margin'
    left join span
        on span.account_id = owned.account_id
        and span.since < payment_day.event_date
        and coalesce(span.until, $as_of + 1) >= payment_day.event_date
    group by payment_day.party_id, payment_day.event_date, payment_day.largest
)
select
    party_id,
    min(event_date) as first_day,
    max(case when largest >= $big_outflow_share * cast(coalesce(held, 0) as decimal(38, 2)) then 1 else 0 end) = 1 as is_large
from day_before
group by party_id
