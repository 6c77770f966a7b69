"""What the tests of churn share: one training on a small panel, made once a worker."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from churn_by_hand import bank, label, panel, warehouse

from assets.churn import measures
from assets.churn.panel import Panel
from assets.churn.registration import Trained
from assets.churn.training import learned_from
from liangcang.place import Place
from liangcang.store import Warehouse


@dataclass(frozen=True)
class Training:
    """A warehouse without a night, a panel made by hand, and what was learned of it. Only to be read, or copied."""

    warehouse: Warehouse
    panel: Panel
    trained: Trained

    @property
    def place(self) -> Place:
        return self.warehouse.place


@pytest.fixture(scope="session")
def training(tmp_path_factory: pytest.TempPathFactory) -> Training:
    made = warehouse(tmp_path_factory.mktemp("churn") / "warehouse")
    rows = panel(of=label("c1_aum_drop", folds=3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measures, "REPLICATES", 50)
        return Training(made, rows, learned_from(rows, made.current, bank(), by="a tester"))
