-- conformed.transfer_price of the county.
select
    price.curve_date                        as event_date,
    case price.side
        when '1' then 'assets' when '2' then 'liabilities'
    end                                     as side,
    price.ccy                               as currency,
    price.tenor_m                           as term_months,
    price.rate,
    price.business_date,
    price.known_at,
    'ma_ftp'                                as _feed,
    price._delivery,
    price._row_no
from staged.ma_ftp as price
