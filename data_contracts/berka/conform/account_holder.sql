-- conformed.account_holder of Berka: an owner holds from the day the account is opened. Since when somebody else is
-- authorised nobody knows: that row has neither valid_from nor known_at.
select
    disp.account_id,
    party.party_id,
    case disp.type when 'OWNER' then 'owner' else 'authorised' end as role,
    case when disp.type = 'OWNER' then account.date end as valid_from,
    case when disp.type = 'OWNER' then account.business_date else disp.business_date end as business_date,
    case when disp.type = 'OWNER' then account.known_at end as known_at,
    'disp'                                  as _feed,
    disp._delivery,
    disp._row_no
from staged.disp as disp
inner join staged.account as account
    on account.account_id = disp.account_id
left join parties.party_map as party
    on party.source_system = 'core' and party.cust_no = disp.client_id
