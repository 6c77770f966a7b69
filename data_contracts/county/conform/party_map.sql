-- parties.party_map of the county: core banking numbers its customers, and the other systems use the same numbers. Who
-- knows a person or an enterprise by resident ID or credit code only is led to the first customer who showed that document.
with customer as (
    select cust_no, id_no as document_no, 'cb_cust_ind' as _feed, business_date, known_at, _delivery, _row_no
    from staged.cb_cust_ind
    union all
    select cust_no, uscc as document_no, 'cb_cust_corp' as _feed, business_date, known_at, _delivery, _row_no
    from staged.cb_cust_corp
),
shown as (
    select
        *,
        min(cust_no) over (partition by document_no) as first_no,
        row_number() over (partition by document_no, business_date order by cust_no) as place
    from customer
    where document_no is not null
)
select
    'core'                                  as source_system,
    customer.cust_no,
    cast(null as varchar)                   as member_system,
    cast(null as varchar)                   as member_no,
    customer.business_date,
    customer.known_at,
    customer._feed,
    customer._delivery,
    customer._row_no
from customer
union all
select
    'document'                              as source_system,
    shown.document_no                       as cust_no,
    'core'                                  as member_system,
    shown.first_no                          as member_no,
    shown.business_date,
    shown.known_at,
    shown._feed,
    shown._delivery,
    shown._row_no
from shown
where shown.place = 1
