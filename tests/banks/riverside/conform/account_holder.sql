-- conformed.account_holder of Riverside: an account names its owner; nobody else may act on it.
select
    account.account                         as account_id,
    party.party_id,
    'owner'                                 as role,
    account.opened_on                       as valid_from,
    account.business_date,
    account.known_at,
    'accounts'                              as _feed,
    account._delivery,
    account._row_no
from staged.accounts as account
left join parties.party_map as party
    on party.source_system = 'core' and party.cust_no = account.cust_id
