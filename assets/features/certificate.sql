-- Large certificates of deposit (大额存单): time deposits of a year and more that were opened within the last two, by the
-- first balance of which features still know.
with certificate as (
    select
        owned.party_id,
        owned.account_id,
        owned.term_months,
        history.balance,
        row_number() over (
            partition by owned.party_id, owned.account_id order by history.business_date
        ) as place
    from owned
    left join conformed.balance_history as history
        on history.account_id = owned.account_id and history.business_date <= $as_of
    where owned.account_type = 'time' and owned.open_date > $as_of - $certificate_days
        and coalesce(owned.term_months >= $certificate_months, true)
)
select
    party_id,
    max(case when term_months is not null and balance >= $certificate_amount then 1 else 0 end) = 1 as is_large,
    max(
        case when balance is null or (term_months is null and balance >= $certificate_amount) then 1 else 0 end
    ) = 1 as is_unknown
from certificate
where place = 1
group by party_id
