-- conformed.party of Riverside. Of a resident ID number only the region that it begins with is kept, and whether it is one.
with customer as (
    select
        *,
        case when regexp_matches(id_number, '^[0-9]{17}[0-9X]$') and kind in ('P', 'S') then id_number end as resident_id
    from staged.customers
),
-- GB 11643-1999: the weighted sum of the first 17 digits, modulo 11, says the last character.
weighed as (
    select
        *,
        (
            cast(substr(resident_id, 1, 1) as integer) * 7 + cast(substr(resident_id, 2, 1) as integer) * 9
            + cast(substr(resident_id, 3, 1) as integer) * 10 + cast(substr(resident_id, 4, 1) as integer) * 5
            + cast(substr(resident_id, 5, 1) as integer) * 8 + cast(substr(resident_id, 6, 1) as integer) * 4
            + cast(substr(resident_id, 7, 1) as integer) * 2 + cast(substr(resident_id, 8, 1) as integer)
            + cast(substr(resident_id, 9, 1) as integer) * 6 + cast(substr(resident_id, 10, 1) as integer) * 3
            + cast(substr(resident_id, 11, 1) as integer) * 7 + cast(substr(resident_id, 12, 1) as integer) * 9
            + cast(substr(resident_id, 13, 1) as integer) * 10 + cast(substr(resident_id, 14, 1) as integer) * 5
            + cast(substr(resident_id, 15, 1) as integer) * 8 + cast(substr(resident_id, 16, 1) as integer) * 4
            + cast(substr(resident_id, 17, 1) as integer) * 2
        ) % 11                              as remainder,
        substr(resident_id, 7, 4) || '-' || substr(resident_id, 11, 2) || '-' || substr(resident_id, 13, 2) as born
    from customer
)
select
    party.party_id,
    case weighed.kind when 'P' then 'person' when 'E' then 'enterprise' when 'S' then 'self_employed' end as party_type,
    weighed.born_on                         as birth_date,
    case weighed.sex when 'M' then '1' when 'F' then '2' end as gender,
    substr(weighed.resident_id, 1, 6)       as native_region,
    case when weighed.kind in ('P', 'S') then 'resident_id' end as id_type,
    case
        when weighed.kind in ('P', 'S') then coalesce(
            substr('10X98765432', weighed.remainder + 1, 1) = substr(weighed.resident_id, 18, 1)
            and try_cast(weighed.born as date) is not null,
            false
        )
    end                                     as id_valid,
    weighed.joined_on                       as open_date,
    weighed.branch                          as branch_code,
    weighed.business_date,
    weighed.known_at,
    'customers'                             as _feed,
    weighed._delivery,
    weighed._row_no
from weighed
left join parties.party_map as party
    on party.source_system = 'core' and party.cust_no = weighed.cust_id
