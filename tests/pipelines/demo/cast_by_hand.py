"""The indicators that core and loan files can feed, each one naive query over the county's files as of a night.

Written from the catalogue's definitions, with no code of the warehouse; amounts are fen. A query yields customers and
levels; who is not in it is a MISS, or not to be known.
"""

from __future__ import annotations

import datetime as dt

import duckdb
import polars as pl
from county_files import Landing

TABLES = """
create temp table txn as from txn_all where txn_date <= getvariable('d');
create temp table acct as select * exclude n from (
    select *, row_number() over (partition by acct_no order by state_date desc) as n from acct_all
    where state_date <= getvariable('d')) where n = 1;
create temp table cust as select * exclude n from (
    select *, row_number() over (partition by cust_no order by state_date desc) as n from cust_all
    where state_date <= getvariable('d')) where n = 1;
create temp table due as select * exclude n from (
    select *, row_number() over (partition by due_no order by state_date desc) as n from due_all
    where state_date <= getvariable('d')) where n = 1;
create temp table due_30 as select * exclude n from (
    select *, row_number() over (partition by due_no order by state_date desc) as n from due_all
    where state_date <= getvariable('d') - 30) where n = 1;
create temp table contract as select * exclude n from (
    select *, row_number() over (partition by contract_no order by state_date desc) as n from contract_all
    where state_date <= getvariable('d')) where n = 1;
create temp table sched as select * exclude n from (
    select *, row_number() over (partition by due_no, period_no order by state_date desc) as n from sched_all
    where state_date <= getvariable('d')) where n = 1;
create temp table repay as from repay_all where repay_date <= getvariable('d');
create temp table open_due as from due where settle_date is null;
create temp table month as
    select -nth as m, date_trunc('month', getvariable('d') + 1) - to_months(nth) as first
    from (select unnest(range(1, 13)) as nth);
create temp table inflow as
    select cust_no, m, sum(amount) as amount
    from txn join month on date_trunc('month', txn_date) = first
    where dc_flag = 'C' and rev_flag = '0' and txn_type not in ('2003', '2004', '2008', '2009')
      and cp_cust_no is distinct from cust_no group by all;
create temp table salary as
    select cust_no, m, sum(amount) as amount
    from txn join month on date_trunc('month', txn_date) = first
    where txn_type = '2002' and dc_flag = 'C' and rev_flag = '0' group by all;
create temp table deed as
    select *, txn_date > getvariable('d') - 7 as recent from txn
    where rev_flag = '0' and channel <> '09' and (txn_type = '1001'
      or (dc_flag = 'D' and txn_type in ('1002', '2001', '2003', '2004', '2005', '2008', '2012')));
create temp table balance_day as
    select acct_no, day, arg_max(balance, state_date) as balance
    from acct_all, (select unnest(range(getvariable('d') - 130, getvariable('d') + 1, interval 1 day))::date as day)
    where state_date <= day and ccy = 'CNY' group by all;
"""

