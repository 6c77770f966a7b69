"""The demo bank's generator: transaction rows a CPU second, from the draw to the file, as text and as Parquet.

    python benchmarks/demo_bank.py --customers 20000 --months 6

Bookings are drawn, posted and written a third of a month at a time, as the bank's history is; the plan of the bank, which
is made once, is not counted. Budget: 150,000 rows a CPU s as GB18030 text, 300,000 as Parquet.
"""

from __future__ import annotations

import argparse
import dataclasses
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from data_contracts.contract import Contract
from pipelines.demo.county import Made
from pipelines.demo.days import Span
from pipelines.demo.delivery import Delivery, contract_of
from pipelines.demo.ledger import Ledger

BUDGET = {"csv": 150_000, "parquet": 300_000}


def as_layout(contract: Contract, layout: str) -> Contract:
    """The contract with its history in another layout."""
    forms = (dataclasses.replace(form, layout=layout) for form in contract.formats)  # type: ignore[arg-type]
    return dataclasses.replace(contract, formats=tuple(forms))


def rows_a_second(made: Made, contract: Contract, folder: Path) -> tuple[int, float]:
    """Rows written, and rows a CPU second."""
    held = made.bank.accounts
    rate = np.where(held.is_time, 0, held.rate)
    ledger = Ledger(opening=held.opening, last_deed=np.zeros(len(held), dtype=np.int64), rate=rate)
    rows, began = 0, time.process_time()
    with Delivery(folder, contract, made.span.end, history=True) as file:
        for first, last in made.span.months():
            if first > made.span.end:
                break
            for posted in made.posted(ledger, first, last):
                rows += len(posted.signed)
                for block in made.bank.transactions(posted):
                    file.write(block)
    return rows, rows / (time.process_time() - began)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--customers", type=int, default=20_000)
    arguments.add_argument("--months", type=int, default=6)
    asked = arguments.parse_args()
    made = Made.of(asked.customers, Span.of(asked.months), seed=7, activity=0.35)
    for layout, budget in BUDGET.items():
        with tempfile.TemporaryDirectory() as folder:
            rows, rate = rows_a_second(made, as_layout(contract_of("cb_txn"), layout), Path(folder))
        print(f"{layout:8} {rows:,} rows, {rate:,.0f} a CPU s (budget {budget:,})")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024:,} MB")


if __name__ == "__main__":
    main()
