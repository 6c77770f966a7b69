-- conformed.credit_report_account of the county.
select
    account.report_no                       as report_id,
    account.acct_seq                        as account_no,
    case account.acct_kind
        when 'D1' then 'non_revolving' when 'R1' then 'revolving_loan'
        when 'R4' then 'sub_account_of_revolving_limit' when 'R2' then 'credit_card'
        when 'R3' then 'quasi_credit_card' when 'C1' then 'recovery_account'
    end                                     as kind,
    account.own_flag = '1'                  as own_bank,
    case account.org_type
        when '11' then 'commercial_bank' when '12' then 'village_bank' when '14' then 'housing_fund'
        when '15' then 'rural_co_op' when '21' then 'consumer_finance' when '22' then 'auto_finance'
        when '41' then 'micro_lender' when '99' then 'other'
    end                                     as institution_type,
    case account.biz
        when '11' then 'house' when '12' then 'commercial_property' when '21' then 'car' when '31' then 'student'
        when '41' then 'business' when '51' then 'farmer' when '71' then 'card' when '91' then 'other_consumption'
    end                                     as business,
    account.open_date,
    account.mature_date,
    account.loan_amt                        as amount,
    account.balance,
    cast(account.five_class as integer)     as five_class,
    case account.acct_status
        when '1' then 'normal' when '2' then 'overdue' when '3' then 'settled' when '4' then 'bad_debt'
        when '5' then 'transferred_out' when '6' then 'closed_card' when '7' then 'not_activated'
    end                                     as status,
    account.mon_due                         as month_due,
    account.mon_paid                        as month_paid,
    account.ovd_amt                         as overdue_amount,
    account.ovd_periods                     as overdue_periods,
    account.ovd_180p                        as overdue_180d_principal,
    account.hist60                          as history_60m,
    account.business_date,
    account.known_at,
    'cr_acct'                               as _feed,
    account._delivery,
    account._row_no
from staged.cr_acct as account
