-- parties.party_map of Riverside: core banking is the only system, so every customer number is a party.
select
    'core'                                  as source_system,
    customer.cust_id                        as cust_no,
    customer.business_date,
    customer.known_at,
    'customers'                             as _feed,
    customer._delivery,
    customer._row_no
from staged.customers as customer
