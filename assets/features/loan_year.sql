-- What loan receipts were over the last year: the worst days past due, and classes that are worse than 30 days ago.
with receipt as (
    select
        receipt_id,
        max(party_id) as party_id,
        max(case when is_open and until > $as_of - 364 then dpd end) as dpd,
        max(case when is_open and until > $as_of - 364 and dpd is null then 1 else 0 end) as dpd_missing,
        max(
            case when is_open and until > $as_of and disbursed_date <= $as_of - 30 then 1 else 0 end
        ) = 1 as is_judged,
        max(case when is_open and until > $as_of then five_class end) as class_now,
        max(case when is_open and since <= $as_of - 30 and until > $as_of - 30 then five_class end) as class_before
    from loan_state
    group by receipt_id
)
select
    party_id,
    max(dpd) as dpd,
    max(dpd_missing) = 1 as dpd_missing,
    count(case when is_judged and class_now > class_before then 1 end) as fallen,
    count(case when is_judged and (class_now is null or class_before is null) then 1 end) as unjudged
from receipt
group by party_id
