"""Data faults by the rule that has to catch them: one row (or as many as the rule needs) of a night's file is changed.

`RULES` says for each rule of the data standard in which feeds it can be planted, and how. The control file agrees with
what is delivered, so that it is the rule that finds the fault.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from data_contracts.contract import Contract, targets_of
from liangcang.errors import UsageError
from pipelines.demo.delivered import path_of, read, write
from pipelines.demo.delivery import contract_of
from pipelines.demo.words import luhn

CONTROL_OR_FILE = {
    "Q01": "no_control",
    "Q02": "wrong_count",
    "Q03": "wrong_sum",
    "Q04": "other_date",
    "Q05": "late",
    "Q06": "not_gb18030",
    "Q07": "extra_field",
    "Q08": "bad_row",
}
"""Rules about a file as a whole: the fault of `faults` that breaks each."""
WRONG_ORGANISATION = "92330327MA97298150"
"""A right credit code around a wrong organisation code; some authorities issued such."""
UNKNOWN = {
    "cust_no": "8899999999999999",
    "product_code": "XX999999",
    "org_no": "330327999",
    "acct_no": "999999999999999",
}


@dataclass(frozen=True)
class Night:
    """A feed's file of a night, and the files beside it."""

    landing: Path
    contract: Contract
    day: dt.date

    @property
    def rows(self) -> pl.DataFrame:
        return self.of(self.contract.feed)

    def of(self, feed: str) -> pl.DataFrame:
        return read(self.landing, contract_of(feed), self.day)


Edit = Callable[[Night], pl.DataFrame]


def plant(landing: Path, day: dt.date, rule: str, feed: str | None = None) -> Path:
    """Break a rule in a night's file of a feed; without `feed`, of the first that `RULES` names; the file is handed back.

    Raises UsageError when the rule is not of that feed, or no row of the file can break it.
    """
    able = RULES.get(rule, {})
    if not able or (feed is not None and feed not in able):
        raise UsageError(f"rule {rule!r} cannot be broken so", expected=", ".join(able or RULES), found=feed)
    feed = feed or next(iter(able))
    contract = contract_of(feed)
    path_of(landing, contract, day)
    return write(landing, contract, day, able[feed](Night(landing, contract, day)))


def _first(rows: pl.DataFrame, where: pl.Expr | None = None) -> int:
    """The place of the first row that holds; the first one if nothing is asked."""
    places = rows.with_row_index("place").filter(pl.lit(value=True) if where is None else where)["place"]
    if places.is_empty():
        raise UsageError("no row of this delivery can break the rule", expected="another night, or a larger bank")
    return int(places[0])


def _changed(rows: pl.DataFrame, place: int, **values: str | None) -> pl.DataFrame:
    here = pl.int_range(pl.len()) == place
    return rows.with_columns(
        pl.when(here).then(pl.lit(value, dtype=pl.String)).otherwise(name).alias(name) for name, value in values.items()
    )


def _set(where: pl.Expr | None = None, **values: str | None) -> Edit:
    """In the first row that holds, other values."""
    return lambda night: _changed(rows := night.rows, _first(rows, where), **values)


def _swapped(column: str, where: pl.Expr | None = None) -> Edit:
    """In the first row that holds, another check character."""

    def edit(night: Night) -> pl.DataFrame:
        rows = night.rows
        place = _first(rows, where if where is not None else pl.col(column).str.len_chars() == 18)
        right = str(rows[column][place])
        return _changed(rows, place, **{column: right[:-1] + ("0" if right[-1] != "0" else "1")})

    return edit


def _added(column: str, amount: str, where: pl.Expr | None = None, *, to: str | None = None) -> Edit:
    """In the first row that holds, an amount that is what another (or itself) says and so much more."""

    def edit(night: Night) -> pl.DataFrame:
        rows = night.rows
        place = _first(rows, where)
        said = Decimal(rows[to or column][place] or "0") + Decimal(amount)
        return _changed(rows, place, **{column: f"{said}"})

    return edit


def _copied(column: str, source: str) -> Edit:
    return lambda night: _changed(
        rows := night.rows, place := _first(rows, pl.col(source).is_not_null()), **{column: rows[source][place]}
    )


def _twice(night: Night) -> pl.DataFrame:
    """A key that comes again with something else beside it."""
    rows, contract = night.rows, night.contract
    other = next(p.name for p in contract.properties if not p.key and p.type.startswith(("DECIMAL", "INTEGER")))
    again = _changed(rows[:1], _first(rows[:1]), **{other: "7"})
    return pl.concat([rows, again])


