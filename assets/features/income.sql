-- A party's monthly income by the first source that tells it: salary, a share of what comes in, what the customer stated.
with source as (
    select
        months.party_id,
        cast(months.sal_sum_6 as double) / nullif(months.sal_count_6, 0) as salary,
        case when months.whole_6 >= 3 then cast(months.in_sum_6 as double) / 6 * $income_share end as inflow,
        cast(person.annual_income as double) / 12 as stated
    from months
    left join person
        on person.party_id = months.party_id
    where months.sal_unknown_6 = 0 and months.in_unknown_6 = 0
)
select
    party_id,
    case when salary > 0 then salary when inflow > 0 then inflow when stated > 0 then stated end as amount,
    case when salary > 0 then 'salary' when inflow > 0 then 'inflow' when stated > 0 then 'stated' end as source
from source
