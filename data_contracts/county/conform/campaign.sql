-- conformed.campaign of the county.
select
    campaign.campaign_id,
    campaign.name                           as campaign_name,
    case campaign.goal_family
        when 'DP' then 'deposit' when 'LN' then 'loan' when 'CC' then 'card' when 'WM' then 'wealth'
        when 'EB' then 'e_bank' when 'AC' then 'acquiring' when 'IN' then 'insurance' when 'FD' then 'fund'
        when 'PM' then 'precious_metal'
    end                                     as goal_family,
    campaign.start_date,
    campaign.end_date,
    campaign.whitelist_id,
    campaign.event_rule,
    campaign.budget,
    campaign.business_date,
    campaign.known_at,
    'crm_campaign'                          as _feed,
    campaign._delivery,
    campaign._row_no
from staged.crm_campaign as campaign
