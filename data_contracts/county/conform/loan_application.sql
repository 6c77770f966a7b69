-- conformed.loan_application of the county.
select
    application.app_no                      as application_id,
    coalesce(party.party_id, party_by_document.party_id) as party_id,
    application.cust_name                   as applicant_name,
    application.id_no                       as document_no,
    application.mobile,
    application.contact_mobile,
    application.device_id,
    application.app_ts                      as applied_at,
    application.product_code,
    application.amount                      as applied_amount,
    application.monthly_income              as declared_monthly_income,
    application.employer,
    case application.result
        when '0' then 'pending' when '1' then 'approved' when '2' then 'rejected' when '3' then 'withdrawn'
    end                                     as result,
    application.approve_amt                 as approved_amount,
    application.reject_code,
    application.business_date,
    application.known_at,
    'bc_app'                                as _feed,
    application._delivery,
    application._row_no
from staged.bc_app as application
left join parties.party_map as party
    on party.source_system = 'core' and party.cust_no = application.cust_no
left join parties.party_map as party_by_document
    on party_by_document.source_system = 'document' and party_by_document.cust_no = application.id_no
