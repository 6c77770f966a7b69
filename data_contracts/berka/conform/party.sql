-- conformed.party of Berka: a client, whether it owns an account or may only dispose of one.
-- The birth number is YYMMDD with 50 added to the month for women; all births lie between 1911 and 1987.
-- open_date and branch_code stay out: a client's row is true at all times, the day of its first account is not.
with client as (
    select
        *,
        cast(substr(birth_number, 3, 2) as integer) as birth_month
    from staged.client
)
select
    party.party_id,
    'person'                                as party_type,
    try_cast(
        '19' || substr(client.birth_number, 1, 2)
        || '-' || lpad(cast(client.birth_month % 50 as varchar), 2, '0')
        || '-' || substr(client.birth_number, 5, 2) as date
    )                                       as birth_date,
    case when client.birth_month > 50 then '2' else '1' end as gender,
    client.district_id                      as region_code,
    client.business_date,
    client.known_at,
    'client'                                as _feed,
    client._delivery,
    client._row_no
from client
left join parties.party_map as party
    on party.source_system = 'core' and party.cust_no = client.client_id
