-- Cards that are not closed. A card without a limit is no debt, and its missing arrears say nothing.
with card as (
    select *, coalesce(limit_amount, 0) > 0 as is_credit
    from conformed.card
    where issued_date <= $as_of and coalesce(status, 'normal') <> 'closed'
)
select
    party_id,
    count(*) as cards,
    max(case when is_credit then 1 else 0 end) = 1 as is_credit,
    coalesce(sum(case when is_credit then limit_amount end), 0) as limits,
    coalesce(sum(case when is_credit then balance end), 0) as balance,
    max(case when is_credit and balance is null then 1 else 0 end) = 1 as balance_missing,
    coalesce(sum(overdue_amount), 0) as overdue,
    max(case when is_credit and overdue_amount is null then 1 else 0 end) = 1 as overdue_missing,
    max(dpd) as dpd,
    max(case when is_credit and dpd is null then 1 else 0 end) = 1 as dpd_missing
from card
group by party_id
