-- conformed.court_record of the county.
select
    record.case_no,
    case record.list_kind
        when '01' then 'judgment_debtor' when '02' then 'dishonest' when '03' then 'consumption_restriction'
        when '04' then 'terminated_enforcement' when '05' then 'hearing_notice' when '06' then 'judgment'
        when '07' then 'bankruptcy' when '08' then 'judicial_auction' when '09' then 'filing'
        when '10' then 'equity_freeze'
    end                                     as list_kind,
    record.party_name                       as subject_name,
    party.party_id,
    record.party_id                         as subject_document_no,
    case record.role
        when '1' then 'defendant_debtor' when '2' then 'plaintiff_creditor' when '3' then 'third_party'
    end                                     as role,
    record.amount,
    record.cause,
    record.file_date                        as filed_date,
    record.pub_date                         as published_date,
    record.end_date,
    record.business_date,
    record.known_at,
    'px_court'                              as _feed,
    record._delivery,
    record._row_no
from staged.px_court as record
left join parties.party_map as party
    on party.source_system = 'document' and party.cust_no = record.party_id
