"""One day's accounts in every layout that banks and partners write: the same rows are staged, and the same kept back."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from banks_at_work import Hands

FEED = "accounts"
Record = dict[str, str]


class Daily:
    """Riverside's accounts of one date, as delivered in CSV and to be delivered otherwise."""

    def __init__(self, bank: Hands, day: dt.date) -> None:
        self.bank, self.day = bank, day
        self.contract = Path(bank.bank) / "contracts" / f"{FEED}.odcs.yaml"
        self.file = bank.landing / "daily" / day.isoformat() / f"{FEED}.1.csv"
        with self.file.open(encoding="utf-8", newline="") as lines:
            self.records: list[Record] = list(csv.DictReader(lines))
        self.said = yaml.safe_load(self.contract.read_text(encoding="utf-8"))
        self.columns: dict[str, Any] = {p["name"]: p for p in self.said["schema"][0]["properties"]}

        for record in self.records:  # so that every row is one that is staged
            record["balance"] = f"{Decimal(record['balance']) + Decimal('0.01'):.2f}"
            record["updated_on"] = f"{day:%d/%m/%Y}"

    def plant(self) -> None:
        """What no layout may lose or mend: a code that is none, in a text column, so that all layouts can say it."""
        self.records[3]["state"] = "園"

    def kind(self, column: str) -> str:
        return str(self.columns[column]["physicalType"])

    def declare(self, ending: str, layout: str, **server: Any) -> Path:
        """Let the contract's daily server say the layout; the file that is to be written."""
        self.file.unlink()
        daily = next(one for one in self.said["servers"] if one["server"] == "daily")
        standard = {name: server.pop(name) for name in ("encoding", "delimiter") if name in server}
        daily.update(format=layout, path=f"daily/{{business_date:%Y-%m-%d}}/{FEED}.{{sequence}}.{ending}", **standard)
        daily["customProperties"] = [{"property": name, "value": value} for name, value in server.items()]
        self.contract.write_text(yaml.safe_dump(self.said, allow_unicode=True, sort_keys=False), encoding="utf-8")
        return self.file.with_name(f"{FEED}.1.{ending}")

    def custom(self, column: str, name: str, value: Any) -> None:
        self.columns[column].setdefault("customProperties", []).append({"property": name, "value": value})

    def night(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Run the feed's night; what it made of the delivery."""
        self.bank("nightly", self.day.isoformat(), "--only", f"staged.{FEED}")
        return staged(self.bank, self.day)


def staged(bank: Hands, day: dt.date) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Of one date the good rows, and those kept back, without what only says which file they stood in."""
    state = bank.open.scan(f"staged.{FEED}").filter(business_date=day).collect()
    kept = bank.open.scan(f"quarantine.{FEED}").filter(business_date=day).collect()
    own = {"_delivery", "_file", "_line"}
    return state.drop(own & set(state.columns)).sort("account"), kept.drop(own & set(kept.columns)).sort("_row_no")


def as_csv(daily: Daily) -> None:
    with daily.file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, daily.records[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(daily.records)


def as_fixed(daily: Daily) -> None:
    """Fixed width in GB18030, packed, with an empty marker."""
    widths = {name: max(len(record[name].encode("gb18030")) for record in daily.records) or 1 for name in daily.columns}
    for name, width in widths.items():
        daily.custom(name, "byteWidth", width)
    file = daily.declare("dat.gz", "fixed", encoding="GB18030", control="ok", compression="gzip")
    lines = (
        b"".join(record[name].encode("gb18030").ljust(width) for name, width in widths.items()) + b"\n"
        for record in daily.records
    )
    file.write_bytes(gzip.compress(b"".join(lines)))
    file.with_name(f"{FEED}.1.OK").touch()


def as_json_lines(daily: Daily) -> None:
    """JSON lines with an object inside, in an archive."""
    daily.custom("branch", "path", "held.at")
    file = daily.declare("tar.gz", "jsonl", encoding="UTF-8", compression="tar.gz", member="accounts_*.jsonl")
    lines = []
    for record in daily.records:
        fields = {
            name: json.dumps(record[name], ensure_ascii=False)
            if daily.kind(name) in ("VARCHAR", "DATE")
            else record[name]
            for name in daily.columns
            if name != "branch" and record[name]
        }
        said = [f'"held": {{"at": {json.dumps(record["branch"])}}}', *(f'"{name}": {v}' for name, v in fields.items())]
        lines.append(f"{{{', '.join(said)}}}\n")
    content = "".join(lines).encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo("accounts_today.jsonl")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    file.write_bytes(packed.getvalue())


def as_parquet(daily: Daily) -> None:
    """Parquet with exact types, and a control file that knows rows, sum and digest."""
    daily.said["customProperties"].append({"property": "controlAmount", "value": "balance"})
    file = daily.declare("parquet", "parquet", control="flg", delimiter="|@|")
    arrays = {name: pa.array([_typed(daily, name, record[name]) for record in daily.records]) for name in daily.columns}
    pq.write_table(pa.table(arrays), file)
    content = file.read_bytes()
    total = sum((Decimal(record["balance"]) for record in daily.records), Decimal("0.00"))
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    fields = (file.name, len(content), len(daily.records), f"{total:.2f}", digest, f"{daily.day:%Y%m%d}", "full")
    file.with_suffix(".flg").write_text("|@|".join(map(str, fields)) + "\n")


def _typed(daily: Daily, name: str, text: str) -> Any:
    kind = daily.kind(name)
    if not text:
        return None
    if kind == "DATE":
        return dt.datetime.strptime(text, "%d/%m/%Y").date()
    if kind.startswith("DECIMAL"):
        return Decimal(text)
    try:
        return int(text) if kind in ("INTEGER", "SMALLINT", "BIGINT") else text
    except (ValueError, InvalidOperation):
        return text


def test_a_delivery_in_fixed_widths_is_staged_as_it_says(riverside: Hands, riverside_demo: Any) -> None:
    daily = Daily(riverside, riverside_demo.nights[1])
    as_fixed(daily)
    good, kept = daily.night()
    said = sorted(tuple(_typed(daily, name, record[name]) for name in daily.columns) for record in daily.records)
    assert good.select(list(daily.columns)).sort("account").rows() == said
    assert kept.height == 0


@pytest.mark.slow
@pytest.mark.parametrize("write", [as_fixed, as_json_lines, as_parquet])
def test_a_delivery_and_its_faulty_row_are_the_same_in_every_layout(
    riverside: Hands, riverside_demo: Any, tmp_path: Path, write: Callable[[Daily], None]
) -> None:
    day = riverside_demo.nights[1]
    usual, other = Daily(riverside.copy(tmp_path / "usual"), day), Daily(riverside, day)
    for daily, written in ((usual, as_csv), (other, write)):
        daily.plant()
        written(daily)
    good, kept = usual.night()
    assert (good.height == len(usual.records), kept["state"].to_list()) == (True, ["園"])
    found_good, found_kept = other.night()
    assert found_good.equals(good)
    same = [name for name in kept.columns if not _may_be_empty(usual, name)]
    assert found_kept.select(same).equals(kept.select(same))


def _may_be_empty(daily: Daily, column: str) -> bool:
    """Empty text and null are one in a typed layout: what quarantine shows of such a column may be either."""
    return column in daily.columns and any(not record[column] for record in daily.records)
