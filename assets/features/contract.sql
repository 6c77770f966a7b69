-- Loan contracts: the limits of a borrower. Where some cannot be judged, a count stands only if it is above zero.
with contract as (
    select
        party_id,
        amount,
        coalesce(status in ('active', 'frozen'), true) as is_limit,
        status = 'active' and revolving and guarantee_type = 'credit' as is_unsecured,
        status = 'active' and purpose = 'housing' as is_mortgage,
        status is null as no_status
    from agreement
)
select
    party_id,
    case
        when count(case when is_limit and (no_status or amount is null) then 1 end) = 0
            then coalesce(sum(case when is_limit then amount end), 0)
    end as limits,
    case
        when count(is_unsecured) = count(*) or count(case when is_unsecured then 1 end) > 0
            then count(case when is_unsecured then 1 end)
    end as unsecured,
    case
        when count(is_mortgage) = count(*) or count(case when is_mortgage then 1 end) > 0
            then count(case when is_mortgage then 1 end)
    end as mortgages
from contract
group by party_id
