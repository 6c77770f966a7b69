-- conformed.survey_response of the county.
select
    response.resp_id                        as response_id,
    cast(response.ts as date)               as event_date,
    cast(response.ts as time)               as event_time,
    party.party_id,
    case response.journey
        when 'J001' then 'open_account' when 'J002' then 'loan' when 'J003' then 'wealth' when 'J004' then 'mobile'
        when 'J005' then 'counter' when 'J006' then 'complaint_handling'
    end                                     as journey,
    response.nps,
    response.csat,
    case response.channel
        when '01' then 'counter' when '02' then 'atm' when '03' then 'mobile' when '04' then 'web'
        when '05' then 'pos' when '06' then 'fast_pay' when '07' then 'village' when '08' then 'api'
        when '09' then 'batch'
    end                                     as channel,
    response.business_date,
    response.known_at,
    'fb_survey'                             as _feed,
    response._delivery,
    response._row_no
from staged.fb_survey as response
left join parties.party_map as party
    on party.source_system = 'core' and party.cust_no = response.cust_no
