-- conformed.wealth_order of the county.
select
    ordered.order_id,
    party.party_id,
    ordered.product_code,
    ordered.order_date                      as event_date,
    case ordered.side
        when '1' then 'subscribe' when '2' then 'redeem' when '3' then 'maturity_payout'
    end                                     as side,
    ordered.amount,
    case ordered.channel
        when '01' then 'counter' when '02' then 'atm' when '03' then 'mobile' when '04' then 'web'
        when '05' then 'pos' when '06' then 'fast_pay' when '07' then 'village' when '08' then 'api'
        when '09' then 'batch'
    end                                     as channel,
    case ordered.status
        when '1' then 'confirmed' when '2' then 'pending' when '3' then 'failed'
    end                                     as status,
    ordered.business_date,
    ordered.known_at,
    'wm_order'                              as _feed,
    ordered._delivery,
    ordered._row_no
from staged.wm_order as ordered
left join parties.party_map as party
    on party.source_system = 'core' and party.cust_no = ordered.cust_no
