-- conformed.standing_order of Berka: undated, so no feature reads it; kept for those who look at the present.
with owner as (
    select account_id, client_id
    from staged.disp
    where type = 'OWNER'
)
select
    payment.order_id,
    payment.account_id,
    party.party_id,
    payment.account_to || '/' || payment.bank_to as counterparty,
    payment.bank_to                         as counterparty_bank,
    payment.amount,
    case payment.k_symbol
        when 'SIPO' then 'household'
        when 'UVER' then 'loan'
        when 'POJISTNE' then 'insurance'
        when 'LEASING' then 'leasing'
    end                                     as purpose,
    payment.business_date,
    payment.known_at,
    'order'                                 as _feed,
    payment._delivery,
    payment._row_no
from staged."order" as payment
left join owner
    on owner.account_id = payment.account_id
left join parties.party_map as party
    on party.source_system = 'core' and party.cust_no = owner.client_id
