-- Draws of the last ninety days that stay below the amount from which the bank pays the seller itself (受托支付), and are
-- above it together within a week: the rules on personal loans of 2024. Loans for housing and other purposes are not judged.
with draw as (
    select
        receipt_id,
        party_id,
        disbursed_date,
        disbursed_amount,
        entrusted_payment,
        kind,
        case kind when 'consumer' then $entrusted_consumer when 'business' then $entrusted_business end as line
    from loan
    where disbursed_date > $as_of - 90
),
week as (
    select
        draw.party_id,
        draw.receipt_id,
        draw.line,
        sum(other.disbursed_amount) as amount,
        count(*) as draws
    from draw
    inner join draw as other
        on other.party_id = draw.party_id and other.kind = draw.kind
        and other.disbursed_date between draw.disbursed_date - 6 and draw.disbursed_date
        and not other.entrusted_payment and other.disbursed_amount < other.line
    where not draw.entrusted_payment and draw.disbursed_amount < draw.line
    group by draw.party_id, draw.receipt_id, draw.line
),
split as (
    select party_id, max(cast(amount as double) / nullif(cast(line as double), 0)) as share
    from week
    where draws > 1
    group by party_id
)
select
    draw.party_id,
    max(split.share) as share,
    count(
        case
            when draw.kind is null then 1
            when draw.line is not null and (draw.entrusted_payment is null or draw.disbursed_amount is null) then 1
        end
    ) as unknowns
from draw
left join split
    on split.party_id = draw.party_id
group by draw.party_id
