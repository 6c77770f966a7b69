"""The demo bank: a county's feeds out of nothing, with the truth behind them, and the faults that deliveries have."""

from pipelines.demo.county import Demo, write_county
from pipelines.demo.faults import FAULTS, plant

__all__ = ["FAULTS", "Demo", "plant", "write_county"]
