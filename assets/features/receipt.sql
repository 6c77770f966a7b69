-- Loan receipts. What is late is late, written off or not; balances leave out what was written off. A sum or a count with
-- an unknown part is not known. Of the days past due and the class, the worst known stands when it is bad, because what
-- is unknown can only be worse; that all is well needs every receipt.
with receipt as (
    select
        *,
        contract_status = 'active' and revolving and guarantee_type = 'credit' as is_unsecured,
        mature_date between $as_of + 1 and $as_of + $loan_maturing_days as matures_soon,
        case when extended then extended_date between $as_of - 364 and $as_of else extended end as was_extended,
        renewal = 'new_for_old' and disbursed_date > $as_of - 365 as was_renewed,
        -- The main one first, of equals the one with the lower code of the loan system.
        case guarantee_type
            when 'credit' then 1
            when 'guarantor' then 2
            when 'mortgage' then 3
            when 'pledge' then 4
            when 'joint_liability' then 5
            when 'combined' then 6
        end as guarantee_place
    from loan
),
placed as (
    select
        *,
        row_number() over (
            partition by party_id, is_open order by outstanding_principal desc, guarantee_place, receipt_id
        ) as place
    from receipt
)
select
    party_id,
    count(case when is_open then 1 end) as receipts,
    case
        when count(case when is_owed and outstanding_principal is null then 1 end) = 0
            then coalesce(sum(case when is_owed then outstanding_principal end), 0)
    end as outstanding,
    case
        when count(case when is_owed and disbursed_amount is null then 1 end) = 0
            then coalesce(sum(case when is_owed then disbursed_amount end), 0)
    end as disbursed,
    case
        when count(case when is_open and (overdue_principal is null or overdue_interest is null) then 1 end) = 0
            then coalesce(sum(case when is_open then overdue_principal + overdue_interest end), 0)
    end as overdue,
    max(case when is_open then dpd end) as dpd,
    max(case when is_open and dpd is null then 1 else 0 end) = 1 as dpd_missing,
    max(case when is_open then five_class end) as five_class,
    max(case when is_open and five_class is null then 1 else 0 end) = 1 as five_class_missing,
    count(case when is_open and kind = 'business' then 1 end) as business,
    count(case when is_open and kind is null then 1 end) as purpose_unknown,
    count(case when is_open and kind = 'consumer' then 1 end) as consumer,
    count(case when is_open and online then 1 end) as online,
    count(case when is_open and online is null then 1 end) as online_unknown,
    case
        when count(case when is_open and is_unsecured is null then 1 end) = 0
            then count(case when is_open and is_unsecured then 1 end)
    end as unsecured,
    count(case when is_open and matures_soon then 1 end) as maturing,
    count(case when is_open and mature_date is null then 1 end) as maturing_unknown,
    count(case when was_extended then 1 end) as extended,
    count(case when was_extended is null then 1 end) as extended_unknown,
    count(case when was_renewed then 1 end) as renewed,
    count(case when was_renewed is null then 1 end) as renewed_unknown,
    max(case when is_open and place = 1 then guarantee_type end) as guarantee_type,
    count(
        case when is_open and (outstanding_principal is null or guarantee_type is null) then 1 end
    ) as guarantee_unknown
from placed
group by party_id
