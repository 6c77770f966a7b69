-- conformed.credit_report_public_record of the county.
select
    record.report_no                        as report_id,
    record.p_seq                            as record_no,
    case record.p_kind
        when '01' then 'tax_arrears' when '02' then 'civil_judgment' when '03' then 'enforcement'
        when '04' then 'administrative_penalty' when '05' then 'housing_fund' when '06' then 'subsistence_allowance'
        when '07' then 'qualification' when '08' then 'award' when '09' then 'telecom_arrears'
    end                                     as kind,
    record.p_date                           as record_date,
    record.p_amt                            as amount,
    case record.p_status
        when '1' then 'open' when '2' then 'closed'
    end                                     as status,
    record.business_date,
    record.known_at,
    'cr_public'                             as _feed,
    record._delivery,
    record._row_no
from staged.cr_public as record
