-- The states of loan receipts and the days on which they stood: from `since` on, before `until`.
select
    receipt_id,
    party_id,
    disbursed_date,
    outstanding_principal,
    dpd,
    five_class,
    _op <> 'D' and coalesce(settled_date > business_date, true) as is_open,
    _op <> 'D' and coalesce(settled_date > business_date, true) and not coalesce(written_off, false) as is_owed,
    business_date as since,
    coalesce(lead(business_date) over (partition by receipt_id order by business_date), $as_of + 1) as until
from conformed.loan_receipt_history
where business_date <= $as_of
