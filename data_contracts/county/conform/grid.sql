-- conformed.grid of the county.
select
    grid.grid_id,
    grid.village_code,
    grid.org_no                             as branch_code,
    grid.emp_id                             as employee_id,
    grid.hh_count                           as households,
    grid.business_date,
    grid.known_at,
    'crm_grid'                              as _feed,
    grid._delivery,
    grid._row_no
from staged.crm_grid as grid
