-- conformed.relationship of the county.
select
    relationship.a_no                       as customer_no,
    relationship.b_no                       as other_customer_no,
    case relationship.rel
        when '01' then 'spouse' when '02' then 'parent_child' when '03' then 'sibling'
        when '11' then 'legal_representative_of' when '12' then 'shareholder_of'
        when '13' then 'actual_controller_of' when '14' then 'senior_manager_of' when '21' then 'supplier_of'
        when '22' then 'buyer_of' when '31' then 'same_household' when '41' then 'emergency_contact'
    end                                     as relation,
    party.party_id,
    other.party_id                          as other_party_id,
    relationship.pct                        as share,
    relationship.start_date,
    relationship.end_date,
    relationship.business_date,
    relationship.known_at,
    'bc_relation'                           as _feed,
    relationship._delivery,
    relationship._row_no
from staged.bc_relation as relationship
left join parties.party_map as party
    on party.source_system = 'core' and party.cust_no = relationship.a_no
left join parties.party_map as other
    on other.source_system = 'core' and other.cust_no = relationship.b_no
