-- conformed.card of Berka: a debit card, issued for a disposition and not for an account.
select
    card.card_id,
    party.party_id,
    disp.account_id,
    card.type                               as card_type,
    card.issued                             as issued_date,
    card.business_date,
    card.known_at,
    'card'                                  as _feed,
    card._delivery,
    card._row_no
from staged.card as card
left join staged.disp as disp
    on disp.disp_id = card.disp_id
left join parties.party_map as party
    on party.source_system = 'core' and party.cust_no = disp.client_id
