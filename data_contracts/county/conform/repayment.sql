-- conformed.repayment of the county.
select
    repayment.repay_id                      as repayment_id,
    repayment.due_no                        as receipt_id,
    repayment.repay_date                    as event_date,
    repayment.prin_amt                      as principal,
    repayment.int_amt                       as interest,
    repayment.pen_amt                       as penalty,
    case repayment.repay_type
        when '1' then 'scheduled' when '2' then 'early' when '3' then 'overdue' when '4' then 'guarantor'
        when '5' then 'collateral' when '6' then 'write_off_recovery'
    end                                     as repayment_type,
    repayment.payer_acct                    as payer_account_id,
    repayment.business_date,
    repayment.known_at,
    'ln_repay'                              as _feed,
    repayment._delivery,
    repayment._row_no
from staged.ln_repay as repayment
