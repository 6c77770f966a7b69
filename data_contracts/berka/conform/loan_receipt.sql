-- history: staged.trans
-- conformed.loan_receipt of Berka: a loan is one receipt, from the day it was granted. What is owed is the amount less
-- the loan payments booked on its account so far: payments carry no interest (payments x duration = amount in all 682
-- loans) and an account has at most one loan. Class and days past due are not told; how a loan ended is undated.
with granted as (
    select
        loan_id, account_id, date, amount, duration, status, 0 as repaid,
        business_date, known_at, 'loan' as _feed, _delivery, _row_no
    from staged.loan
),
repayment as (
    select
        loan.loan_id, loan.account_id, loan.date, loan.amount, loan.duration, loan.status, booked.amount as repaid,
        booked.business_date, booked.known_at, 'trans' as _feed, booked._delivery, booked._row_no
    from staged.trans_history as booked
    inner join staged.loan as loan
        on loan.account_id = booked.account_id and booked.business_date >= loan.business_date
    where booked.k_symbol = 'UVER'
),
movement as (
    select * from granted
    union all
    select * from repayment
),
running as (
    select
        *,
        sum(repaid) over (partition by loan_id order by business_date) as repaid_so_far,
        row_number() over (
            partition by loan_id, business_date order by _feed, _delivery, _row_no
        ) as place
    from movement
),
owner as (
    select account_id, client_id
    from staged.disp
    where type = 'OWNER'
)
select
    running.loan_id                         as receipt_id,
    party.party_id,
    running.account_id,
    running.date                            as disbursed_date,
    cast(case running.duration
        when 12 then running.date + interval 12 month
        when 24 then running.date + interval 24 month
        when 36 then running.date + interval 36 month
        when 48 then running.date + interval 48 month
        when 60 then running.date + interval 60 month
    end as date)                            as mature_date,
    running.amount                          as disbursed_amount,
    -- bookings are rounded to 0.1, so the last payment can pass the amount by a few hellers
    cast(greatest(running.amount - running.repaid_so_far, 0) as decimal(18, 2)) as outstanding_principal,
    running.status                          as source_status,
    running.business_date,
    running.known_at,
    running._feed,
    running._delivery,
    running._row_no
from running
left join owner
    on owner.account_id = running.account_id
left join parties.party_map as party
    on party.source_system = 'core' and party.cust_no = owner.client_id
where running.place = 1
