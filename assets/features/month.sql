-- The last twelve complete months; months_ago 1 is the newest.
select months_ago, first_day, last_day
from (
    values
    (1, $first_1, $last_1),
    (2, $first_2, $last_2),
    (3, $first_3, $last_3),
    (4, $first_4, $last_4),
    (5, $first_5, $last_5),
    (6, $first_6, $last_6),
    (7, $first_7, $last_7),
    (8, $first_8, $last_8),
    (9, $first_9, $last_9),
    (10, $first_10, $last_10),
    (11, $first_11, $last_11),
    (12, $first_12, $last_12)
) as month (months_ago, first_day, last_day)
