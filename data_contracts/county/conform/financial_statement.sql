-- conformed.financial_statement of the county.
select
    statement.uscc                          as credit_code,
    party.party_id,
    statement.period,
    statement.revenue,
    statement.net_profit,
    statement.total_asset                   as total_assets,
    statement.total_liab                    as total_liabilities,
    statement.cur_asset                     as current_assets,
    statement.cur_liab                      as current_liabilities,
    statement.receivable                    as receivables,
    statement.inventory,
    statement.op_cash                       as operating_cash_flow,
    statement.int_exp                       as interest_expense,
    statement.business_date,
    statement.known_at,
    'bc_fin'                                as _feed,
    statement._delivery,
    statement._row_no
from staged.bc_fin as statement
left join parties.party_map as party
    on party.source_system = 'document' and party.cust_no = statement.uscc
