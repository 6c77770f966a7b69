-- What falls due by schedule, and what was paid late. A receipt that was settled owes nothing after its settlement; days
-- of grace are a parameter. `unplanned` counts open receipts without a schedule.
with instalment as (
    select
        party_id,
        receipt_id,
        is_open,
        restructured,
        restructured_date,
        period,
        due_date,
        paid_date,
        due_date <= last_day as fell_due,
        date_diff('day', due_date, coalesce(paid_date, last_day)) as days_late,
        due_date between $as_of + 1 and $as_of + 30 as falls_due,
        interest_left + case
            when repay_mode in ('annuity', 'equal_principal') then principal_left
            when repay_mode is not null or principal_left = 0 then 0
        end as burden
    from plan
),
receipt as (
    select
        party_id,
        receipt_id,
        max(case when is_open and due_date is null then 1 else 0 end) as is_unplanned,
        count(
            case when fell_due and due_date > $as_of - 365 and days_late > $grace_days then 1 end
        ) as late_12,
        count(case when fell_due and due_date > $as_of - 730 then 1 end) as due_24,
        count(
            case when fell_due and due_date > $as_of - 730 and days_late > $grace_days then 1 end
        ) as late_24,
        max(
            case
                when period = 1 and fell_due and days_late > $first_default_days
                    and (paid_date > $as_of - 180 or (paid_date is null and is_open)) then 1
                else 0
            end
        ) as first_default,
        sum(case when is_open and falls_due then burden end) as due_30,
        count(case when is_open and falls_due and burden is null then 1 end) as unknowns_30,
        -- Watched for a year from the first payment of the changed contract, and until its second regular payment: the
        -- rules of 2023 on the risk classification of financial assets.
        case
            when not is_open or not restructured then false
            when restructured and (restructured_date is null or $as_of < restructured_date + 365) then true
            when restructured and count(due_date) > 0
                then count(case when due_date > restructured_date and due_date <= $as_of then 1 end) < 2
        end as is_watched
    from instalment
    group by party_id, receipt_id, is_open, restructured, restructured_date
)
select
    party_id,
    sum(is_unplanned) as unplanned,
    sum(late_12) as late_12,
    sum(due_24) as due_24,
    sum(late_24) as late_24,
    sum(first_default) as first_defaults,
    case when sum(unknowns_30) = 0 then coalesce(sum(due_30), 0) end as due_30,
    count(case when is_watched then 1 end) as watched,
    count(case when is_watched is null then 1 end) as watched_unknown
from receipt
group by party_id
