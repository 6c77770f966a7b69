-- conformed.exchange_rate of the county.
select
    quotation.ccy                           as currency,
    quotation.rate_date                     as event_date,
    quotation.mid                           as rate,
    quotation.business_date,
    quotation.known_at,
    'cb_fx'                                 as _feed,
    quotation._delivery,
    quotation._row_no
from staged.cb_fx as quotation
