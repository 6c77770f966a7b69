-- conformed.trade_invoice of the county.
select
    invoice.inv_no                          as invoice_id,
    invoice.pledge_seq                      as pledge_no,
    invoice.order_no                        as order_id,
    invoice.buyer                           as buyer_credit_code,
    buyer.party_id                          as buyer_party_id,
    invoice.seller                          as seller_credit_code,
    seller.party_id                         as seller_party_id,
    invoice.inv_date                        as invoiced_date,
    invoice.amount,
    case invoice.inv_status
        when '1' then 'valid' when '2' then 'red_letter' when '3' then 'voided'
    end                                     as status,
    invoice.pledged_due                     as receipt_id,
    invoice.business_date,
    invoice.known_at,
    'sc_invoice'                            as _feed,
    invoice._delivery,
    invoice._row_no
from staged.sc_invoice as invoice
left join parties.party_map as buyer
    on buyer.source_system = 'document' and buyer.cust_no = invoice.buyer
left join parties.party_map as seller
    on seller.source_system = 'document' and seller.cust_no = invoice.seller
