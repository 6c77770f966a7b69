-- conformed.social_insurance of the county.
select
    insurance.id_no                         as document_no,
    party.party_id,
    insurance.month,
    insurance.person_name,
    insurance.emp_uscc                      as employer_credit_code,
    insurance.ss_base                       as security_base,
    case insurance.ss_status
        when '1' then 'paying' when '2' then 'stopped' when '3' then 'retired'
    end                                     as security_status,
    insurance.hf_base                       as fund_base,
    case insurance.hf_status
        when '1' then 'paying' when '2' then 'stopped' when '3' then 'withdrawn'
    end                                     as fund_status,
    insurance.auth_no                       as authorisation_no,
    insurance.business_date,
    insurance.known_at,
    'px_social'                             as _feed,
    insurance._delivery,
    insurance._row_no
from staged.px_social as insurance
left join parties.party_map as party
    on party.source_system = 'document' and party.cust_no = insurance.id_no
