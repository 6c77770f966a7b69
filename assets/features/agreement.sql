-- Loan contracts that were signed by the date.
select
    contract_id,
    party_id,
    product_code,
    amount,
    guarantee_type,
    purpose,
    repay_mode,
    revolving,
    entrusted_payment,
    online,
    status
from conformed.loan_contract
where coalesce(sign_date <= $as_of, true)
