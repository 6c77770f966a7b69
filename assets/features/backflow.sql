-- Loan money that comes back to its borrower within days of the draw, through one or two parties of this bank. What comes
-- back from a party counts up to what had reached it.
with draw as (
    select receipt_id, party_id, disbursed_amount, disbursed_date, disbursed_date + $backflow_days as last_day
    from loan
    where disbursed_date > $as_of - 90
),
paid as (
    select party_id, counterparty_party_id, event_date, amount, direction
    from conformed.transaction_history
    where event_date <= $as_of and event_date > $as_of - 90 and not reversal
        and counterparty_party_id is not null and counterparty_party_id <> party_id
),
sent as (
    select
        draw.receipt_id,
        draw.party_id as borrower_id,
        draw.disbursed_date,
        draw.last_day,
        paid.counterparty_party_id as party_id,
        coalesce(sum(paid.amount), 0) as amount
    from draw
    inner join paid
        on paid.party_id = draw.party_id and paid.direction = 'D'
        and paid.event_date between draw.disbursed_date and draw.last_day
    group by draw.receipt_id, draw.party_id, draw.disbursed_date, draw.last_day, paid.counterparty_party_id
),
passed_on as (
    select
        sent.receipt_id,
        sent.borrower_id,
        sent.disbursed_date,
        sent.last_day,
        paid.counterparty_party_id as party_id,
        least(max(sent.amount), coalesce(sum(paid.amount), 0)) as amount
    from sent
    inner join paid
        on paid.party_id = sent.party_id and paid.direction = 'D'
        and paid.event_date between sent.disbursed_date and sent.last_day
        and paid.counterparty_party_id <> sent.borrower_id
    group by
        sent.receipt_id, sent.borrower_id, sent.disbursed_date, sent.last_day, sent.party_id, paid.counterparty_party_id
),
reached as (
    select receipt_id, borrower_id, disbursed_date, last_day, party_id, sum(amount) as amount
    from (
        select receipt_id, borrower_id, disbursed_date, last_day, party_id, amount
        from sent
        union all
        select receipt_id, borrower_id, disbursed_date, last_day, party_id, amount
        from passed_on
    ) as received
    group by receipt_id, borrower_id, disbursed_date, last_day, party_id
),
returned as (
    select reached.receipt_id, reached.party_id, least(max(reached.amount), coalesce(sum(paid.amount), 0)) as amount
    from reached
    inner join paid
        on paid.party_id = reached.borrower_id and paid.direction = 'C'
        and paid.counterparty_party_id = reached.party_id
        and paid.event_date between reached.disbursed_date and reached.last_day
    group by reached.receipt_id, reached.party_id
),
receipt as (
    select draw.party_id, draw.receipt_id, draw.disbursed_amount, coalesce(sum(returned.amount), 0) as amount
    from draw
    left join returned
        on returned.receipt_id = draw.receipt_id
    group by draw.party_id, draw.receipt_id, draw.disbursed_amount
)
select
    party_id,
    max(cast(amount as double) / nullif(cast(disbursed_amount as double), 0)) as returned_share,
    count(case when disbursed_amount is null then 1 end) as unknowns
from receipt
group by party_id
