-- Large payments to other banks in the last seven days, against what the party held at the end of the day before.
with payment as (
    select party_id, event_date, max(amount) as largest
    from conformed.transaction_history
    where event_date <= $as_of and event_date > $as_of - 7
        and direction = 'D' and not reversal and amount >= $big_outflow_amount
        and counterparty_bank is not null and counterparty_bank <> $own_bank
    group by party_id, event_date
),
payer_account as (
    select payment.party_id, payment.event_date, owned.account_id
    from payment
    inner join owned
        on owned.party_id = payment.party_id
    where owned.account_type <> 'margin'
),
day_before as (
    select
        payer_account.party_id,
        payer_account.event_date,
        case when change._op = 'D' then 0 else change.balance end as balance,
        row_number() over (
            partition by payer_account.party_id, payer_account.event_date, payer_account.account_id
            order by change.business_date desc
        ) as place
    from conformed.balance_history as change
    inner join payer_account
        on payer_account.account_id = change.account_id and change.business_date < payer_account.event_date
),
held as (
    select party_id, event_date, sum(balance) as balance, count(*) > count(balance) as is_unknown
    from day_before
    where place = 1
    group by party_id, event_date
)
select
    payment.party_id,
    min(payment.event_date) as first_day,
    max(
        case
            when not coalesce(held.is_unknown, false)
                and payment.largest >= $big_outflow_share * cast(coalesce(held.balance, 0) as decimal(38, 2)) then 1
            else 0
        end
    ) = 1 as is_large,
    max(case when held.is_unknown then 1 else 0 end) = 1 as is_unknown
from payment
left join held
    on held.party_id = payment.party_id and held.event_date = payment.event_date
group by payment.party_id
