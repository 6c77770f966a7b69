"""Reports of the credit bureau, of the night on which they are asked for: of applicants, and of borrowers by turns.

Everybody's loans with us stand in them as our own files have them; what others have lent is drawn, more of it and worse
the harder the times are. The summary is counted from the details.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from pipelines.demo.days import Numbers, column
from pipelines.demo.people import Shares
from pipelines.demo.systems.bureau_details import cards_elsewhere, loans_elsewhere, summary
from pipelines.demo.systems.card import Cards
from pipelines.demo.systems.credit import Credit
from pipelines.demo.systems.feeds import Nightly
from pipelines.demo.systems.firms import Firms
from pipelines.demo.systems.world import World, drawn, numbered
from pipelines.demo.texts import DAY, dates

FEEDS = ("cr_report", "cr_summary", "cr_acct", "cr_query", "cr_public", "cr_liab", "cr_corp")
TURN = 30
"""Every borrower is looked at again on one day of so many."""
WATCHED = 3
"""And those who were more than a month late at some time on one of these."""
ELSEWHERE = ("11", "12", "15", "21", "22", "41")
BUSINESS_OF = {"LN010001": "51", "LN010002": "41", "LN020001": "91", "LN020002": "91", "LN030001": "11"}
_ACCOUNT = pl.Schema(
    {
        **dict.fromkeys(
            ("subject", "open_date", "mature_date", "loan_amt", "balance", "mon_due", "ovd_amt", "ovd_periods"),
            pl.Int64,
        ),
        **dict.fromkeys(("acct_kind", "own_flag", "org_type", "biz", "five_class", "acct_status"), pl.String),
    }
)


@dataclass
class Bureau:
    """Makes the reports of a night once, for all its feeds."""

    world: World
    firms: Firms
    credit: Credit
    cards: Cards
    _night: tuple[int, Mapping[str, pl.DataFrame]] | None = field(default=None, init=False)

    def feeds(self) -> dict[str, Nightly]:
        return {feed: Nightly(lambda day, feed=feed: self.night(day)[feed]) for feed in FEEDS}  # type: ignore[misc]

    def night(self, day: int) -> Mapping[str, pl.DataFrame]:
        """The seven feeds of a night."""
        if self._night is None or self._night[0] != day:
            self._night = (day, self._reports(day))
        return self._night[1]

    def _reports(self, day: int) -> dict[str, pl.DataFrame]:
        chance = self.world.chance(100, day)
        persons = self._subjects(day)
        firms = self._firms(day)
        names = numbered("", np.arange(persons.height + len(firms)) + 1, 8)
        report = dates(np.full(len(names), day)) + names
        persons = persons.with_columns(report[: persons.height].alias("report_no"))
        strain = self._strain(persons, day)
        accounts = self._accounts(persons, strain, day, chance)
        queries = self._queries(persons, strain, day, chance)
        public = self._public(persons, day)
        liabilities = self._liabilities(persons, day)
        return {
            "cr_report": self._headers(persons, firms, report, day),
            "cr_summary": summary(
                persons, accounts=accounts, queries=queries, liabilities=liabilities, strain=strain, day=day
            ),
            "cr_acct": accounts,
            "cr_query": queries,
            "cr_public": public,
            "cr_liab": liabilities,
            "cr_corp": self._enterprises(firms, report[persons.height :], day, chance),
        }

    def _subjects(self, day: int) -> pl.DataFrame:
        """Applicants of the day, and the borrowers whose turn it is."""
        asked = self.credit.applications.filter(pl.col("state_date") == day, pl.col("result") == "0")
        applicants = asked.select("customer", "id_no", pl.col("cust_name").alias("name"), pl.lit("02").alias("reason"))
        owner = self.world.persons.select("cust_no").with_row_index("customer").cast({"customer": pl.Int64})
        who = np.unique(column(self._owed(day).join(owner, on="cust_no"), "customer"))
        who = who[self.world.sound[who]]
        late = self.world.first_late[31][who] <= day
        who = np.concatenate([_in_turn(who[~late], day, TURN), _in_turn(who[late], day, WATCHED)])
        person = self.world.persons[who]
        looked_at: pl.DataFrame = person.select(
            pl.Series("customer", who), "id_no", "name", pl.lit("01").alias("reason")
        )
        subjects: pl.DataFrame = pl.concat([applicants, looked_at])
        return subjects.unique("id_no", keep="first", maintain_order=True)

    def _owed(self, day: int) -> pl.DataFrame:
        """The receipts on which something is owed at the end of a day."""
        receipts: pl.DataFrame = self.world.lent.receipts
        known = receipts.filter(pl.col("day") <= day).unique("number", keep="last", maintain_order=True)
        return known.filter(pl.col("settled_on").is_null(), pl.col("principal") > 0)

    def _firms(self, day: int) -> Numbers:
        asked = np.flatnonzero(
            np.isin(self.firms.size, ("2", "3", "4")) & self.firms.there(day, np.arange(len(self.firms)))
        )
        return _in_turn(asked, day, TURN)

    def _strain(self, persons: pl.DataFrame, day: int) -> Shares:
        who = column(persons, "customer")
        strangers = 0.6 * (column(persons.select((pl.col("reason") == "02").alias("a")), "a") == 1)
        return np.where(who < 0, strangers, self.world.strain(day, np.maximum(who, 0)))

    def _headers(self, persons: pl.DataFrame, firms: Numbers, report: pl.Series, day: int) -> pl.DataFrame:
        papers = self.firms.papers[firms]
        told = pl.concat(
            [
                persons.select(pl.col("id_no").alias("subject_id"), pl.col("name").alias("subject_name"), "reason", pl.lit("1").alias("subject_kind")),
                papers.select(pl.col("uscc").alias("subject_id"), pl.col("corp_name").alias("subject_name"), pl.lit("01").alias("reason"), pl.lit("2").alias("subject_kind")),
            ]
        )  # fmt: skip
        return told.with_columns(
            report.alias("report_no"), ("AU" + report).alias("auth_no"), pl.lit(day + 365).alias("auth_end"),
            pl.Series("report_ts", day * DAY + 30_000_000 + np.arange(told.height) * 7_000 % 36_000_000),
            pl.lit("0").alias("fraud_alert"), pl.lit("0").alias("dispute"),
        )  # fmt: skip

    def _accounts(self, persons: pl.DataFrame, strain: Shares, day: int, chance: np.random.Generator) -> pl.DataFrame:
        """Loans with us and elsewhere, and cards."""
        parts = [
            self._own_loans(persons, day),
            self._own_cards(persons, day),
            loans_elsewhere(strain, day, chance),
            cards_elsewhere(strain, day, chance),
        ]
        rows = pl.concat([part.select(*_ACCOUNT).cast(_ACCOUNT) for part in parts]).sort("subject", maintain_order=True)
        late = pl.col("ovd_periods").clip(0, 7)
        months = ((day - pl.col("open_date")) // 30).clip(1, 60)
        settled = pl.col("acct_status") == "4"
        newest = pl.when(settled).then(pl.lit("B")).when(late > 0).then(late.cast(pl.String)).otherwise(pl.lit("N"))
        blank = pl.lit(pl.Series(["*" * n for n in range(61)])).gather(60 - months)
        good = pl.lit(pl.Series(["N" * n for n in range(61)])).gather(months - 1)
        return rows.with_columns(
            persons["report_no"][column(rows, "subject")].alias("report_no"),
            pl.int_range(1, pl.len() + 1).over("subject").alias("acct_seq"),
            pl.when(pl.col("ovd_amt") > 0).then(0).otherwise("mon_due").alias("mon_paid"),
            pl.when(late >= 6).then("ovd_amt").otherwise(0).alias("ovd_180p"),
            pl.concat_str(blank, good, newest).alias("hist60"),
        )  # fmt: skip

    def _own_loans(self, persons: pl.DataFrame, day: int) -> pl.DataFrame:
        """Our receipts that are open on the day, as ln_due has them."""
        owner = self.world.persons.select("cust_no", "id_no")
        place = persons.select("id_no").with_row_index("subject")
        mine = self._owed(day).join(owner, on="cust_no").join(place, on="id_no")
        late = pl.col("days_past_due")
        status = pl.when("written_off").then(pl.lit("4")).when(late > 0).then(pl.lit("2")).otherwise(pl.lit("1"))
        return mine.sort("subject", "number").select(
            "subject", pl.lit("D1").alias("acct_kind"), pl.lit("1").alias("own_flag"), pl.lit("15").alias("org_type"),
            pl.col("product").replace_strict(BUSINESS_OF, return_dtype=pl.String).alias("biz"),
            pl.col("disbursed_on").alias("open_date"), pl.col("matures").alias("mature_date"), pl.col("amount").alias("loan_amt"),
            pl.col("principal").alias("balance"), pl.col("five_class").cast(pl.String), status.alias("acct_status"),
            (pl.col("amount") // 24).alias("mon_due"), (pl.col("overdue_principal") + pl.col("overdue_interest")).alias("ovd_amt"),
            ((late + 29) // 30).alias("ovd_periods"),
        )  # fmt: skip

    def _own_cards(self, persons: pl.DataFrame, day: int) -> pl.DataFrame:
        """Our card accounts as cc_acct has them on the day."""
        owner = self.world.persons.select("cust_no", "id_no")
        place = persons.select("id_no").with_row_index("subject")
        mine = self.cards.accounts.night(day).join(owner, on="cust_no").join(place, on="id_no")
        status = pl.col("status").replace_strict(
            {"0": "1", "1": "7", "2": "1", "3": "6", "4": "4"}, return_dtype=pl.String
        )
        late = pl.when((pl.col("dpd") > 0) & (status == "1")).then(pl.lit("2")).otherwise(status)
        return mine.sort("subject", "card_acct").select(
            "subject", pl.lit("R2").alias("acct_kind"), pl.lit("1").alias("own_flag"), pl.lit("15").alias("org_type"),
            pl.lit("71").alias("biz"), "open_date", pl.lit(None, dtype=pl.Int64).alias("mature_date"),
            pl.col("limit_amt").alias("loan_amt"), "balance", pl.lit("9").alias("five_class"), late.alias("acct_status"),
            pl.col("min_due").alias("mon_due"), "ovd_amt", ((pl.col("dpd") + 29) // 30).alias("ovd_periods"),
        )  # fmt: skip

    def _queries(self, persons: pl.DataFrame, strain: Shares, day: int, chance: np.random.Generator) -> pl.DataFrame:
        """Who asked for a report in two years: we after a loan, others when somebody applied there."""
        of = np.repeat(np.arange(persons.height), 1 + chance.poisson(1.5 + 6 * strain))
        hard = strain[of]
        ago = np.minimum((chance.exponential(220 * (1 - 0.7 * hard))).astype(np.int64), 729)
        reason = drawn(("01", "02", "03", "08"), len(of), chance, (0.4, 0.35, 0.2, 0.05))
        rows = pl.DataFrame(
            {"subject": of, "q_date": day - ago, "q_org_type": drawn(ELSEWHERE, len(of), chance), "q_reason": reason}
        )
        rows = rows.sort("subject", "q_date", descending=[False, True], maintain_order=True)
        return rows.with_columns(
            persons["report_no"][column(rows, "subject")].alias("report_no"),
            pl.int_range(1, pl.len() + 1).over("subject").alias("q_seq"),
        )

    def _public(self, persons: pl.DataFrame, day: int) -> pl.DataFrame:
        """Judgments against those who have been in default with us for two months."""
        who = column(persons, "customer")
        since = np.where(who < 0, day, self.world.first_late[91][np.maximum(who, 0)]) + 60
        sued = np.flatnonzero(since <= day)
        debt = self.world.people.income[np.maximum(who, 0)] * 6
        return pl.DataFrame({"p_date": since[sued], "p_amt": debt[sued]}).with_columns(
            persons["report_no"][sued].alias("report_no"), pl.lit(1).alias("p_seq"), pl.lit("03").alias("p_kind"), pl.lit("1").alias("p_status"),
        )  # fmt: skip

    def _liabilities(self, persons: pl.DataFrame, day: int) -> pl.DataFrame:
        """What the subjects vouch for with us."""
        running = self.credit.guarantees.filter(pl.col("signed_on") <= day, pl.col("ended") > day)
        place = (
            persons.select(pl.col("customer").alias("guarantor"))
            .with_row_index("subject")
            .filter(pl.col("guarantor") >= 0)
        )
        given = running.join(place, on="guarantor").sort("subject", "guar_id")
        return given.select(
            persons["report_no"][column(given, "subject")].alias("report_no"),
            pl.int_range(1, pl.len() + 1).over("subject").alias("l_seq"), pl.lit("2").alias("l_kind"),
            pl.col("amount").alias("l_amt"), (pl.col("amount") * 8 // 10).alias("l_bal"), pl.lit("1").alias("l_class"),
            pl.lit(0).alias("l_ovd_months"),
        )  # fmt: skip

    def _enterprises(self, firms: Numbers, report: pl.Series, day: int, chance: np.random.Generator) -> pl.DataFrame:
        strain, count = self.firms.strain(day, firms), len(firms)
        owed = (self.firms.sales[firms] * chance.uniform(0.5, 4.0, size=count)).astype(np.int64)
        worse = np.where(strain > 0.5, owed // 3, 0)
        zero = pl.lit(0, dtype=pl.Int64)
        return pl.DataFrame(
            {"report_no": report, "org_cnt": 1 + np.arange(count) % 4, "normal_bal": owed - worse, "mention_bal": worse, "ovd_amt": worse // 10}
        ).with_columns(
            zero.alias("bad_bal"), (pl.col("ovd_amt") // 5).alias("arrear_int"), zero.alias("rec_bal"),
            pl.Series("guar_bal", owed // 4), zero.alias("guar_bad_bal"),
        )  # fmt: skip


def _in_turn(asked: Numbers, day: int, days: int) -> Numbers:
    """Those whose turn it is; of a few who are fewer than the days of a turn, one."""
    turn = min(days, max(len(asked), 1))
    return np.asarray(asked[np.arange(len(asked)) % turn == day % turn], dtype=np.int64)
