-- conformed.collateral of the county.
select
    collateral.coll_id                      as collateral_id,
    collateral.contract_no                  as contract_id,
    case collateral.coll_type
        when '01' then 'house' when '02' then 'shop_office' when '03' then 'factory' when '04' then 'land_use_right'
        when '05' then 'farmland_operating_right' when '06' then 'homestead' when '07' then 'vehicle'
        when '08' then 'machinery' when '09' then 'deposit_slip' when '10' then 'receivable'
        when '11' then 'forestry_right' when '12' then 'vessel'
    end                                     as type,
    collateral.value,
    collateral.value_date                   as valued_date,
    collateral.reg_no                       as registration_no,
    case collateral.status
        when '1' then 'registered' when '2' then 'released' when '3' then 'sealed_by_court'
        when '4' then 'in_disposal'
    end                                     as status,
    collateral.region_code,
    collateral.business_date,
    collateral.known_at,
    'bc_collateral'                         as _feed,
    collateral._delivery,
    collateral._row_no
from staged.bc_collateral as collateral
