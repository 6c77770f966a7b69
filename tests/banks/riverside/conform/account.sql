-- conformed.account of Riverside.
select
    account.account                         as account_id,
    case account.product when 'CUR' then 'demand' when 'TD' then 'time' when 'CALL' then 'notice' end as account_type,
    account.product                         as product_code,
    account.ccy                             as currency,
    account.opened_on                       as open_date,
    account.closed_on                       as close_date,
    case account.state
        when 'A' then 'normal' when 'D' then 'dormant' when 'F' then 'frozen' when 'X' then 'closed'
    end                                     as status,
    account.branch                          as branch_code,
    account.business_date,
    account.known_at,
    'accounts'                              as _feed,
    account._delivery,
    account._row_no
from staged.accounts as account
