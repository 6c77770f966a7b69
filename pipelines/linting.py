"""`liangcang contracts lint`: everything that can be found wrong without running a night."""

from __future__ import annotations

from assets import building
from data_contracts.bank import read_bank
from liangcang.errors import LiangcangError


def lint_bank(bank: str) -> list[str]:
    """Findings over contracts, SELECTs, catalogues and their fit, as text; none when all is well."""
    try:
        building.assets(read_bank(bank))
    except LiangcangError as error:
        return [str(error)]
    return []
