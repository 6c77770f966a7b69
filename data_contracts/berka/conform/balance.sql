-- history: staged.trans, staged.trans_loan_accounts
-- conformed.balance of Berka: the sum of signed amounts since opening. The balance that a row carries is of no use as
-- the end of a day: rows of a day have no order. Every account's first row lies on its opening day.
with movement as (
    select
        account_id, business_date, known_at, 'trans' as _feed, _delivery, _row_no,
        case when type = 'PRIJEM' then amount else -amount end as signed
    from staged.trans_history
    union all
    select
        account_id, business_date, known_at, 'trans_loan_accounts' as _feed, _delivery, _row_no,
        case when type = 'credit' then amount else -amount end as signed
    from staged.trans_loan_accounts_history
),
-- The window's frame ends with the last row of the day, so each row of a day carries the end of the day.
running as (
    select
        *,
        sum(signed) over (partition by account_id order by business_date) as total,
        row_number() over (
            partition by account_id, business_date order by _feed, _delivery, _row_no
        ) as place
    from movement
)
select
    account_id,
    cast(total as decimal(18, 2))           as balance,
    business_date                           as valid_from,
    business_date,
    known_at,
    _feed,
    _delivery,
    _row_no
from running
where place = 1
