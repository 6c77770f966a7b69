-- conformed.points_entry of the county.
select
    entry.entry_id,
    entry.entry_date                        as event_date,
    party.party_id,
    case entry.side
        when '1' then 'earn' when '2' then 'burn' when '3' then 'expire' when '4' then 'reverse'
    end                                     as side,
    entry.points,
    entry.rule_code,
    entry.expire_date                       as expiry_date,
    entry.business_date,
    entry.known_at,
    'cu_points'                             as _feed,
    entry._delivery,
    entry._row_no
from staged.cu_points as entry
left join parties.party_map as party
    on party.source_system = 'core' and party.cust_no = entry.cust_no
