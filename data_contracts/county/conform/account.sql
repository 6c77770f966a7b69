-- conformed.account of the county.
select
    account.acct_no                         as account_id,
    case account.acct_type
        when '01' then 'demand' when '02' then 'time' when '03' then 'notice' when '04' then 'agreement'
        when '05' then 'margin' when '06' then 'structured'
    end                                     as account_type,
    account.acct_class                      as account_class,
    account.product_code,
    account.ccy                             as currency,
    account.open_date,
    account.close_date,
    account.mature_date,
    account.term_m                          as term_months,
    account.rate,
    case account.acct_status
        when '0' then 'normal' when '1' then 'dormant' when '2' then 'stopped' when '3' then 'frozen'
        when '4' then 'stopped' when '5' then 'closed'
    end                                     as status,
    account.payroll_flag = '1'              as payroll,
    account.org_no                          as branch_code,
    account.business_date,
    account.known_at,
    'cb_dep_acct'                           as _feed,
    account._delivery,
    account._row_no
from staged.cb_dep_acct as account
