-- Loan receipts with the periods of their schedules; a receipt without a schedule has one row without a due date.
select
    loan.party_id,
    loan.receipt_id,
    loan.account_id,
    loan.is_open,
    loan.repay_mode,
    loan.restructured,
    loan.restructured_date,
    least(coalesce(loan.settled_date, $as_of), $as_of) as last_day,
    schedule.period,
    schedule.due_date,
    schedule.paid_date,
    schedule.principal_due - schedule.principal_paid as principal_left,
    schedule.interest_due - schedule.interest_paid as interest_left
from loan
left join conformed.schedule as schedule
    on schedule.receipt_id = loan.receipt_id
