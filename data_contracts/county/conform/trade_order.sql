-- conformed.trade_order of the county.
select
    ordered.order_no                        as order_id,
    ordered.fin_seq                         as financing_no,
    ordered.buyer                           as buyer_credit_code,
    buyer.party_id                          as buyer_party_id,
    ordered.seller                          as seller_credit_code,
    seller.party_id                         as seller_party_id,
    ordered.order_date                      as ordered_date,
    ordered.amount,
    ordered.due_date,
    case ordered.status
        when '1' then 'placed' when '2' then 'shipped' when '3' then 'received' when '4' then 'paid'
        when '5' then 'cancelled'
    end                                     as status,
    ordered.financed_due                    as receipt_id,
    ordered.business_date,
    ordered.known_at,
    'sc_order'                              as _feed,
    ordered._delivery,
    ordered._row_no
from staged.sc_order as ordered
left join parties.party_map as buyer
    on buyer.source_system = 'document' and buyer.cust_no = ordered.buyer
left join parties.party_map as seller
    on seller.source_system = 'document' and seller.cust_no = ordered.seller
