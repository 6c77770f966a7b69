-- conformed.shipment of the county.
select
    shipment.waybill                        as shipment_id,
    shipment.order_no                       as order_id,
    shipment.ship_date                      as shipped_date,
    shipment.sign_date                      as received_date,
    shipment.goods_amt                      as goods_amount,
    shipment.from_region                    as from_region_code,
    shipment.to_region                      as to_region_code,
    shipment.business_date,
    shipment.known_at,
    'sc_logi'                               as _feed,
    shipment._delivery,
    shipment._row_no
from staged.sc_logi as shipment
