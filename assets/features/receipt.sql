-- Loan receipts that are not settled. What is late is late, written off or not; balances leave out what was written off.
-- A sum with an unknown part is not known. Of the days past due and the class, the worst known stands when it is bad,
-- because what is unknown can only be worse; that all is well needs every receipt.
with receipt as (
    select *, coalesce(written_off, false) as is_written_off
    from conformed.loan_receipt
    where disbursed_date <= $as_of and coalesce(settled_date > $as_of, true)
)
select
    party_id,
    count(*) as receipts,
    case
        when max(case when not is_written_off and outstanding_principal is null then 1 else 0 end) = 0
            then coalesce(sum(case when not is_written_off then outstanding_principal end), 0)
    end as outstanding,
    coalesce(sum(case when not is_written_off then disbursed_amount end), 0) as disbursed,
    case
        when max(case when overdue_principal is null or overdue_interest is null then 1 else 0 end) = 0
            then sum(overdue_principal) + sum(overdue_interest)
    end as overdue,
    max(dpd) as dpd,
    max(case when dpd is null then 1 else 0 end) = 1 as dpd_missing,
    max(five_class) as five_class,
    max(case when five_class is null then 1 else 0 end) = 1 as five_class_missing
from receipt
group by party_id
