"""A bank's code location whose clock stands at STANDING_CLOCK, for Dagster's own processes."""

import datetime as dt
import os

from pipelines import settings
from pipelines.definitions import build

STANDS = dt.datetime.fromisoformat(os.environ["STANDING_CLOCK"])
defs = build(settings.read(), clock=lambda: STANDS)
