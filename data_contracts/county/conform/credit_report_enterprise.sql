-- conformed.credit_report_enterprise of the county.
select
    enterprise.report_no                    as report_id,
    enterprise.org_cnt                      as institutions,
    enterprise.normal_bal                   as normal_balance,
    enterprise.mention_bal                  as mention_balance,
    enterprise.bad_bal                      as bad_balance,
    enterprise.ovd_amt                      as overdue_amount,
    enterprise.arrear_int                   as unpaid_interest,
    enterprise.rec_bal                      as recovered_balance,
    enterprise.guar_bal                     as guaranteed_balance,
    enterprise.guar_bad_bal                 as guaranteed_bad_balance,
    enterprise.business_date,
    enterprise.known_at,
    'cr_corp'                               as _feed,
    enterprise._delivery,
    enterprise._row_no
from staged.cr_corp as enterprise
