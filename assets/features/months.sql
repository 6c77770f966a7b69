-- The month values of a party side by side: one row a party. `months_ago` 1 is the last complete month.
-- `…_unknown_n` counts the months among the last n in which the party had an account and the value is not known.
with value as (
    select
        *,
        days > 0 and in_m is null as in_unknown,
        days > 0 and sal_m is null as sal_unknown,
        days > 0 and dep_m is null as dep_unknown,
        days = day(last_day(month)) as is_whole
    from features.party_month
)
select
    party_id,
    max(case when months_ago = 1 then in_m end) as in_1,
    max(case when months_ago = 1 then out_m end) as out_1,
    coalesce(sum(case when months_ago <= 3 then in_m end), 0) as in_sum_3,
    coalesce(sum(case when months_ago <= 6 then in_m end), 0) as in_sum_6,
    coalesce(sum(case when months_ago > 3 then in_m end), 0) as in_sum_4_12,
    coalesce(sum(case when months_ago <= 3 then out_m end), 0) as out_sum_3,
    coalesce(sum(case when months_ago <= 6 then spend_m end), 0) as spend_sum_6,
    count(case when months_ago <= 3 and in_unknown then 1 end) as in_unknown_3,
    count(case when months_ago <= 6 and in_unknown then 1 end) as in_unknown_6,
    count(case when months_ago > 3 and in_unknown then 1 end) as in_unknown_4_12,
    count(case when months_ago <= 3 and is_whole then 1 end) as whole_3,
    count(case when months_ago <= 6 and is_whole then 1 end) as whole_6,
    count(case when months_ago > 3 and is_whole then 1 end) as whole_4_12,
    max(case when months_ago = 1 then sal_m end) as sal_1,
    coalesce(sum(case when months_ago <= 3 then sal_m end), 0) as sal_sum_3,
    coalesce(sum(case when months_ago <= 6 then sal_m end), 0) as sal_sum_6,
    count(case when months_ago <= 6 and sal_m > 0 then 1 end) as sal_count_6,
    count(case when months_ago <= 2 and sal_m > 0 then 1 end) as sal_count_2,
    count(case when months_ago between 3 and 8 and sal_m > 0 then 1 end) as sal_count_3_8,
    count(case when months_ago <= 6 and sal_unknown then 1 end) as sal_unknown_6,
    count(case when months_ago <= 2 and sal_unknown then 1 end) as sal_unknown_2,
    count(case when months_ago between 3 and 8 and sal_unknown then 1 end) as sal_unknown_3_8,
    max(case when months_ago = 1 then dep_m end) as dep_1,
    max(case when months_ago = 1 then aum_m end) as aum_1,
    max(case when months_ago = 2 then aum_m end) as aum_2,
    max(case when months_ago = 3 then aum_m end) as aum_3,
    max(case when months_ago = 4 then aum_m end) as aum_4,
    max(case when months_ago = 5 then aum_m end) as aum_5,
    max(case when months_ago = 6 then aum_m end) as aum_6,
    max(case when months_ago = 7 then aum_m end) as aum_7,
    count(case when months_ago <= 3 then aum_m end) as aum_count_3,
    count(case when months_ago between 5 and 7 then aum_m end) as aum_count_5_7,
    max(aum_m) as aum_max_12,
    count(case when months_ago <= 3 and dep_unknown then 1 end) as aum_unknown_3,
    count(case when months_ago between 5 and 7 and dep_unknown then 1 end) as aum_unknown_5_7,
    count(case when dep_unknown then 1 end) as aum_unknown_12
from value
group by party_id
