-- conformed.branch of Riverside.
select
    branch.branch                           as branch_code,
    branch.title                            as branch_name,
    branch.town                             as region_name,
    branch.reports_to                       as parent_code,
    branch.business_date,
    branch.known_at,
    'branches'                              as _feed,
    branch._delivery,
    branch._row_no
from staged.branches as branch
