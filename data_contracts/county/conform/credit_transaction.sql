-- conformed.credit_transaction of the county.
select
    booking.txn_id                          as transaction_id,
    booking.card_acct                       as credit_account_id,
    booking.txn_date                        as event_date,
    booking.txn_time                        as event_time,
    booking.amount,
    case booking.cc_type
        when '1' then 'purchase' when '2' then 'cash' when '3' then 'instalment' when '4' then 'fee'
        when '5' then 'repayment' when '6' then 'refund'
    end                                     as type,
    booking.mcc,
    booking.merchant_id,
    booking.region_code,
    booking.business_date,
    booking.known_at,
    'cc_txn'                                as _feed,
    booking._delivery,
    booking._row_no
from staged.cc_txn as booking
