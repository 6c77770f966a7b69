"""The county's files read as plain text, with no code of the warehouse or of the generator."""

from __future__ import annotations

import hashlib
import io
from decimal import Decimal
from pathlib import Path

import polars as pl

COLUMNS = {
    "cb_cust_ind": "cust_no cust_name id_type id_no id_expiry gender birth_date nationality marital education occupation "
    "industry_code employer mobile addr region_code farmer_flag annual_income open_date org_no mgr_id cust_status "
    "aml_risk consent_mkt consent_auto upd_ts",
    "cb_dep_acct": "acct_no cust_no acct_class acct_type product_code ccy open_date close_date mature_date term_m rate "
    "balance hold_amt acct_status payroll_flag last_txn_date org_no",
    "cb_txn": "txn_id txn_date txn_time acct_no cust_no dc_flag amount ccy bal_after txn_type channel cp_acct cp_name "
    "cp_bank cp_cust_no mcc merchant_id device_id ip remark rev_flag",
    "cb_org": "org_no org_name parent_no region_code org_level",
    "cb_product": "product_code product_name family risk_level subject",
    "cb_calendar": "cal_date is_workday is_batch_day",
    "ln_contract": "contract_no cust_no product_code amount ccy sign_date end_date guar_type purpose invest_industry rate "
    "repay_mode revolving entrust_pay online_flag status org_no mgr_id",
    "ln_due": "due_no contract_no cust_no product_code disb_date mature_date disb_amt rate principal ovd_prin ovd_int dpd "
    "five_class ext_flag ext_date restr_flag restr_date renew_type writeoff settle_date repay_acct disb_acct org_no",
    "ln_sched": "due_no period_no due_date prin_due int_due prin_paid int_paid paid_date",
    "ln_repay": "repay_id due_no repay_date prin_amt int_amt pen_amt repay_type payer_acct",
}
EVENTS = ("cb_txn", "ln_repay")
KEYS = {
    "cb_cust_ind": ["cust_no"],
    "cb_dep_acct": ["acct_no"],
    "cb_txn": ["txn_id", "txn_date"],
    "cb_org": ["org_no"],
    "cb_product": ["product_code"],
    "cb_calendar": ["cal_date"],
    "ln_contract": ["contract_no"],
    "ln_due": ["due_no"],
    "ln_sched": ["due_no", "period_no"],
    "ln_repay": ["repay_id"],
}
SUMMED = {
    "cb_dep_acct": "balance",
    "cb_txn": "amount",
    "ln_contract": "amount",
    "ln_due": "principal",
    "ln_sched": "prin_due",
    "ln_repay": "prin_amt",
}
MONEY = {
    *("annual_income", "balance", "hold_amt", "amount", "bal_after", "disb_amt", "principal", "ovd_prin", "ovd_int"),
    *("prin_due", "int_due", "prin_paid", "int_paid", "prin_amt", "int_amt", "pen_amt"),
}
DATES = {
    *("state_date", "id_expiry", "birth_date", "open_date", "close_date", "mature_date", "last_txn_date", "txn_date"),
    *("cal_date", "sign_date", "end_date", "disb_date", "ext_date", "restr_date", "settle_date", "due_date"),
    *("paid_date", "repay_date"),
}
NUMBERS = {"term_m", "dpd", "five_class", "period_no"}


def find(landing: Path, feed: str, day: str = "hist") -> Path:
    """The newest data file of a feed, of a night (yyyymmdd) or of the history."""
    return max((landing / day).glob(f"330327_*_{feed}_*.dat"))


def read(file: Path) -> pl.DataFrame:
    """A file as columns of text; null where it has nothing. Every line must have all its fields."""
    feed = next(name for name in COLUMNS if f"_{name}_" in file.name)
    columns = (["state_date"] if "_hist_" in file.name and feed not in EVENTS else []) + COLUMNS[feed].split()
    text = file.read_bytes().decode("gb18030")
    assert text == "" or text.endswith("\n")
    assert "\x01" not in text
    assert text.count("|@|") == text.count("\n") * (len(columns) - 1), file.name
    frame = pl.read_csv(
        io.BytesIO(text.replace("|@|", "\x01").encode()),
        has_header=False,
        separator="\x01",
        quote_char=None,
        schema=dict.fromkeys(columns, pl.String),
        raise_if_empty=False,
    )
    return frame.with_columns(pl.when(pl.col(name) != "").then(name).alias(name) for name in columns)


def typed(frame: pl.DataFrame) -> pl.DataFrame:
    """With money in fen, dates, and whole numbers; fails where one of them is none."""
    cents = {name: pl.col(name).str.replace(".", "", literal=True).cast(pl.Int64) for name in MONEY}
    casts = []
    for name in frame.columns:
        if name in MONEY:
            assert frame[name].drop_nulls().str.contains(r"^\d+\.\d\d$").all(), name
            casts.append(cents[name])
        elif name in DATES:
            casts.append(pl.col(name).str.to_date("%Y%m%d"))
        elif name in NUMBERS:
            casts.append(pl.col(name).cast(pl.Int64))
    return frame.with_columns(casts)


def control(file: Path) -> list[str]:
    """The fields of a file's control file."""
    (line,) = file.with_suffix(".flg").read_bytes().decode("gb18030").splitlines()
    return line.split("|@|")


def counted(file: Path) -> list[str]:
    """What the control file of a file has to say, reckoned from the file itself."""
    content = file.read_bytes()
    feed = next(name for name in COLUMNS if f"_{name}_" in file.name)
    total = ""
    if feed in SUMMED:
        total = f"{sum((Decimal(value) for value in read(file)[SUMMED[feed]]), Decimal('0.00')):.2f}"
    date, kind = file.stem.split("_")[-3:-1]
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return [file.name, str(len(content)), str(content.count(b"\n")), total, digest, date, kind]


class Landing:
    """A landing's files, typed and kept: `hist(feed)`, `night(feed, n)`."""

    def __init__(self, folder: Path, nights: tuple) -> None:
        self.folder, self.nights = folder, [f"{day:%Y%m%d}" for day in nights]
        self._kept: dict[tuple[str, str], pl.DataFrame] = {}

    def of(self, feed: str, day: str = "hist") -> pl.DataFrame:
        if (feed, day) not in self._kept:
            self._kept[feed, day] = typed(read(find(self.folder, feed, day)))
        return self._kept[feed, day]

    def events(self, feed: str) -> pl.DataFrame:
        """All rows of an event feed, history and nights, in the order of the files."""
        return pl.concat([self.of(feed), *(self.of(feed, day) for day in self.nights)])

    def states(self, feed: str) -> pl.DataFrame:
        """Dated states with the nights' rows after them, each under its night."""
        nights = [
            self.of(feed, day).with_columns(pl.lit(day).str.to_date("%Y%m%d").alias("state_date"))
            for day in self.nights
        ]
        history = self.of(feed)
        return pl.concat([history, *(night.select(history.columns) for night in nights)])

    def last(self, feed: str) -> pl.DataFrame:
        """Every key's newest state after the last night."""
        states = self.states(feed)
        return states.sort("state_date", maintain_order=True).unique(KEYS[feed], keep="last", maintain_order=True)
