-- parties.party_map of Berka: one system, and every client is a party of its own.
select
    'core'                                  as source_system,
    client.client_id                        as cust_no,
    client.business_date,
    client.known_at,
    'client'                                as _feed,
    client._delivery,
    client._row_no
from staged.client as client
