-- conformed.transaction of Berka, both feeds. The second one's English codes become the first one's Czech ones.
with booked as (
    select
        trans_id, account_id, date, type, operation, k_symbol, amount, bank, account,
        business_date, known_at, 'trans' as _feed, _delivery, _row_no
    from staged.trans
    union all
    select
        trans_id, account_id, date,
        case type when 'credit' then 'PRIJEM' when 'withdrawal' then 'VYDAJ' else 'VYBER' end as type,
        case operation
            when 'credit in cash' then 'VKLAD'
            when 'withdrawal in cash' then 'VYBER'
            when 'credit card withdrawal' then 'VYBER KARTOU'
            when 'collection from another bank' then 'PREVOD Z UCTU'
            when 'remittance to another bank' then 'PREVOD NA UCET'
        end as operation,
        case k_symbol
            when 'household' then 'SIPO'
            when 'payment for statement' then 'SLUZBY'
            when 'interest credited' then 'UROK'
            when 'sanction interest if negative balance' then 'SANKC. UROK'
            when 'insurrance payment' then 'POJISTNE'
            when 'old-age pension' then 'DUCHOD'
            when 'loan payment' then 'UVER'
        end as k_symbol,
        amount, bank, account,
        business_date, known_at, 'trans_loan_accounts' as _feed, _delivery, _row_no
    from staged.trans_loan_accounts
),
-- What the money was for comes first, how it moved second.
classified as (
    select
        *,
        case
            when k_symbol = 'SLUZBY' then 'fee'
            when k_symbol in ('UROK', 'SANKC. UROK') then 'interest'
            when k_symbol = 'UVER' then 'loan_repayment'
            when k_symbol in ('SIPO', 'POJISTNE') then 'bill'
            when k_symbol = 'DUCHOD' then 'subsidy'  -- an old-age pension is paid by the state and is no wage
            when operation = 'VKLAD' then 'cash_in'
            when operation in ('VYBER', 'VYBER KARTOU') then 'cash_out'
            when operation in ('PREVOD Z UCTU', 'PREVOD NA UCET') then 'transfer'
            else 'other'
        end as kind,
        case
            when operation = 'VYBER KARTOU' then 'atm'
            -- Every remittance of both feeds executes one of the account's standing orders (same partner account and
            -- bank, 10,718 of 10,718): the bank pays it, no customer acts on that day. Interest and fees are the
            -- bank's own bookings.
            when operation = 'PREVOD NA UCET' then 'batch'
            when k_symbol in ('SLUZBY', 'UROK', 'SANKC. UROK') then 'batch'
        end as channel
    from booked
),
owner as (
    select account_id, client_id
    from staged.disp
    where type = 'OWNER'
)
select
    classified.trans_id                     as transaction_id,
    classified.account_id,
    party.party_id,
    classified.date                         as event_date,
    case when classified.type = 'PRIJEM' then 'C' else 'D' end as direction,
    classified.amount,
    'CZK'                                   as currency,
    classified.kind                         as type,
    classified.channel,
    (
        classified.kind = 'cash_in'
        or (classified.type <> 'PRIJEM' and classified.kind in ('cash_out', 'transfer', 'bill'))
    ) and coalesce(classified.channel, '') <> 'batch' as customer_initiated,
    false                                   as own_transfer,  -- all partners are accounts at other banks
    false                                   as reversal,
    classified.account || '/' || classified.bank as counterparty,  -- written as Czech accounts are: number/bank
    classified.bank                         as counterparty_bank,
    classified.business_date,
    classified.known_at,
    classified._feed,
    classified._delivery,
    classified._row_no
from classified
left join owner
    on owner.account_id = classified.account_id
left join parties.party_map as party
    on party.source_system = 'core' and party.cust_no = owner.client_id
