-- conformed.merchant_day of the county.
select
    day.merchant_id,
    day.day                                 as event_date,
    day.cnt                                 as payments,
    day.amt                                 as amount,
    day.refund_cnt                          as refunds,
    day.refund_amt                          as refund_amount,
    day.credit_amt                          as credit_card_amount,
    day.night_amt                           as night_amount,
    day.round_cnt                           as round_payments,
    day.payer_cnt                           as payers,
    day.max_amt                             as largest_amount,
    day.business_date,
    day.known_at,
    'mc_day'                                as _feed,
    day._delivery,
    day._row_no
from staged.mc_day as day
