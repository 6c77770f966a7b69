"""The other sides of bookings: shops, employers, offices, people at other banks. Each is six fields, written once.

In `Bookings.other` a number of at least 2 is a place in this list; 0 is nobody, 1 the customer's own account at another
bank, and -1 - n our account n.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.demo import words
from pipelines.demo.days import Numbers

NOBODY_NAMED, SELF_ELSEWHERE = 0, 1
SEPARATOR = "|@|"

OFFICES = {
    "pensions": ("县社会保险中心", words.OWN_BANK),
    "finance bureau": ("县财政局惠农补贴专户", words.OWN_BANK),
    "granary": ("县粮食收储有限公司", words.OWN_BANK),
    "power": ("县供电公司", words.OWN_BANK),
    "water": ("县自来水公司", words.OWN_BANK),
    "telecom": ("中国某通信县分公司", words.OTHER_BANKS[0]),
    "tax": ("国家税务总局某县税务局", words.OWN_BANK),
    "cooperative": ("村股份经济合作社", words.OWN_BANK),
    "developer": ("某市房地产开发有限公司", words.OTHER_BANKS[1]),
    "wedding": ("喜宴酒楼有限公司", words.OTHER_BANKS[2]),
    "securities": ("某证券客户交易结算资金", words.OTHER_BANKS[3]),
    "wealth": ("本行理财资金专户", words.OWN_BANK),
    "loans": ("本行贷款内部户", words.OWN_BANK),
    "landlord": ("房东", words.OTHER_BANKS[4]),
    "lottery": ("境外博彩网站", words.OTHER_BANKS[5]),
}
CATEGORY_OF = {"securities": "6211", "lottery": "7995", "developer": "6513"}
"""Merchant categories of those that have one beside the shops."""


@dataclass(frozen=True)
class Counterparties:
    """Texts of the list, and where in it each group begins and ends."""

    texts: pl.Series
    ranges: Mapping[str, tuple[int, int]]

    def pick(self, group: str, chance: np.random.Generator, count: int) -> Numbers:
        """Some of a group, drawn anew each."""
        begin, end = self.ranges[group]
        return chance.integers(begin, end, size=count)

    def of(self, group: str, place: NDArray[np.int64] | int) -> Numbers:
        """Members of a group by number, however large: always the same one for the same number."""
        begin, end = self.ranges[group]
        return np.asarray(begin + np.asarray(place) % (end - begin), dtype=np.int64)


def draw(customers: int, chance: np.random.Generator) -> Counterparties:
    """A county's shops and employers, and as many people elsewhere as so many customers deal with."""
    texts = ["", ""]
    ranges: dict[str, tuple[int, int]] = {}

    def group(name: str, members: list[str]) -> None:
        ranges[name] = (len(texts), len(texts) + len(members))
        texts.extend(members)

    serial = 0
    for category, (what, many) in words.SHOPS.items():
        picks = chance.integers(len(words.PLACES), size=(many, 2))
        shops = []
        for first, second in picks:
            serial += 1
            bank = words.OWN_BANK if serial % 5 < 3 else words.OTHER_BANKS[serial % 6]
            name = f"{words.PLACES[first]}{words.PLACES[second]}{what}"
            shops.append(_text(f"33010{serial:09}", name, bank, f"{category:04}", f"8983301{serial:08}"))
        group(f"{category:04}", shops)
    firms = words.firm_names(chance, 12 + customers // 60)
    group(
        "employer",
        [
            _text(f"20100{n:010}", name, words.OWN_BANK if n % 4 else words.OTHER_BANKS[n % 6])
            for n, name in enumerate(firms)
        ],
    )
    group("civil employer", [_text(f"20200{n:010}", name, words.OWN_BANK) for n, name in enumerate(words.OFFICES)])
    strangers = words.names(chance, chance.random(1_500 + customers // 2) < 0.5)
    group(
        "person",
        [_text(f"6217{n:015}", name, words.OTHER_BANKS[n % 6]) for n, name in enumerate(strangers.to_list())],
    )
    group("supplier", [_text(f"20300{n:010}", name, words.OTHER_BANKS[n % 6]) for n, name in enumerate(firms[::-1])])
    for nth, (name, (title, bank)) in enumerate(OFFICES.items()):
        group(name, [_text(f"20400{nth:010}", title, bank, CATEGORY_OF.get(name, ""))])
    texts[NOBODY_NAMED] = _text("", "", "")
    return Counterparties(texts=pl.Series(texts), ranges=ranges)


def of_customers(names: pl.Series, accounts: pl.Series, banks: pl.Series, numbers: pl.Series) -> pl.Series:
    """The six fields of accounts that belong to persons: ours with their customer number, others' without."""
    return pl.DataFrame({"a": accounts, "n": names, "b": banks, "c": numbers}).select(
        pl.concat_str(
            "a", pl.lit(SEPARATOR), "n", pl.lit(SEPARATOR), "b", pl.lit(SEPARATOR), "c", pl.lit(SEPARATOR * 3)
        ).alias("text")
    )["text"]


def _text(account: str, name: str, bank: str, category: str = "", merchant: str = "") -> str:
    """cp_acct, cp_name, cp_bank, cp_cust_no, mcc, merchant_id, each with the separator after it."""
    return SEPARATOR.join((account, name, bank, "", category, merchant, ""))
