-- conformed.shareholding of the county.
select
    shareholding.uscc                       as credit_code,
    party.party_id,
    case shareholding.holder_kind
        when '1' then 'person' when '2' then 'enterprise'
    end                                     as holder_kind,
    shareholding.holder_name,
    holder.party_id                         as holder_party_id,
    shareholding.pct                        as share,
    shareholding.chg_date                   as changed_date,
    shareholding.business_date,
    shareholding.known_at,
    'px_share'                              as _feed,
    shareholding._delivery,
    shareholding._row_no
from staged.px_share as shareholding
left join parties.party_map as party
    on party.source_system = 'document' and party.cust_no = shareholding.uscc
left join parties.party_map as holder
    on holder.source_system = 'document' and holder.cust_no = shareholding.holder_id