QUERIES = {
    # GB 11643-1999: the weighted sum of the first 17 digits says the last character.
    "R001": """
        select cust_no, 'orange' from cust where id_type = '10' and length(id_no) = 18 and substr('10X98765432', 1 +
          list_sum([cast(substr(id_no, p, 1) as int) * ([7,9,10,5,8,4,2,1,6,3,7,9,10,5,8,4,2])[p] for p in range(1, 18)])
          ::int % 11, 1) <> right(id_no, 1)""",
    "R002": """
        select cust_no, if(d - id_expiry > 90 and coalesce(owed, 0) > 0, 'orange', 'yellow')
        from (select *, getvariable('d') as d from cust)
        left join (select cust_no, sum(principal) as owed from open_due where writeoff = '0' group by 1) using (cust_no)
        where id_expiry < d""",
    "R004": """
        select cust_no, if(n >= 5, 'orange', 'yellow') from cust
        join (select mobile, count(*) as n from cust group by 1) using (mobile) where n >= 3""",
    "R011": "select cust_no, 'red' from cust where cust_status = '4'",
    "R025": """
        select cust_no, case when n > 90 then 'red' when n > 30 then 'orange' when n > 7 then 'yellow' else 'blue' end
        from (select cust_no, max(dpd) as n from open_due group by 1) where n > 0""",
    "R026": """
        select cust_no, if(c >= 3, 'red', 'yellow') from (select cust_no, max(five_class) as c from open_due group by 1)
        where c >= 2""",
    "R027": """
        select distinct cust_no, 'orange' from open_due join due_30 as old using (due_no, cust_no)
        where old.settle_date is null and open_due.five_class > old.five_class""",
    "R028": """
        select cust_no, if(n >= 6, 'orange', 'yellow') from (
          select cust_no, count(*) as n from sched join due using (due_no)
          where due_date > getvariable('d') - 365 and due_date <= getvariable('d')
            and coalesce(paid_date, getvariable('d')) - due_date > 3 group by 1) where n >= 3""",
    "R029": """
        select distinct cust_no, 'orange' from sched join due using (due_no)
        where period_no = 1 and ((paid_date is null and due_date + 7 < getvariable('d'))
          or (paid_date - due_date > 7 and paid_date > getvariable('d') - 180))""",
    "R030": "select distinct cust_no, 'yellow' from due where ext_date > getvariable('d') - 365",
    "R031": """
        select distinct cust_no, 'orange' from open_due where restr_flag = '1' and getvariable('d') < restr_date + 365""",
    "R032": """
        select distinct cust_no, 'yellow' from due where renew_type = '2' and disb_date > getvariable('d') - 365""",
    "R033": """
        select distinct acct.cust_no, 'blue' from (
          select repay_acct, sum(prin_due - prin_paid + int_due - int_paid) as asked from sched join open_due using (due_no)
          where due_date > getvariable('d') and due_date <= getvariable('d') + 3 group by 1)
        join acct on acct_no = repay_acct where balance - hold_amt < asked""",
    "R034": """
        select cust_no, if(max(repay_type in ('4', '5')), 'orange', 'yellow') from (
          select due.cust_no, repay_type, acct.cust_no as payer
          from repay join due using (due_no) left join acct on acct_no = payer_acct
          where repay_date > getvariable('d') - 180)
        where repay_type in ('4', '5') or payer <> cust_no group by 1""",
    "R037": """
        with owed as (
          select due.cust_no, sum(int_due - int_paid + if(repay_mode in ('1', '2'), prin_due - prin_paid, 0)) as burden
          from sched join due using (due_no) join contract using (contract_no)
          where due_date > getvariable('d') and due_date <= getvariable('d') + 30 group by 1),
        earned as (select cust_no, avg(amount) as income from salary where m >= -6 group by 1)
        select cust_no, if(burden > 0.8 * income, 'orange', 'yellow') from owed join earned using (cust_no)
        where income >= 50000 and burden > 0.55 * income""",
    "R040": """
        with day as (select unnest(range(getvariable('d') - 59, getvariable('d') + 1, interval 1 day))::date as day),
        used as (
          select cust_no, day, sum(if(settle_date is null and writeoff = '0', principal, 0)) as used from (
            select distinct on (day, due_no) day, due_all.* from due_all, day where state_date <= day
            order by day, due_no, state_date desc)
          group by 1, 2),
        granted as (
          select cust_no, day, sum(if(status in ('1', '4'), amount, 0)) as granted from (
            select distinct on (day, contract_no) day, contract_all.* from contract_all, day where state_date <= day
            order by day, contract_no, state_date desc)
          group by 1, 2)
        select cust_no, 'blue' from used join granted using (cust_no, day) where granted >= 100000
        group by 1 having count(*) = 60 and min(used >= 0.95 * granted)""",
    "R045": """
        select cust_no, if(now / 3.0 <= 0.3 * before / 9.0, 'orange', 'yellow') from (
          select cust_no, coalesce(sum(amount) filter (m >= -3), 0) as now, sum(amount) filter (m < -3) as before
          from inflow group by 1) where before / 9.0 >= 500000 and now / 3.0 <= 0.6 * before / 9.0""",
    "R046": """
        select cust_no, 'yellow' from salary group by 1
        having count(*) filter (m between -8 and -3) >= 5 and count(*) filter (m >= -2) = 0""",
    "R047": """
        select cust_no, 'blue' from (
          select cust_no, coalesce(sum(amount) filter (m >= -3), 0) as now,
            coalesce(sum(amount) filter (m between -6 and -4), 0) as before from salary group by 1)
        where before >= 300000 and now <= 0.7 * before""",
    "R048": """
        with kept as (
          select cust_no, date_trunc('month', day) as first, sum(balance_day.balance) / count(distinct day) as mean
          from balance_day join acct using (acct_no) group by 1, 2)
        select cust_no, 'yellow' from kept as now join month as a on a.m = -1 and now.first = a.first
        join kept as before using (cust_no) join month as b on b.m = -4 and before.first = b.first
        where cust_no in (select cust_no from open_due where writeoff = '0' and principal > 0)
          and before.mean >= 2000000 and now.mean <= 0.4 * before.mean""",
    "R049": """
        with day as (
          select cust_no, txn_date as t, coalesce(sum(amount) filter (dc_flag = 'C'), 0) as inn,
            coalesce(sum(amount) filter (dc_flag = 'D'), 0) as out from txn
          where cp_cust_no is distinct from cust_no and txn_date >= getvariable('d') - 29 group by 1, 2),
        passed as (
          select a.cust_no, a.t, a.inn from day as a left join day as b on b.cust_no = a.cust_no and b.t = a.t + 1
          where a.inn >= 5000000 and a.out + coalesce(b.out, 0) >= 0.9 * a.inn and a.t < getvariable('d')),
        left_over as (
          select cust_no, t, inn, sum(balance_day.balance) as rest from passed
          join acct using (cust_no) join balance_day on balance_day.acct_no = acct.acct_no and day = t + 1
          group by 1, 2, 3)
        select cust_no, if(count(*) >= 5, 'orange', 'yellow') from left_over where rest <= 0.05 * inn group by 1
        having count(*) >= 2""",
    "R050": """
        select cust_no, 'orange' from txn
        where txn_date > getvariable('d') - 30 and rev_flag = '0' group by 1
        having count(distinct coalesce(cp_acct, cp_name)) filter (dc_flag = 'C') >= 20
          and count(distinct coalesce(cp_acct, cp_name)) filter (dc_flag = 'D') <= 3
          and sum(amount) filter (dc_flag = 'D' and txn_type not in ('2008', '2010')
            and cp_cust_no is distinct from cust_no) >= 10000000""",
    "R051": """
        select cust_no, 'yellow' from (select cust_no, min(open_date) as opened from acct group by 1)
        join (select cust_no, sum(amount) as moved from deed where recent group by 1) using (cust_no)
        where moved >= 5000000 and opened < getvariable('d') - 186
          and cust_no not in (select cust_no from deed where not recent and txn_date > getvariable('d') - 187)""",
    "R052": """
        select cust_no, 'orange' from txn where txn_type in ('1001', '1002') and rev_flag = '0'
          and amount between 4500000 and 4999999 and txn_date > getvariable('d') - 7 group by 1 having count(*) >= 3""",
    "R053": """
        select cust_no, if(count(*) >= 5 or sum(amount) >= 2000000, 'orange', 'yellow') from txn
        where dc_flag = 'D' and mcc = '7995' and txn_date > getvariable('d') - 30 group by 1""",
    "R054": """
        select cust_no, 'yellow' from txn
        where dc_flag = 'D' and rev_flag = '0' and txn_date > getvariable('d') - 30 group by 1
        having sum(amount) filter (txn_time < '050000') >= 0.5 * sum(amount)
          and count(*) filter (txn_time < '050000') >= 10""",
    "R055": """
        with lent as (select cust_no, disb_date, disb_amt from due where disb_date > getvariable('d') - 90)
        select distinct lent.cust_no, 'orange' from lent
        join txn as away on away.cust_no = lent.cust_no and away.dc_flag = 'D' and away.cp_cust_no <> away.cust_no
          and away.txn_date between disb_date and disb_date + 7
        join txn as back on back.cust_no = away.cp_cust_no and back.dc_flag = 'D' and back.cp_cust_no = lent.cust_no
          and back.txn_date between away.txn_date and disb_date + 7
        where back.amount >= 0.5 * disb_amt""",
    "R056": """
        select cust_no, 'orange' from due join contract using (contract_no, cust_no)
        join txn using (cust_no)
        where disb_date > getvariable('d') - 90 and purpose <> '03' and dc_flag = 'D' and mcc in ('6211', '6513')
          and txn_date between disb_date and disb_date + 30
        group by cust_no, due_no, disb_amt having sum(txn.amount) >= 0.3 * disb_amt""",
    "R057": """
        with draw as (
          select due.cust_no, due_no, disb_date, disb_amt, if(purpose in ('01', '07', '08'), 50000000, 30000000) as line
          from due join contract using (contract_no)
          where entrust_pay = '0' and purpose not in ('03', '99') and disb_date > getvariable('d') - 90)
        select distinct a.cust_no, 'yellow' from draw as a join draw as b on b.cust_no = a.cust_no and b.due_no > a.due_no
          and abs(a.disb_date - b.disb_date) < 7
        where a.disb_amt < a.line and b.disb_amt < b.line and a.disb_amt + b.disb_amt > a.line""",
}