def _emptied(night: Night) -> pl.DataFrame:
    column = next(
        rule.columns[0]
        for rule in night.contract.rules
        if rule.kind == "required" and rule.columns[0] not in night.contract.key
    )
    return _changed(rows := night.rows, _first(rows), **{column: None})


def _no_code(night: Night) -> pl.DataFrame:
    column = next(rule.columns[0] for rule in night.contract.rules if rule.kind == "enum")
    return _changed(rows := night.rows, _first(rows), **{column: "?"})


def _nowhere(night: Night) -> pl.DataFrame:
    rule = next(rule for rule in night.contract.rules if targets_of(rule) and len(rule.columns) == 1)
    column = rule.columns[0]
    return _changed(
        rows := night.rows, _first(rows), **{column: UNKNOWN.get(column, "E99999" if column.endswith("_id") else "X0")}
    )


def _same_person(night: Night) -> pl.DataFrame:
    """Two open customers with one document."""
    rows = night.rows
    living = pl.col("cust_status").is_in(["0", "1", "2"]) & (pl.col("id_type") == "10")
    one = _first(rows, living)
    other = _first(rows, living & (pl.int_range(pl.len()) > one) & (pl.col("id_no").str.len_chars() == 18))
    same = {name: rows[name][one] for name in ("id_no", "birth_date", "gender")}
    return _changed(rows, other, **same)


def _of_the_dead(night: Night) -> pl.DataFrame:
    dead = night.of("cb_cust_ind").filter(pl.col("cust_status") == "4")
    rows = night.rows
    pays = _first(
        rows, pl.col("txn_type").is_in(["1001", "1002", "2003", "2004", "2005"]) & (pl.col("channel") != "09")
    )
    return _changed(rows, pays, cust_no=dead["cust_no"][_first(dead)])


def _new_accounts(night: Night, *, many: int, right: bool, **values: str) -> pl.DataFrame:
    """Accounts of the first customer that were not there: cards with nothing on them."""
    rows = night.rows
    stems = 622_202_999_999_999_000 + np.arange(many)
    digits = luhn(stems, 18) if right else (luhn(stems, 18) + 1) % 10
    row = rows[_first(rows, (pl.col("acct_type") == "01") & (pl.col("acct_status") == "0"))]
    new = [
        row.with_columns(pl.lit(f"{stem}{digit}").alias("acct_no")) for stem, digit in zip(stems, digits, strict=True)
    ]
    empty = pl.concat(new).with_columns(
        pl.lit("0.00").alias("balance"),
        pl.lit("0.00").alias("hold_amt"),
        *(pl.lit(value).alias(name) for name, value in values.items()),
    )
    return pl.concat([rows, empty])


def _moved(subject: str, *, asset: bool) -> Edit:
    """In one branch a yuan moves between a subject and what is borrowed from head office: debits still equal credits."""

    def edit(night: Night) -> pl.DataFrame:
        rows, column = night.rows, "dr_bal" if asset else "cr_bal"
        place = _first(
            rows,
            pl.col("subject").str.starts_with(subject)
            & (pl.col("ccy") == "CNY")
            & (pl.col(column).cast(pl.Decimal(20, 2)) > 1),
        )
        org = rows["org_no"][place]
        plug = _first(rows, (pl.col("org_no") == org) & (pl.col("ccy") == "CNY") & (pl.col("subject") == "21010101"))
        more = Decimal(rows[column][place]) + 1
        other = "cr_bal" if asset else "dr_bal"
        return _changed(
            _changed(rows, place, **{column: f"{more}"}), plug, **{other: f"{Decimal(rows[other][plug]) + 1}"}
        )

    return edit


def _unsecured(kinds: tuple[str, ...]) -> Edit:
    """What secures a running contract is said of another one."""

    def edit(night: Night) -> pl.DataFrame:
        rows, contracts = night.rows, night.of("ln_contract")
        needs = contracts.filter(pl.col("guar_type").is_in(kinds), pl.col("status") == "1")["contract_no"].implode()
        free = contracts.filter(pl.col("guar_type") == "1")
        first = rows["contract_no"][_first(rows, pl.col("contract_no").is_in(needs))]
        there = free["contract_no"][_first(free)]
        return rows.with_columns(
            pl.when(pl.col("contract_no") == first).then(pl.lit(there)).otherwise("contract_no").alias("contract_no")
        )

    return edit


def _of_another(night: Night) -> pl.DataFrame:
    rows = night.rows
    mine = _first(rows, pl.col("repay_acct").is_not_null())
    other = _first(rows, pl.col("repay_acct").is_not_null() & (pl.col("cust_no") != rows["cust_no"][mine]))
    return _changed(rows, mine, repay_acct=rows["repay_acct"][other])


