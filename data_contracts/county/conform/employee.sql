-- conformed.employee of the county.
select
    employee.emp_id                         as employee_id,
    employee.name                           as employee_name,
    employee.org_no                         as branch_code,
    case employee.post
        when '01' then 'relationship_manager' when '02' then 'teller' when '03' then 'lobby' when '04' then 'risk'
        when '05' then 'head_office' when '06' then 'branch_head'
    end                                     as post,
    employee.hire_date                      as hired_date,
    employee.level,
    party.party_id,
    case employee.status
        when '1' then 'working' when '2' then 'left'
    end                                     as status,
    employee.business_date,
    employee.known_at,
    'hr_emp'                                as _feed,
    employee._delivery,
    employee._row_no
from staged.hr_emp as employee
left join parties.party_map as party
    on party.source_system = 'core' and party.cust_no = employee.cust_no
