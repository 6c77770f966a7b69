-- conformed.account_holder of the county: an account names its owner; nobody else may act on it.
select
    account.acct_no                         as account_id,
    party.party_id,
    'owner'                                 as role,
    account.open_date                       as valid_from,
    account.business_date,
    account.known_at,
    'cb_dep_acct'                           as _feed,
    account._delivery,
    account._row_no
from staged.cb_dep_acct as account
inner join parties.party_map as party
    on party.source_system = 'core' and party.cust_no = account.cust_no
