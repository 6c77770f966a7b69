"""What text in GB18030 costs on its way to typed Parquet, against DuckDB reading the same text in UTF-8.

    python benchmarks/gb18030.py --rows 1000000 --runs 6

The file: account transactions as core banking writes them, 14 columns, names and remarks in Chinese, some with characters
of four bytes or whose second byte is `|` or `@`; separated by `|@|`.

utf8     DuckDB reads the UTF-8 text with the types declared and writes Parquet: nothing is checked but the types
ours     the same UTF-8 text by the reader of deliveries, which checks it and keeps every line as it came
gb18030  the bytes are decoded strictly, split by DuckDB into text, every line accounted for; the columns are then typed
         by the contract's shapes, and Parquet is written. Its parts:
  decode   bytes to UTF-8, line ends, NULs, broken characters and moved code points looked for
  split    text into columns, lines and separators counted again
  typed    cast and written

Runs alternate; CPU seconds are the process's, the smallest of each kind counts. Budget: at most 2.2 x utf8. A million rows
are 167 MB, more than two nights of a county; above 256 MB, as histories are, text of both encodings is packed on its way,
which DuckDB alone need not do: there the budget is for the reader of deliveries against itself.
"""

from __future__ import annotations

import argparse
import dataclasses
import resource
import tempfile
from collections.abc import Callable
from pathlib import Path

from assets.sources.decoding import decode
from assets.sources.reading import read
from data_contracts.contract import Contract, FileFormat, Property, Temporal
from data_contracts.scan_sql import compile_scan
from liangcang.engine import Engine, literal

BUDGET = 2.2
TYPES = {"txn_date": "DATE", "txn_time": "TIME", "amount": "DECIMAL(18,2)", "bal_after": "DECIMAL(18,2)"}
COLUMNS = (
    "txn_id", "txn_date", "txn_time", "acct_no", "cust_no", "dc_flag", "amount", "ccy", "bal_after", "txn_type", "channel",
    "cp_name", "cp_bank", "remark",
)  # fmt: skip
FORM = FileFormat(kind="daily", path="{business_date:%Y%m%d}.dat", delimiter="|@|", encoding="gb18030")
BLOCK = 200_000

ROWS = """
    select concat_ws('|@|',
        printf('20261120-%010d-01', i), '2026-11-20',
        printf('%02d:%02d:%02d', (i * 11) % 24, (i * 7) % 60, (i * 3) % 60),
        printf('6222%012d', (i * 7919) % 500000), printf('8801%012d', (i * 7919) % 500000),
        if(i % 2 = 0, 'D', 'C'), printf('%d.%02d', (i * 37) % 100000 + 1, i % 100), 'CNY',
        printf('%d.%02d', (i * 53) % 1000000, (i * 3) % 100),
        ['1001', '1002', '2001', '2003', '2004', '2099'][(i % 6)::int + 1], printf('%02d', i % 9 + 1),
        ['灵溪镇惠民超市', '某县億达贸易有限公司', '陈㐀丰', '桃園农资经营部', '支付宝（中国）网络技术有限公司', ''][(i % 6)::int + 1],
        if(i % 3 = 0, '', '403100000004'),
        ['扫码消费', '转账', '代发工资', '水电费', '', '货款𠮷'][(i % 6)::int + 1])
    from range({first}, {last}) as r(i)
"""


def contract() -> Contract:
    """The columns with their types, and no rule."""
    return Contract(
        id="bench",
        version="1.0.0",
        table="staged.txn",
        title="",
        description="",
        path=Path(__file__),
        digest="",
        properties=tuple(Property(name=c, type=TYPES.get(c, "VARCHAR")) for c in COLUMNS),
        rules=(),
        temporal=Temporal(kind="event", column="txn_date"),
    )


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Load:
    """One text in two encodings."""

    def __init__(self, folder: Path, rows: int) -> None:
        self.rows = 0
        self.folder, self.utf8, self.gb = folder, folder / "utf8.dat", folder / "gb18030.dat"
        with self.engine() as engine, self.utf8.open("wb") as utf8, self.gb.open("wb") as gb:
            for first in range(0, rows, BLOCK):
                lines = engine.con.execute(ROWS.format(first=first, last=min(first + BLOCK, rows))).fetchall()
                text = "".join(f"{line}\n" for (line,) in lines)
                utf8.write(text.encode())
                gb.write(text.encode("gb18030"))

    def engine(self) -> Engine:
        spill = self.folder / "spill"
        spill.mkdir(exist_ok=True)
        return Engine(read=[self.folder], write=self.folder, spill=spill, memory="4GB")

    def write(self, engine: Engine, query: str) -> int:
        target = self.folder / "made.parquet"
        engine.con.execute(f"copy ({query}) to {literal(target)} (format parquet, compression zstd)")
        (rows,) = engine.con.execute(f"select count(*) from read_parquet({literal(target)})").fetchone() or (0,)
        target.unlink()
        return rows

    def plain(self) -> dict[str, float]:
        columns = ", ".join(f"{literal(c)}: {literal(TYPES.get(c, 'VARCHAR'))}" for c in COLUMNS)
        with self.engine() as engine:
            self.rows = self.write(
                engine,
                f"select * from read_csv({literal(self.utf8)}, columns = {{{columns}}}, delim = '|@|', quote = '', "
                "escape = '', header = false, auto_detect = false)",
            )
        return {}

    def typed(self, engine: Engine, file: Path, form: FileFormat) -> float:
        """Read a delivery and write its rows with their types; when it was read."""
        read(engine, file, contract(), form, file_name=file.name)
        split = cpu()
        scan = compile_scan(contract(), references={}, parameters={})
        if self.write(engine, scan.values("raw")) != self.rows:
            raise SystemExit("rows were lost")
        return split

    def ours(self) -> dict[str, float]:
        with self.engine() as engine:
            self.typed(engine, self.utf8, dataclasses.replace(FORM, encoding="utf-8"))
        return {}

    def of_the_bank(self) -> dict[str, float]:
        with self.engine() as engine:
            began = cpu()
            decode(self.gb, FORM, file_name="gb18030.dat").path.unlink()
            decoded = cpu()
            split = self.typed(engine, self.gb, FORM)
            typed = cpu()
        # The reader decodes too: what it spends beyond that is the split.
        return {"  decode": decoded - began, "  split": split - decoded - (decoded - began), "  typed": typed - split,
                "gb18030": typed - decoded}  # fmt: skip


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rows", type=int, default=1_000_000)
    arguments.add_argument("--runs", type=int, default=6)
    given = arguments.parse_args()
    best: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        load = Load(Path(folder), given.rows)
        ways: dict[str, Callable[[], dict[str, float]]] = {
            "utf8": load.plain,
            "ours": load.ours,
            "gb18030": load.of_the_bank,
        }
        for _ in range(given.runs):
            for name, way in ways.items():
                began = cpu()
                parts = way() or {name: cpu() - began}
                best |= {part: min(best.get(part, used), used) for part, used in parts.items()}
        size = load.gb.stat().st_size
    print(
        f"{given.rows:,} rows x {len(COLUMNS)} columns, {size / 1e6:,.0f} MB, smallest of {given.runs} alternating runs"
    )
    for name in ("utf8", "ours", "gb18030", "  decode", "  split", "  typed"):
        print(f"{name:10}{best[name]:8.2f} CPU s{best[name] / best['utf8']:8.2f} x utf8")
    print(f"gb18030 by ours: {best['gb18030'] / best['ours']:.2f} x; budget: at most {BUDGET:.1f} x utf8")


if __name__ == "__main__":
    main()
