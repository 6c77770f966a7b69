-- conformed.shop_month of the county.
select
    month.shop_id,
    month.month,
    party.party_id,
    month.gmv                               as sales,
    month.orders,
    month.refund_rate,
    month.score,
    month.complaint_rate,
    month.auth_no                           as authorisation_no,
    month.business_date,
    month.known_at,
    'px_shop'                               as _feed,
    month._delivery,
    month._row_no
from staged.px_shop as month
left join parties.party_map as party
    on party.source_system = 'document' and party.cust_no = month.owner_id
