-- conformed.customer_visit of the county.
select
    visit.visit_id,
    cast(visit.visit_ts as date)            as event_date,
    cast(visit.visit_ts as time)            as event_time,
    party.party_id,
    visit.household_id,
    visit.grid_id,
    visit.emp_id                            as employee_id,
    case visit.mode
        when '1' then 'field' when '2' then 'phone' when '3' then 'wecom' when '4' then 'branch'
    end                                     as mode,
    case visit.result
        when '1' then 'met' when '2' then 'absent' when '3' then 'refused' when '4' then 'wrong_info'
    end                                     as result,
    case visit.intent_family
        when 'DP' then 'deposit' when 'LN' then 'loan' when 'CC' then 'card' when 'WM' then 'wealth'
        when 'EB' then 'e_bank' when 'AC' then 'acquiring' when 'IN' then 'insurance' when 'FD' then 'fund'
        when 'PM' then 'precious_metal'
    end                                     as intent_family,
    case visit.intent_level
        when '0' then 'none' when '1' then 'low' when '2' then 'mid' when '3' then 'high'
    end                                     as intent_level,
    visit.gps_ok = '1'                      as position_confirmed,
    visit.business_date,
    visit.known_at,
    'crm_visit'                             as _feed,
    visit._delivery,
    visit._row_no
from staged.crm_visit as visit
left join parties.party_map as party
    on party.source_system = 'core' and party.cust_no = visit.cust_no
