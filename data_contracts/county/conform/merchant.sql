-- conformed.merchant of the county.
select
    merchant.merchant_id,
    party.party_id,
    merchant.uscc                           as credit_code,
    merchant.mcc,
    merchant.open_date,
    case merchant.status
        when '1' then 'active' when '2' then 'suspended' when '3' then 'closed'
    end                                     as status,
    merchant.region_code,
    merchant.grade,
    merchant.business_date,
    merchant.known_at,
    'mc_merchant'                           as _feed,
    merchant._delivery,
    merchant._row_no
from staged.mc_merchant as merchant
left join parties.party_map as party
    on party.source_system = 'core' and party.cust_no = merchant.cust_no
