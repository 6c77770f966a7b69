-- conformed.campaign_touch of the county.
select
    touch.touch_id,
    touch.campaign_id,
    party.party_id,
    case touch.arm
        when 'T' then 'treated' when 'C' then 'hold_out_control'
    end                                     as arm,
    touch.touch_ts                          as touched_at,
    case touch.channel
        when '01' then 'sms' when '02' then 'app_push' when '03' then 'phone' when '04' then 'wecom'
        when '05' then 'visit' when '06' then 'coupon' when '07' then 'lucky_draw'
    end                                     as channel,
    touch.delivered = '1'                   as delivered,
    touch.clicked = '1'                     as clicked,
    touch.opted_out = '1'                   as opted_out,
    touch.cost,
    touch.business_date,
    touch.known_at,
    'crm_touch'                             as _feed,
    touch._delivery,
    touch._row_no
from staged.crm_touch as touch
left join parties.party_map as party
    on party.source_system = 'core' and party.cust_no = touch.cust_no
