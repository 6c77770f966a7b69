-- conformed.credit_report_query of the county.
select
    query.report_no                         as report_id,
    query.q_seq                             as query_no,
    query.q_date                            as query_date,
    case query.q_org_type
        when '11' then 'commercial_bank' when '12' then 'village_bank' when '14' then 'housing_fund'
        when '15' then 'rural_co_op' when '21' then 'consumer_finance' when '22' then 'auto_finance'
        when '41' then 'micro_lender' when '99' then 'other'
    end                                     as institution_type,
    case query.q_reason
        when '01' then 'post_loan' when '02' then 'loan_approval' when '03' then 'card_approval'
        when '08' then 'guarantee_check' when '16' then 'limit_review' when '22' then 'legal_rep_check'
    end                                     as reason,
    query.business_date,
    query.known_at,
    'cr_query'                              as _feed,
    query._delivery,
    query._row_no
from staged.cr_query as query
