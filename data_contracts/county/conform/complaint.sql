-- conformed.complaint of the county.
select
    complaint.cmp_id                        as complaint_id,
    party.party_id,
    complaint.ts                            as complained_at,
    case complaint.cause
        when '101' then 'fee' when '102' then 'process' when '103' then 'attitude' when '104' then 'system'
        when '201' then 'collection' when '202' then 'sales_promise' when '301' then 'privacy'
    end                                     as cause,
    case complaint.family
        when 'DP' then 'deposit' when 'LN' then 'loan' when 'CC' then 'card' when 'WM' then 'wealth'
        when 'EB' then 'e_bank' when 'AC' then 'acquiring' when 'IN' then 'insurance' when 'FD' then 'fund'
        when 'PM' then 'precious_metal'
    end                                     as family,
    case complaint.level
        when '1' then 'normal' when '2' then 'repeated' when '3' then 'regulator_forwarded'
    end                                     as level,
    complaint.close_ts                      as closed_at,
    complaint.satisfied = '1'               as satisfied,
    complaint.business_date,
    complaint.known_at,
    'fb_complaint'                          as _feed,
    complaint._delivery,
    complaint._row_no
from staged.fb_complaint as complaint
left join parties.party_map as party
    on party.source_system = 'core' and party.cust_no = complaint.cust_no
