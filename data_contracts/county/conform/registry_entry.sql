-- conformed.registry_entry of the county.
select
    entry.uscc                              as credit_code,
    party.party_id,
    entry.snap_date                         as snapshot_date,
    entry.corp_name,
    case entry.reg_status
        when '1' then 'in_operation' when '2' then 'cancelled' when '3' then 'revoked' when '4' then 'moved_out'
        when '5' then 'closed_down' when '6' then 'liquidation'
    end                                     as status,
    entry.legal_name                        as legal_representative,
    entry.legal_chg_date                    as representative_changed_date,
    entry.addr_chg_date                     as address_changed_date,
    entry.scope_chg_date                    as scope_changed_date,
    entry.capital,
    entry.capital_chg_date                  as capital_changed_date,
    entry.capital_prev                      as capital_before,
    entry.abn_in                            as abnormal_from,
    entry.abn_out                           as abnormal_until,
    entry.illegal_in                        as illegal_from,
    entry.equity_pledge                     as equity_pledged_share,
    entry.chattel_amt                       as chattel_mortgage_amount,
    entry.business_date,
    entry.known_at,
    'px_reg'                                as _feed,
    entry._delivery,
    entry._row_no
from staged.px_reg as entry
left join parties.party_map as party
    on party.source_system = 'document' and party.cust_no = entry.uscc
