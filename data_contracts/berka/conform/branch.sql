-- conformed.branch of Berka: the bank tells of no branch, only of the district that a branch works in.
select
    district.a1                             as branch_code,
    district.a2                             as branch_name,
    district.a3                             as region_name,
    district.business_date,
    district.known_at,
    'district'                              as _feed,
    district._delivery,
    district._row_no
from staged.district as district
