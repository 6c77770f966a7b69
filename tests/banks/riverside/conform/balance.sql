-- conformed.balance of Riverside: core banking delivers it, in yuan.
select
    account.account                         as account_id,
    account.balance,
    account.business_date                   as valid_from,
    account.business_date,
    account.known_at,
    'accounts'                              as _feed,
    account._delivery,
    account._row_no
from staged.accounts as account
