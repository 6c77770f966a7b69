-- conformed.wealth_holding of the county.
select
    holding.cust_no                         as customer_no,
    party.party_id,
    holding.product_code,
    holding.lot_no                          as lot_id,
    holding.units,
    holding.nav,
    holding.market_value,
    holding.cost,
    holding.buy_date                        as bought_date,
    holding.mature_date,
    holding.business_date,
    holding.known_at,
    'wm_hold'                               as _feed,
    holding._delivery,
    holding._row_no
from staged.wm_hold as holding
left join parties.party_map as party
    on party.source_system = 'core' and party.cust_no = holding.cust_no