def _too_risky(night: Night) -> pl.DataFrame:
    """An order for more risk than the buyer may take."""
    rated = night.of("wm_risk_eval").sort("eval_date").unique("cust_no", keep="last", maintain_order=True)
    careful = rated["cust_no"][_first(rated, pl.col("level").is_in(["C1", "C2"]))]
    values = {
        "order_id": "WO-TOO-RISKY", "cust_no": careful, "product_code": "WM030012", "order_date": f"{night.day:%Y%m%d}",
        "side": "1", "amount": "10000.00", "channel": "01", "status": "1",
    }  # fmt: skip
    rows = night.rows
    return pl.concat([rows, pl.DataFrame([values]).select(rows.columns)])


def _all_at_the_village(night: Night) -> pl.DataFrame:
    """Whatever was booked came through service points in villages: each row is right, the day is not."""
    return night.rows.with_columns(pl.lit("07").alias("channel"))


def _said_again(**values: str) -> Edit:
    """A row, of an earlier file where this one has none, with other values."""

    def edit(night: Night) -> pl.DataFrame:
        rows, at = night.rows, night.day
        while rows.is_empty() and at > night.day - dt.timedelta(days=31):
            at -= dt.timedelta(days=1)
            rows = read(night.landing, night.contract, at)[:1]
        return _changed(rows, _first(rows), **values)

    return edit


def _long_ago(night: Night) -> pl.DataFrame:
    """A booking of the week before, of an account that has no other."""
    rows = night.rows
    alone = ~pl.col(next(name for name in rows.columns if name in ("acct_no", "card_acct"))).is_duplicated()
    return _changed(rows, _first(rows, alone), txn_date=f"{night.day - dt.timedelta(days=7):%Y%m%d}")


def _over_one(night: Night) -> pl.DataFrame:
    rows = night.rows
    return _changed(rows, _first(rows, pl.col("uscc").is_duplicated()), pct="0.9000")


def _not_booked(night: Night) -> pl.DataFrame:
    """The one booking of an account in the day is not delivered: its balance moved all the same."""
    rows = night.rows
    alone = ~pl.col("acct_no").is_duplicated() & (pl.col("txn_type") != "2001") & (pl.col("rev_flag") == "0")
    return rows.filter(pl.int_range(pl.len()) != _first(rows, alone))


_FIRST_OF_MORE = pl.col("acct_no").is_duplicated() & pl.col("acct_no").is_first_distinct()
_TO_ONE_OF_OURS = (pl.col("txn_type") == "2001") & pl.col("cp_acct").is_in(pl.col("acct_no").implode())


def _decimal(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Decimal(20, 2))


