-- conformed.investor_rating of the county.
select
    rating.cust_no                          as customer_no,
    party.party_id,
    rating.eval_date                        as rated_date,
    rating.level                            as rating,
    rating.expiry                           as expiry_date,
    rating.business_date,
    rating.known_at,
    'wm_risk_eval'                          as _feed,
    rating._delivery,
    rating._row_no
from staged.wm_risk_eval as rating
left join parties.party_map as party
    on party.source_system = 'core' and party.cust_no = rating.cust_no
