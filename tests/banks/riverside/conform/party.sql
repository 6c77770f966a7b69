-- conformed.party of Riverside.
select
    party.party_id,
    case customer.kind when 'P' then 'person' when 'E' then 'enterprise' when 'S' then 'self_employed' end as party_type,
    customer.born_on                        as birth_date,
    case customer.sex when 'M' then '1' when 'F' then '2' end as gender,
    customer.joined_on                      as open_date,
    customer.branch                         as branch_code,
    customer.business_date,
    customer.known_at,
    'customers'                             as _feed,
    customer._delivery,
    customer._row_no
from staged.customers as customer
left join parties.party_map as party
    on party.source_system = 'core' and party.cust_no = customer.cust_id
