-- conformed.channel_event of the county.
select
    event.event_id,
    cast(event.ts as date)                  as event_date,
    cast(event.ts as time)                  as event_time,
    party.party_id,
    event.user_id,
    event.device_id,
    event.session_id,
    event.event_type,
    event.page_id,
    event.product_code,
    event.invite_code,
    case event.os
        when '1' then 'android' when '2' then 'ios' when '3' then 'harmonyos' when '9' then 'other'
    end                                     as os,
    event.region_code,
    event.business_date,
    event.known_at,
    'eb_event'                              as _feed,
    event._delivery,
    event._row_no
from staged.eb_event as event
left join parties.party_map as party
    on party.source_system = 'core' and party.cust_no = event.cust_no
