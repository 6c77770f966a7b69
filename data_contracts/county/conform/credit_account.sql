-- conformed.credit_account of the county.
select
    account.card_acct                       as credit_account_id,
    party.party_id,
    account.product_code,
    account.org_no                          as branch_code,
    account.open_date,
    case account.status
        when '0' then 'normal' when '1' then 'not_activated' when '2' then 'frozen' when '3' then 'cancelled'
        when '4' then 'bad_debt'
    end                                     as status,
    account.limit_amt                       as limit_amount,
    account.balance,
    account.cash_bal                        as cash_balance,
    account.inst_bal                        as instalment_balance,
    account.stmt_date                       as statement_date,
    account.pay_due_date                    as payment_due_date,
    account.stmt_bal                        as statement_balance,
    account.min_due                         as minimum_due,
    account.paid_amt                        as paid_amount,
    account.dpd,
    account.ovd_amt                         as overdue_amount,
    account.business_date,
    account.known_at,
    'cc_acct'                               as _feed,
    account._delivery,
    account._row_no
from staged.cc_acct as account
left join parties.party_map as party
    on party.source_system = 'core' and party.cust_no = account.cust_no
