"""A bank whose contracts say things that a page must not do."""

from __future__ import annotations

import shutil
from pathlib import Path

from data_contracts.bank import Bank, read_bank

RIVERSIDE = Path(__file__).parent / "banks" / "riverside"
SCRIPT = "<script>window.hacked=1;document.title='hacked'</script>"
IMAGE = "<img src=http://127.0.0.1:9/leak onerror=window.hacked=2>"
BREAKOUT = "'\"></td></table><svg onload=window.hacked=3><a href=javascript:window.hacked=4>x</a>"
STYLE = "</style><style>@import url(http://127.0.0.1:9/x.css)</style>"
TURNED = "\u202eabc\u2066"  # turns the direction of what follows


def yaml(text: str) -> str:
    """Text as a YAML scalar in single quotes."""
    return "'" + text.replace("'", "''") + "'"


def hostile_bank(folder: Path) -> Bank:
    """Riverside with such texts in titles, descriptions, labels, owners, rules and the bank's own name."""
    shutil.copytree(RIVERSIDE, folder)
    path = folder / "contracts" / "customers.odcs.yaml"
    lines = path.read_text(encoding="utf-8").splitlines()
    texts = iter([SCRIPT, IMAGE, BREAKOUT, STYLE] * 50)
    changed = []
    for line in lines:
        key, colon, _ = line.partition(": ")
        if colon and key.strip() in ("description", "purpose", "dataGranularityDescription"):
            line = f"{key}: {yaml(next(texts))}"
        elif colon and key.strip() == "businessName":
            line = f"{key}: {yaml('客户' + next(texts))}"
        elif "role: dataOwner" in line:
            line = f"    - {{username: o, role: dataOwner, name: {yaml(SCRIPT + BREAKOUT)}}}"
        changed.append(line.replace("label: 男", f"label: {yaml(IMAGE)}"))
    path.write_text("\n".join(changed) + "\n", encoding="utf-8")
    bank = folder / "bank.yaml"
    named = f"name: {{en: {yaml('River ' + SCRIPT)}, zh: {yaml(BREAKOUT)}}}"
    kept = [named if line.startswith("name:") else line for line in bank.read_text(encoding="utf-8").splitlines()]
    bank.write_text("\n".join(kept) + "\n", encoding="utf-8")
    return read_bank(str(folder))