_RIGHT_ID = (pl.col("id_type") == "10") & (pl.col("id_no").str.len_chars() == 18)
RULES: Mapping[str, Mapping[str, Edit]] = {
    "Q09": dict.fromkeys(("cb_dep_acct", "ln_due", "cc_acct", "sc_order", "cb_txn"), _twice),
    "Q10": dict.fromkeys(("cb_cust_ind", "cb_cust_corp", "cc_acct", "eb_event", "px_tax", "hr_emp"), _emptied),
    "Q11": dict.fromkeys(("cb_dep_acct", "cb_txn", "cc_acct", "eb_sign", "bc_collateral", "px_reg"), _no_code),
    "Q12": dict.fromkeys(("cb_txn", "cc_acct", "mc_merchant", "crm_grid", "wm_hold", "sc_invoice"), _nowhere),
    "Q12_parent": {"cb_org": _set(pl.col("org_level") == "4", parent_no="330327999")},
    "Q13": dict.fromkeys(("mc_day", "eb_event"), lambda night: (rows := night.rows)[: rows.height // 3]),
    "Q14": dict.fromkeys(("eb_sign", "wm_hold", "cb_dep_acct"), lambda night: (rows := night.rows)[: -(rows.height // 20)]),
    "Q15": {
        "cb_cust_ind": _swapped("id_no", _RIGHT_ID),
        "cb_cust_corp": _swapped("legal_id_no"),
        **{feed: _swapped(column) for feed, column in (("bc_app", "id_no"), ("bc_guarantee", "guarantor_id"), ("bc_list", "id_no"),
           ("cr_report", "subject_id"), ("px_social", "id_no"), ("px_village", "head_id"), ("px_fraud", "id_no"))},
    },
    "Q16": {"cb_cust_ind": _set(_RIGHT_ID, birth_date="19700101")},
    "Q17": {
        **dict.fromkeys(("cb_cust_corp", "px_tax", "bc_fin", "px_env", "px_reg", "mc_merchant"), _swapped("uscc")),
        **dict.fromkeys(("sc_order", "sc_invoice"), _swapped("seller")),
        **dict.fromkeys(("px_shop", "px_util"), _swapped("owner_id")),
        "px_share": _swapped("uscc"),
    },
    "Q17_organisation": {"cb_cust_corp": _set(uscc=WRONG_ORGANISATION)},
    "Q18": {"cb_cust_ind": _same_person},
    "Q19": dict.fromkeys(("cb_cust_ind", "bc_app"), _set(mobile="12957700123")),
    "Q20": {"cb_cust_ind": _set(pl.col("open_date") > "20000102", id_expiry="20000101")},
    "Q21": {"cb_cust_ind": _set(cust_name="未知")},
    "Q22": {"cb_cust_ind": _set(farmer_flag="1", industry_code="I6510", region_code="330302001001")},
    "Q23": {"cb_cust_ind": _set(id_type="99", id_no="OLD1", birth_date="18800101")},
    "Q24": {"cb_txn": _of_the_dead},
    "Q25": {"cb_dep_acct": _set(pl.col("close_date").is_null(), close_date="19000102")},
    "Q26": {"cb_dep_acct": _added("hold_amt", "1.00", (pl.col("acct_type") == "01") & (pl.col("acct_status") == "0"), to="balance")},
    "Q27": {"cb_dep_acct": partial(_new_accounts, many=1, right=False)},
    "Q28": {"cb_dep_acct": _set(pl.col("acct_type") == "02", mature_date="20991231")},
    "Q29": {"cb_dep_acct": partial(_new_accounts, many=6, right=True, acct_class="2")},
    "Q30": {"cb_txn": _not_booked},
    "Q30_many": {"cb_txn": _not_booked},
    "Q31": {"cb_txn": _added("bal_after", "0.01", _FIRST_OF_MORE)},
    "Q32": {"cb_txn": _set(pl.col("dc_flag") == "D", dc_flag="X")},
    "Q33": {"cb_txn": _set(pl.col("rev_flag") == "0", rev_flag="1")},
    "Q34": dict.fromkeys(("cb_txn", "cc_txn"), _long_ago),
    "Q35": {"cb_txn": _set(_TO_ONE_OF_OURS, cp_acct="6217000000009999")},
    "Q36": {"cb_gl": _added("dr_bal", "1.00", pl.col("subject") == "10020101")},
    "Q37": {"cb_gl": _moved("2011", asset=False)},
    "Q38": {"cb_gl": _moved("1301", asset=True)},
    "Q39": {"ln_due": _set(pl.col("principal") == pl.col("disb_amt"), disb_amt="999999999.00", principal="999999999.00")},
    "Q40": {"ln_repay": _added("prin_amt", "1.00")},
    "Q41": {"ln_sched": _added("prin_due", "1.00")},
    "Q42": {"ln_sched": _set(pl.col("paid_date").is_not_null(), paid_date=None, due_date="20200101")},
    "Q43": {"ln_due": _set((pl.col("dpd") == "0") & (_decimal("principal") > 1), ovd_prin="1.00")},
    "Q44": {"ln_due": _set(pl.col("dpd").cast(pl.Int64) > 90, five_class="1")},
    "Q45": {"ln_due": _set((_decimal("principal") > 0) & pl.col("settle_date").is_null(), settle_date="20261031")},
    "Q46": {"ln_due": _of_another},
    "Q47": {"bc_guarantee": _unsecured(("2", "5")), "bc_collateral": _unsecured(("3", "4"))},
    "Q48": {"bc_guarantee": _copied("guarantor_no", "borrower_no")},
    "Q49": {"bc_collateral": _set(value_date="20200101")},
    "Q50": {"wm_hold": _added("market_value", "1.00")},
    "Q51": {"wm_order": _too_risky},
    "Q52": {"cr_report": _set(auth_end="20200101")},
    "Q53": {"cr_acct": _set(hist60="N" * 59 + "X")},
    "Q54": {"cr_summary": _added("card_cnt", "1")},
    "Q55": dict.fromkeys(("px_tax", "px_social", "px_village", "px_shop", "px_util"), _set(auth_no="none")),
    "Q56": {
        "px_tax": _set(period="202501"),
        **dict.fromkeys(("px_social", "px_shop", "px_util"), _set(month="202501")),
        "px_reg": _set(snap_date="2026-01-01"),
    },
    "Q57": {"px_share": _over_one},
    "Q58": {"mc_day": _added("night_amt", "1.00", to="amt")},
    "Q59": {"px_village": _said_again(eval_n="2")},
    "Q60": {"cb_txn": _all_at_the_village},
}  # fmt: skip
"""Rule to feed to what is done. Rules about files as wholes are `CONTROL_OR_FILE`."""
