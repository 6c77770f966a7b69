-- conformed.credit_report of the county.
select
    report.report_no                        as report_id,
    party.party_id,
    report.subject_name,
    case report.subject_kind
        when '1' then 'person' when '2' then 'enterprise'
    end                                     as subject_kind,
    report.report_ts                        as reported_at,
    case report.reason
        when '01' then 'post_loan' when '02' then 'loan_approval' when '03' then 'card_approval'
        when '08' then 'guarantee_check' when '16' then 'limit_review' when '22' then 'legal_rep_check'
    end                                     as reason,
    report.auth_no                          as authorisation_no,
    report.auth_end                         as authorised_until,
    report.fraud_alert = '1'                as fraud_alert,
    report.dispute = '1'                    as dispute,
    report.business_date,
    report.known_at,
    'cr_report'                             as _feed,
    report._delivery,
    report._row_no
from staged.cr_report as report
left join parties.party_map as party
    on party.source_system = 'document' and party.cust_no = report.subject_id
