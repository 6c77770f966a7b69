-- The accounts a party owns, opened on or before the date: one row an account and owner.
select
    holder.party_id,
    account.account_id,
    account.open_date,
    account.mature_date,
    account.term_months,
    account.product_code,
    account.status,
    coalesce(account.account_type, 'demand') as account_type,
    coalesce(account.status, 'normal') <> 'closed' and coalesce(account.close_date > $as_of, true) as is_open
from conformed.account_holder as holder
inner join conformed.account as account
    on account.account_id = holder.account_id
where holder.role = 'owner' and account.open_date <= $as_of
