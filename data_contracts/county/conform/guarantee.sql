-- conformed.guarantee of the county.
select
    guarantee.guar_id                       as guarantee_id,
    guarantee.contract_no                   as contract_id,
    borrower.party_id                       as borrower_party_id,
    coalesce(guarantor.party_id, guarantor_by_document.party_id) as guarantor_party_id,
    guarantee.guarantor_id                  as guarantor_document_no,
    guarantee.guarantor_name,
    guarantee.guar_amt                      as amount,
    case guarantee.guar_kind
        when '1' then 'single' when '2' then 'several_joint' when '3' then 'mutual'
        when '4' then 'joint_liability_group' when '5' then 'guarantee_company'
    end                                     as kind,
    guarantee.end_date,
    case guarantee.status
        when '1' then 'active' when '2' then 'ended'
    end                                     as status,
    guarantee.business_date,
    guarantee.known_at,
    'bc_guarantee'                          as _feed,
    guarantee._delivery,
    guarantee._row_no
from staged.bc_guarantee as guarantee
left join parties.party_map as borrower
    on borrower.source_system = 'core' and borrower.cust_no = guarantee.borrower_no
left join parties.party_map as guarantor
    on guarantor.source_system = 'core' and guarantor.cust_no = guarantee.guarantor_no
left join parties.party_map as guarantor_by_document
    on guarantor_by_document.source_system = 'document' and guarantor_by_document.cust_no = guarantee.guarantor_id
