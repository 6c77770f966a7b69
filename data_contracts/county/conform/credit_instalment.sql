-- conformed.credit_instalment of the county.
select
    instalment.inst_no                      as instalment_id,
    instalment.card_acct                    as credit_account_id,
    instalment.apply_date                   as applied_date,
    case instalment.inst_kind
        when '1' then 'statement' when '2' then 'purchase' when '3' then 'merchant_goods' when '4' then 'cash'
        when '5' then 'vehicle'
    end                                     as kind,
    instalment.merchant_id,
    instalment.amount,
    instalment.terms                        as term_months,
    instalment.terms_left                   as months_left,
    instalment.fee_rate,
    case instalment.status
        when '1' then 'applied' when '2' then 'rejected' when '3' then 'active' when '4' then 'settled'
        when '5' then 'cancelled_by_customer' when '6' then 'accelerated'
    end                                     as status,
    instalment.status_date,
    instalment.business_date,
    instalment.known_at,
    'cc_inst'                               as _feed,
    instalment._delivery,
    instalment._row_no
from staged.cc_inst as instalment
