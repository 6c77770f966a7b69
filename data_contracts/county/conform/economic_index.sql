-- conformed.economic_index of the county.
select
    case measure.kind
        when '01' then 'industry' when '02' then 'commodity_price' when '03' then 'region'
        when '04' then 'disaster_notice'
    end                                     as kind,
    measure.code,
    measure.month,
    measure.value,
    measure.yoy                             as change_on_year,
    measure.business_date,
    measure.known_at,
    'px_macro'                              as _feed,
    measure._delivery,
    measure._row_no
from staged.px_macro as measure
