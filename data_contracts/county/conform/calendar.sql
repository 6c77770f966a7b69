-- conformed.calendar of the county.
select
    day.cal_date                            as calendar_date,
    day.is_workday = '1'                    as is_workday,
    day.is_batch_day = '1'                  as is_batch_day,
    day.business_date,
    day.known_at,
    'cb_calendar'                           as _feed,
    day._delivery,
    day._row_no
from staged.cb_calendar as day
