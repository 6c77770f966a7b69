-- One row a party that owns an account: the spine of all features, with what it holds and whether that is known.
-- An account that is not closed is silent when nothing was heard of it for too long, a new one too: where accounts leave
-- their feeds, one that was never heard of may never have been in any. Without a balance row an account is not known.
with account as (
    select
        owned.*,
        newest.balance,
        owned.account_type in ('time', 'structured') as is_time,
        owned.is_open and owned.account_type <> 'margin' as is_deposit,
        owned.is_open and owned.account_type = 'time' as may_mature,
        owned.mature_date between $as_of + 1 and $as_of + $time_maturing_days as matures_soon,
        $silent_after_days is not null and heard.account_id is null as no_transaction,
        newest.balance is null or coalesce(newest.since < $as_of - $silent_after_days, false) as no_balance
    from owned
    left join heard
        on heard.account_id = owned.account_id
    left join newest
        on newest.account_id = owned.account_id
)
select
    party_id,
    min(open_date) as first_open,
    $flows_fresh and max(case when is_open and no_transaction then 1 else 0 end) = 0 as flows_known,
    $balances_fresh and max(case when is_deposit and no_balance then 1 else 0 end) = 0 as balance_known,
    coalesce(sum(case when is_deposit then balance end), 0) as deposits,
    coalesce(sum(case when is_deposit and not is_time then balance end), 0) as demand_deposits,
    coalesce(sum(case when is_deposit and is_time then balance end), 0) as time_deposits,
    count(case when is_open then 1 end) as open_accounts,
    count(case when is_open and status = 'dormant' then 1 end) as dormant_accounts,
    count(case when is_open and status is null then 1 end) as accounts_without_status,
    count(case when may_mature and matures_soon then 1 end) as maturing_deposits,
    count(case when may_mature and mature_date is null then 1 end) as undated_deposits,
    coalesce(sum(case when may_mature and matures_soon then balance end), 0) as maturing_amount
from account
group by party_id
