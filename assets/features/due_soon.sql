-- What falls due within a few days against what may be drawn from the account that it is paid from.
with due as (
    select party_id, account_id, principal_left + interest_left as amount
    from plan
    where is_open and paid_date is null and due_date between $as_of + 1 and $as_of + $due_soon_days
),
payer as (
    select
        account_id,
        sum(amount) as amount,
        count(*) > count(amount) as is_unknown
    from due
    group by account_id
),
compared as (
    select
        payer.account_id,
        case when not payer.is_unknown then payer.amount - (newest.balance - newest.held_amount) end as lacks
    from payer
    inner join newest
        on newest.account_id = payer.account_id
)
select
    borrower.party_id,
    coalesce(sum(case when compared.lacks > 0 then compared.lacks end), 0) as lacking,
    max(case when compared.lacks is null then 1 else 0 end) = 1 as is_unknown
from (select distinct party_id, account_id from due) as borrower
left join compared
    on compared.account_id = borrower.account_id
group by borrower.party_id
