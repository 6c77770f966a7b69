-- Payments of the last 180 days that somebody else made for a borrower: a guarantor, the sale of collateral, or another
-- party of this bank from its account. Payers at other banks, and those that nobody names, are not looked at.
with payment as (
    select
        loan.party_id,
        repayment.repayment_id,
        repayment.repayment_type,
        count(holder.party_id) > 0 as is_ours,
        max(case when holder.party_id = loan.party_id then 1 else 0 end) = 1 as is_own
    from conformed.repayment_history as repayment
    inner join loan
        on loan.receipt_id = repayment.receipt_id
    left join conformed.account_holder as holder
        on holder.account_id = repayment.payer_account_id and holder.role = 'owner'
    where repayment.event_date <= $as_of and repayment.event_date > $as_of - 180
    group by loan.party_id, repayment.receipt_id, repayment.repayment_id, repayment.repayment_type
)
select
    party_id,
    count(case when repayment_type in ('guarantor', 'collateral') then 1 end) as secured,
    count(case when repayment_type is null then 1 end) as unknowns,
    count(case when is_ours and not is_own then 1 end) as others
from payment
group by party_id
