-- The families of products that a party holds: open accounts and running loan contracts.
with held as (
    select party_id, product_code
    from owned
    where is_open
    union all
    select party_id, product_code
    from agreement
    where status = 'active'
)
select
    held.party_id,
    count(distinct product.family) as families,
    max(case when product.family is null then 1 else 0 end) = 1 as is_unknown,
    max(case when product.family = 'card' then 1 else 0 end) = 1 as has_card
from held
left join conformed.product as product
    on product.product_code = held.product_code
group by held.party_id
