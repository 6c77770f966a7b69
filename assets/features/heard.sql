-- Accounts of which a transaction was heard lately. No row at all when the bank never calls an account silent.
select distinct account_id
from conformed.transaction_history
where event_date <= $as_of and event_date >= $as_of - $silent_after_days
