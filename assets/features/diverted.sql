-- Loan money that went into property or securities within days of the draw, loans for housing left out.
with draw as (
    select receipt_id, party_id, disbursed_amount, disbursed_date, purpose
    from loan
    where disbursed_date > $as_of - 90 and coalesce(purpose <> 'housing', true)
),
payment as (
    select party_id, event_date, amount
    from conformed.transaction_history
    where event_date <= $as_of and event_date > $as_of - 90 and not reversal and direction = 'D'
        and (
            mcc in ('6513', '6211')
            or strpos('|' || $property_payees || '|', '|' || counterparty_name || '|') > 0
            or strpos('|' || $securities_payees || '|', '|' || counterparty_name || '|') > 0
        )
),
receipt as (
    select
        draw.party_id,
        draw.receipt_id,
        draw.disbursed_amount,
        draw.purpose,
        coalesce(sum(payment.amount), 0) as amount
    from draw
    left join payment
        on payment.party_id = draw.party_id
        and payment.event_date between draw.disbursed_date and draw.disbursed_date + $diverted_days
    group by draw.party_id, draw.receipt_id, draw.disbursed_amount, draw.purpose
)
select
    party_id,
    max(
        case when purpose is not null then cast(amount as double) / nullif(cast(disbursed_amount as double), 0) end
    ) as diverted_share,
    count(case when amount > 0 and (purpose is null or disbursed_amount is null) then 1 end) as unknowns
from receipt
group by party_id
