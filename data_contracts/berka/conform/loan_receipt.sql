-- conformed.loan_receipt of Berka: a loan is one receipt, from the day it was granted. What is still owed, class and days
-- past due are not told: payments stand among the transactions, which end before most loans do. How a loan ended is
-- undated.
with owner as (
    select account_id, client_id
    from staged.disp
    where type = 'OWNER'
)
select
    loan.loan_id                            as receipt_id,
    party.party_id,
    loan.account_id,
    loan.date                               as disbursed_date,
    cast(case loan.duration
        when 12 then loan.date + interval 12 month
        when 24 then loan.date + interval 24 month
        when 36 then loan.date + interval 36 month
        when 48 then loan.date + interval 48 month
        when 60 then loan.date + interval 60 month
    end as date)                            as mature_date,
    loan.amount                             as disbursed_amount,
    loan.status                             as source_status,
    loan.business_date,
    loan.known_at,
    'loan'                                  as _feed,
    loan._delivery,
    loan._row_no
from staged.loan as loan
left join owner
    on owner.account_id = loan.account_id
left join parties.party_map as party
    on party.source_system = 'core' and party.cust_no = owner.client_id
