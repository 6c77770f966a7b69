-- conformed.cost_parameter of the county.
select
    parameter.month,
    parameter.key1                          as group_code,
    parameter.product_code,
    parameter.opex                          as operating_cost_rate,
    parameter.pd                            as default_rate,
    parameter.lgd                           as loss_rate,
    parameter.rw                            as risk_weight,
    parameter.vat                           as vat_rate,
    parameter.business_date,
    parameter.known_at,
    'ma_param'                              as _feed,
    parameter._delivery,
    parameter._row_no
from staged.ma_param as parameter
