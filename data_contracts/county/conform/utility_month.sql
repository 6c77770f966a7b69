-- conformed.utility_month of the county.
select
    month.acct                              as meter_id,
    month.month,
    party.party_id,
    month.kwh,
    month.arrear                            as arrears,
    month.auth_no                           as authorisation_no,
    month.business_date,
    month.known_at,
    'px_util'                               as _feed,
    month._delivery,
    month._row_no
from staged.px_util as month
left join parties.party_map as party
    on party.source_system = 'document' and party.cust_no = month.owner_id
