"""The feeds of core banking as lines: bookings, accounts at the end of the day, branches, products, the calendar."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np
import polars as pl

from pipelines.demo import counterparties, words
from pipelines.demo.accounts import PRODUCTS, SECOND, Accounts
from pipelines.demo.bookings import SAID, Bookings
from pipelines.demo.counterparties import NOBODY_NAMED, SELF_ELSEWHERE, Counterparties
from pipelines.demo.customers import Customers, outlets
from pipelines.demo.days import NEVER, Numbers, Span, date_of, is_workday, number
from pipelines.demo.delivery import BLOCK
from pipelines.demo.ledger import Posted
from pipelines.demo.people import People, Way
from pipelines.demo.texts import SEPARATOR, day, fields, flag, money, rate

DIRECTIONS = pl.Series(["C", "D"])
WITH_DEVICE = ("03", "04")
OTHER_SIDE = ("cp_acct", "cp_name", "cp_bank", "cp_cust_no", "mcc", "merchant_id")
ACCOUNT_LINE = fields(
    *(pl.col("static"), day("closed"), pl.col("terms"), money("balance"), money("held"), pl.col("status")),
    *(flag("payroll"), day("last_deed"), pl.col("outlet")),
)


class Bank:
    """The texts of accounts, customers and other sides, put together once."""

    def __init__(self, people: People, accounts: Accounts, customers: Customers, others: Counterparties) -> None:
        self.people, self.accounts = people, accounts
        owner = accounts.customer
        numbers, owners = accounts.numbers(), customers.numbers[owner]
        self.numbers = numbers
        banks = pl.Series(words.OTHER_BANKS)[np.arange(people.count) % len(words.OTHER_BANKS)]
        elsewhere = pl.Series(6_228_480_000_000_000_000 + np.arange(people.count) * 11).cast(pl.String)
        nobody = pl.repeat("", people.count, eager=True)
        own_bank = pl.repeat(words.OWN_BANK, len(accounts), eager=True)
        ours = counterparties.of_customers(people.name[owner], numbers, own_bank, owners)
        theirs = counterparties.of_customers(people.name, elsewhere, banks, nobody)
        # One list of all other sides: those of the county, then everybody's account elsewhere, then our own accounts.
        self._others = split(pl.concat([others.texts, theirs, ours]), *OTHER_SIDE)
        self._theirs, self._ours = len(others.texts), len(others.texts) + people.count
        self._accounts = pl.DataFrame({"acct_no": numbers, "cust_no": owners})
        self._ccy = pl.Series(np.where(accounts.is_foreign, "USD", "CNY"))
        self._said = pl.DataFrame([each[:2] for each in SAID.values()], schema=["txn_type", "channel"], orient="row")
        self._has_device = np.array([each.channel in WITH_DEVICE for each in SAID.values()])
        self._remarks = pl.DataFrame(
            [(each.remark, str(reversed_)) for each in SAID.values() for reversed_ in range(3)],
            schema=["remark", "rev_flag"],
            orient="row",
        )
        self.devices = _devices(np.arange(people.count))
        self._devices = pl.concat([self.devices, self.devices.clear(1)])
        kind = np.where(accounts.product == SECOND, "2", "1")
        product = np.array(PRODUCTS)[accounts.product]
        place = pl.DataFrame(
            {
                "number": numbers,
                "owner": owners,
                "class": kind,
                "type": np.where(accounts.is_time, "02", "01"),
                "product": product,
                "ccy": self._ccy,
                "opened": accounts.opened,
                "matures": accounts.matures,
                "term": accounts.term,
                "rate": accounts.rate,
                "outlet": outlets(people)[owner],
            }
        )
        self._static = place.select(
            pl.concat_str(
                fields(
                    *(pl.col(name) for name in ("number", "owner", "class", "type", "product", "ccy")), day("opened")
                )
            ).alias("static"),
            pl.concat_str(fields(day("matures"), pl.col("term").cast(pl.String), rate("rate"))).alias("terms"),
            "outlet",
        )
        self._paid_here = np.zeros(len(accounts), dtype=bool)
        self._paid_here[: people.count] = np.isin(people.way, (Way.PAYROLL, Way.CIVIL)) & (people.salary_until > 0)

    def transactions(self, posted: Posted) -> Iterator[pl.DataFrame]:
        """Bookings as rows of cb_txn, in order of time, a block at a time; numbered within each day."""
        order = np.argsort(posted.rows.day.astype(np.int64) * 86_400 + posted.rows.second, kind="stable")
        days = posted.rows.day[order]
        nth = np.arange(len(order)) - np.searchsorted(days, days) + 1
        for place in range(0, len(order), BLOCK):
            some = order[place : place + BLOCK]
            yield self._rows(
                posted.rows.take(some), posted.signed[some], posted.after[some], nth[place : place + BLOCK]
            )

    def _rows(self, rows: Bookings, signed: Numbers, after: Numbers, nth: Numbers) -> pl.DataFrame:
        account, kind, other = rows.account.astype(np.int64), rows.kind.astype(np.int64), rows.other.astype(np.int64)
        owner = self.accounts.customer[account]
        place = np.where(other == SELF_ELSEWHERE, self._theirs + owner, other)
        place = np.where(other < NOBODY_NAMED, self._ours - 1 - other, place)
        carried = self._has_device[kind] & (signed < 0)
        written = pl.DataFrame(
            {
                "txn_date": rows.day.astype(np.int64),
                "nth": nth + 10**10,
                "txn_time": rows.second.astype(np.int64),
                "amount": np.abs(signed),
                "bal_after": after,
                "dc_flag": DIRECTIONS[(signed < 0).astype(np.int64)],
                "ccy": self._ccy[account],
            }
        )
        txn_id = pl.concat_str(day("txn_date"), pl.lit("-"), pl.col("nth").cast(pl.String).str.slice(1), pl.lit("-01"))
        return pl.concat(
            [
                written.select(txn_id.alias("txn_id"), pl.exclude("nth")),
                self._accounts[account],
                self._said[kind],
                self._others[place],
                self._devices[np.where(carried, owner, self.people.count)],
                self._remarks[kind * 3 + rows.reversed],
            ],
            how="horizontal",
        )

    def account_states(self, account: Numbers, on: Numbers, balance: Numbers, last_deed: Numbers) -> pl.DataFrame:
        """Accounts as they stand at the end of a day, with the columns of ACCOUNT_LINE and `day`."""
        people, owner = self.people, self.accounts.customer[account]
        closed = np.where(self.accounts.closed[account] <= on, self.accounts.closed[account], NEVER)
        frozen = (people.frozen_on[owner] <= on) & (people.thawed_on[owner] > on)
        status = np.select(
            [
                closed < NEVER,
                frozen,
                people.death_known_on[owner] <= on,
                people.sleeps[owner] & (people.asleep_on[owner] <= on),
            ],
            ["5", "3", "2", "1"],
            "0",
        )
        frame = pl.DataFrame(
            {
                "day": on,
                "closed": closed,
                "balance": balance,
                "held": np.where(frozen & (closed == NEVER), balance, 0),
                "status": status,
                "payroll": self._paid_here[account] & (people.salary_until[owner] > on) & (closed == NEVER),
                "last_deed": np.where(last_deed > 0, last_deed, NEVER),
            }
        )
        return frame.hstack(self._static[account])

    def account_changes(self) -> pl.DataFrame:
        """Account and day of every change of an account that is no booking."""
        people, accounts = self.people, self.accounts
        everything = np.arange(len(accounts))
        days = [accounts.opened, accounts.closed]
        told = (people.frozen_on, people.thawed_on, people.death_known_on, people.asleep_on)
        days += [each[accounts.customer] for each in told]
        days.append(np.where(self._paid_here, people.salary_until[accounts.customer], NEVER))
        frames = [pl.DataFrame({"account": everything, "day": each}) for each in days]
        opened = pl.DataFrame({"account": everything, "opened": accounts.opened, "closed": accounts.closed})
        changes = pl.concat(frames).filter(pl.col("day") < NEVER).unique().join(opened, on="account")
        kept = changes.filter((pl.col("day") >= pl.col("opened")) & (pl.col("day") <= pl.col("closed")))
        return kept.select("account", "day").sort("day", "account")


def split(texts: pl.Series, *names: str) -> pl.DataFrame:
    """Fields that stand in one text, as columns; null where there is nothing."""
    parts = texts.to_frame("t").select(pl.col("t").str.split(SEPARATOR).list.to_struct(fields=names)).unnest("t")
    return parts.select(pl.when(pl.col(name) != "").then(pl.col(name)).alias(name) for name in names)


def _devices(customer: Numbers) -> pl.DataFrame:
    """A device and an address of the carrier's network for each customer."""
    mixed = customer * 2_654_435_761 % 2**32
    frame = pl.DataFrame({"d": mixed, "a": mixed // 7 % 256, "b": mixed // 2_000 % 256, "c": mixed // 600_000 % 256})
    parts = (pl.col(name).cast(pl.String) for name in "abc")
    address = pl.concat_str(pl.lit("10"), *parts, separator=".")
    return frame.select(
        pl.concat_str(pl.lit("d-"), pl.col("d").cast(pl.String)).alias("device_id"), address.alias("ip")
    )


def branches() -> pl.DataFrame:
    """The head office, a branch a town, and two outlets and a service point below each."""
    head = f"{words.BANK_CODE}000"
    rows = [(head, "某县农村商业银行总行", head, words.COUNTY, "1")]
    for nth, (town, _) in enumerate(words.TOWNS):
        branch = f"{words.BANK_CODE}{nth + 1:03}"
        rows.append((branch, f"某县农商银行{town}支行", head, words.COUNTY, "2"))
        for outlet in range(2):
            number_ = f"{words.BANK_CODE}{nth * 2 + outlet + 20:03}"
            rows.append((number_, f"某县农商银行{town}第{'一二'[outlet]}分理处", branch, words.COUNTY, "3"))
        rows.append((f"{words.BANK_CODE}{nth + 60:03}", f"{town}助农服务点", branch, words.COUNTY, "4"))
    return pl.DataFrame(rows, schema=["org_no", "name", "parent", "region", "level"], orient="row").sort("org_no")


def products(*, further: bool = False) -> pl.DataFrame:
    """All products; `further` with those of cards and wealth."""
    return pl.DataFrame(
        words.products(further=further),
        schema=["product_code", "product_name", "family", "risk", "subject"],
        orient="row",
    ).sort("product_code")


def calendar(span: Span) -> pl.DataFrame:
    """Every day from the history's year on, with the day on which it was announced: a year's on 1 December before."""
    first = dt.date(date_of(span.start).year, 1, 1)
    last = dt.date(date_of(span.horizon).year + 1, 12, 31)
    dates = [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
    announced = [max(span.start, number(dt.date(date.year - 1, 12, 1))) for date in dates]
    return pl.DataFrame(
        {
            "cal_date": [f"{date:%Y%m%d}" for date in dates],
            "workday": ["1" if is_workday(date) else "0" for date in dates],
            "batch": ["1"] * len(dates),
            "day": announced,
        }
    ).sort("day", "cal_date")
