-- conformed.product of the county.
select
    product.product_code,
    product.product_name,
    case product.family
        when 'DP' then 'deposit' when 'LN' then 'loan' when 'CC' then 'card' when 'WM' then 'wealth' when 'EB' then 'e_bank'
        when 'AC' then 'acquiring' when 'IN' then 'insurance' when 'FD' then 'fund' when 'PM' then 'precious_metal'
    end                                     as family,
    product.risk_level,
    product.business_date,
    product.known_at,
    'cb_product'                            as _feed,
    product._delivery,
    product._row_no
from staged.cb_product as product
