-- conformed.account of Berka. The file has no kind of deposit: money is paid in and drawn at will, so all are demand.
-- Nor has it a state or a closing: an account that was closed is one whose transactions stop.
select
    account.account_id,
    'demand'                                as account_type,
    'CZK'                                   as currency,
    account.date                            as open_date,
    account.district_id                     as branch_code,
    case account.frequency
        when 'POPLATEK MESICNE' then 'monthly'
        when 'POPLATEK TYDNE' then 'weekly'
        when 'POPLATEK PO OBRATU' then 'after_transaction'
    end                                     as statement_frequency,
    account.business_date,
    account.known_at,
    'account'                               as _feed,
    account._delivery,
    account._row_no
from staged.account as account
