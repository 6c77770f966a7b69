-- conformed.party of the county: persons and enterprises. Documents and mobile numbers stay behind; what is kept of them is
-- whether they are valid, since when, and the region that a resident ID begins with.
with customer as (
    select
        *,
        case
            when id_type = '10' and length(id_no) = 18 and regexp_matches(id_no, '^[0-9]{17}[0-9X]$')
                then cast(substr(id_no, 1, 17) as bigint)
        end                                 as id_digits
    from staged.cb_cust_ind
),
-- GB 11643-1999: the weighted sum of the 17 digits modulo 11 says the check character.
summed as (
    select
        *,
        (
            id_digits // 10000000000000000 % 10 * 7 + id_digits // 1000000000000000 % 10 * 9
            + id_digits // 100000000000000 % 10 * 10 + id_digits // 10000000000000 % 10 * 5
            + id_digits // 1000000000000 % 10 * 8 + id_digits // 100000000000 % 10 * 4
            + id_digits // 10000000000 % 10 * 2 + id_digits // 1000000000 % 10 * 1
            + id_digits // 100000000 % 10 * 6 + id_digits // 10000000 % 10 * 3
            + id_digits // 1000000 % 10 * 7 + id_digits // 100000 % 10 * 9
            + id_digits // 10000 % 10 * 10 + id_digits // 1000 % 10 * 5
            + id_digits // 100 % 10 * 8 + id_digits // 10 % 10 * 4 + id_digits % 10 * 2
        ) % 11                              as id_remainder,
        cast(id_digits // 1000 % 100000000 // 10000 as integer) as id_year,
        cast(id_digits // 1000 % 10000 // 100 as integer) as id_month,
        cast(id_digits // 1000 % 100 as integer) as id_day
    from customer
)
select
    party.party_id,
    'person'                                as party_type,
    cast(null as varchar)                   as enterprise_size,
    cast(null as decimal(18, 2))            as registered_capital,
    cast(null as date)                      as registered_date,
    cast(null as boolean)                   as basic_account,
    summed.birth_date,
    summed.gender,
    summed.marital                          as marital_status,
    summed.education,
    summed.occupation,
    summed.industry_code,
    case when summed.id_type = '10' then substr(summed.id_no, 1, 6) end as native_region,
    case summed.id_type
        when '10' then 'resident_id' when '11' then 'temporary_id' when '12' then 'household_book'
        when '20' then 'passport' when '30' then 'travel_permit' when '31' then 'travel_permit'
        when '32' then 'residence_permit' when '40' then 'foreign_permit' when '50' then 'military' when '99' then 'other'
    end                                     as id_type,
    case when summed.id_expiry < date '9999-12-31' then summed.id_expiry end as id_expiry,
    summed.id_expiry = date '9999-12-31'    as id_long_term,
    -- An ID of 15 digits has no check character: nothing can be said against it.
    case
        when summed.id_type <> '10' or regexp_matches(summed.id_no, '^[0-9]{15}$') then null
        else coalesce(
            substr('10X98765432', cast(summed.id_remainder as integer) + 1, 1) = substr(summed.id_no, 18, 1)
            and summed.id_month between 1 and 12
            and summed.id_day between 1 and case
                when summed.id_month in (4, 6, 9, 11) then 30
                when summed.id_month <> 2 then 31
                when summed.id_year % 4 = 0 and (summed.id_year % 100 <> 0 or summed.id_year % 400 = 0) then 29
                else 28
            end,
            false
        )
    end                                     as id_valid,
    regexp_matches(summed.mobile, '^1[3-9][0-9]{9}$') as mobile_valid,
    summed.farmer_flag = '1'                as farmer,
    summed.annual_income,
    summed.region_code,
    summed.open_date,
    summed.org_no                           as branch_code,
    case summed.cust_status
        when '0' then 'normal' when '1' then 'dormant' when '2' then 'frozen' when '3' then 'closed'
        when '4' then 'deceased'
    end                                     as status,
    cast(summed.aml_risk as integer)        as aml_risk,
    case summed.consent_mkt when '1' then true when '0' then false end as marketing_consent,
    summed.consent_auto = '1'               as personalisation_consent,
    -- The twelve fields that a customer record may leave empty.
    (
        case when summed.marital is not null then 1 else 0 end
        + case when summed.education is not null then 1 else 0 end
        + case when summed.occupation is not null then 1 else 0 end
        + case when summed.industry_code is not null then 1 else 0 end
        + case when summed.employer is not null then 1 else 0 end
        + case when summed.mobile is not null then 1 else 0 end
        + case when summed.addr is not null then 1 else 0 end
        + case when summed.annual_income is not null then 1 else 0 end
        + case when summed.mgr_id is not null then 1 else 0 end
        + case when summed.aml_risk is not null then 1 else 0 end
        + case when summed.consent_mkt <> '9' then 1 else 0 end
        + case when summed.gender <> '9' then 1 else 0 end
    )                                       as profile_filled,
    summed.business_date,
    summed.known_at,
    'cb_cust_ind'                           as _feed,
    summed._delivery,
    summed._row_no
from summed
left join parties.party_map as party
    on party.source_system = 'core' and party.cust_no = summed.cust_no
union all
select
    party.party_id,
    case corporate.corp_size when '5' then 'self_employed' else 'enterprise' end as party_type,
    case corporate.corp_size
        when '1' then 'large' when '2' then 'medium' when '3' then 'small' when '4' then 'micro'
        when '5' then 'self_employed' when '6' then 'cooperative'
    end                                     as enterprise_size,
    corporate.reg_capital                   as registered_capital,
    corporate.reg_date                      as registered_date,
    corporate.basic_acct_flag = '1'         as basic_account,
    null                                    as birth_date,
    null                                    as gender,
    null                                    as marital_status,
    null                                    as education,
    null                                    as occupation,
    corporate.industry_code,
    null                                    as native_region,
    null                                    as id_type,
    null                                    as id_expiry,
    null                                    as id_long_term,
    null                                    as id_valid,
    null                                    as mobile_valid,
    null                                    as farmer,
    null                                    as annual_income,
    corporate.region_code,
    corporate.open_date,
    corporate.org_no                        as branch_code,
    case corporate.cust_status
        when '0' then 'normal' when '1' then 'dormant' when '2' then 'frozen' when '3' then 'closed'
        when '4' then 'deceased'
    end                                     as status,
    cast(corporate.aml_risk as integer)     as aml_risk,
    null                                    as marketing_consent,
    null                                    as personalisation_consent,
    null                                    as profile_filled,
    corporate.business_date,
    corporate.known_at,
    'cb_cust_corp'                          as _feed,
    corporate._delivery,
    corporate._row_no
from staged.cb_cust_corp as corporate
left join parties.party_map as party
    on party.source_system = 'core' and party.cust_no = corporate.cust_no
