-- conformed.household_survey of the county.
select
    survey.household_id,
    survey.survey_date,
    party.party_id,
    survey.head_name,
    survey.village_code,
    survey.members,
    survey.labour,
    survey.annual_income,
    survey.land_mu,
    survey.crop,
    survey.house_value,
    survey.ext_debt                         as other_debt,
    survey.eval_avg                         as assessment_mean,
    survey.eval_n                           as assessors,
    survey.neg_flags                        as negative_flags,
    survey.pre_credit                       as pre_credit_amount,
    survey.emp_id                           as employee_id,
    survey.auth_no                          as authorisation_no,
    survey.business_date,
    survey.known_at,
    'px_village'                            as _feed,
    survey._delivery,
    survey._row_no
from staged.px_village as survey
left join parties.party_map as party
    on party.source_system = 'document' and party.cust_no = survey.head_id
