-- Loan receipts that were drawn by the date, with what their contracts say. What was written off is owed no more, but it
-- is open until it is settled.
select
    receipt.receipt_id,
    receipt.party_id,
    receipt.account_id,
    receipt.disbursed_date,
    receipt.disbursed_amount,
    receipt.outstanding_principal,
    receipt.overdue_principal,
    receipt.overdue_interest,
    receipt.dpd,
    receipt.five_class,
    receipt.mature_date,
    receipt.settled_date,
    receipt.extended,
    receipt.extended_date,
    receipt.restructured,
    receipt.restructured_date,
    receipt.renewal,
    coalesce(receipt.settled_date > $as_of, true) as is_open,
    coalesce(receipt.settled_date > $as_of, true) and not coalesce(receipt.written_off, false) as is_owed,
    agreement.guarantee_type,
    agreement.purpose,
    case
        when agreement.purpose in ('production', 'working_capital', 'fixed_asset') then 'business'
        when agreement.purpose in ('consumption', 'vehicle', 'education', 'renovation', 'medical') then 'consumer'
        when agreement.purpose is not null then 'other'
    end as kind,
    agreement.repay_mode,
    agreement.revolving,
    agreement.entrusted_payment,
    agreement.online,
    agreement.status as contract_status
from conformed.loan_receipt as receipt
left join agreement
    on agreement.contract_id = receipt.contract_id
where receipt.disbursed_date <= $as_of
