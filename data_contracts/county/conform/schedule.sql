-- conformed.schedule of the county: the newest row of each period.
select
    period.due_no                           as receipt_id,
    period.period_no                        as period,
    period.due_date,
    period.prin_due                         as principal_due,
    period.int_due                          as interest_due,
    period.prin_paid                        as principal_paid,
    period.int_paid                         as interest_paid,
    period.paid_date,
    period.business_date,
    period.known_at,
    'ln_sched'                              as _feed,
    period._delivery,
    period._row_no
from staged.ln_sched as period