def hits(landing: Landing, night: dt.date) -> dict[str, dict[str, str]]:
    """Indicator to customers to levels, as of a night."""
    feeds = {
        "cust_all": landing.states("cb_cust_ind"),
        "acct_all": landing.states("cb_dep_acct"),
        "txn_all": landing.events("cb_txn"),
        "contract_all": landing.states("ln_contract"),
        "due_all": landing.states("ln_due"),
        "sched_all": landing.states("ln_sched"),
        "repay_all": landing.events("ln_repay"),
    }
    with duckdb.connect() as con:
        con.execute("set variable d = ?", [night])
        for name, frame in feeds.items():
            con.register(name, frame.to_arrow())
        con.execute(TABLES)
        return {id: dict(con.execute(query).fetchall()) for id, query in QUERIES.items()}


def of_cast(landing: Landing, truth: pl.DataFrame, night: dt.date) -> dict[str, dict[str, str]]:
    """Member of the cast to its hits, as of a night."""
    names = dict(truth.filter(pl.col("cast").is_not_null()).select("cust_no", "cast").iter_rows())
    found: dict[str, dict[str, str]] = {name: {} for name in names.values()}
    for indicator, customers in hits(landing, night).items():
        for customer, level in customers.items():
            if customer in names:
                found[names[customer]][indicator] = level
    return found
