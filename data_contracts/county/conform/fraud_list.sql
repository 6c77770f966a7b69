-- conformed.fraud_list of the county.
select
    listed.id_no                            as document_no,
    case listed.kind
        when '01' then 'account_involved_in_case' when '02' then 'account_rental_punished'
        when '03' then 'sim_rental' when '04' then 'merchant_black_list' when '05' then 'lost_stolen_id'
    end                                     as kind,
    party.party_id,
    listed.eff_date                         as effective_date,
    listed.exp_date                         as expiry_date,
    listed.business_date,
    listed.known_at,
    'px_fraud'                              as _feed,
    listed._delivery,
    listed._row_no
from staged.px_fraud as listed
left join parties.party_map as party
    on party.source_system = 'document' and party.cust_no = listed.id_no
