-- conformed.loan_receipt of Riverside: dpd is the larger of principal's and interest's, as core banking counts it.
select
    loan.receipt                            as receipt_id,
    loan.agreement                          as contract_id,
    party.party_id,
    loan.account                            as account_id,
    loan.paid_out_on                        as disbursed_date,
    loan.due_on                             as mature_date,
    loan.granted                            as disbursed_amount,
    loan.owed                               as outstanding_principal,
    loan.overdue                            as overdue_principal,
    loan.overdue_interest,
    loan.dpd,
    case loan.grade when 'N' then 1 when 'SM' then 2 when 'SS' then 3 when 'D' then 4 when 'L' then 5 end as five_class,
    loan.rate_pct                           as rate,
    loan.settled_on                         as settled_date,
    loan.written_off = 'Y'                  as written_off,
    loan.business_date,
    loan.known_at,
    'loans'                                 as _feed,
    loan._delivery,
    loan._row_no
from staged.loans as loan
left join parties.party_map as party
    on party.source_system = 'core' and party.cust_no = loan.cust_id
