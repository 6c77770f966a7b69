-- conformed.branch of the county.
select
    branch.org_no                           as branch_code,
    branch.org_name                         as branch_name,
    branch.parent_no                        as parent_code,
    branch.region_code,
    branch.business_date,
    branch.known_at,
    'cb_org'                                as _feed,
    branch._delivery,
    branch._row_no
from staged.cb_org as branch
