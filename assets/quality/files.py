"""The names of pages in the folder of `liangcang quality`."""

from __future__ import annotations

import datetime as dt

INDEX = "index.html"
EXPECTATIONS = "expectations/index.html"
"""What is expected of all feeds: those of a feed have a folder of their own beside it."""


def file_of(day: dt.date) -> str:
    """The page of a night."""
    return f"{day}.html"


def suite_file(feed: str) -> str:
    """The page of what is expected of a feed."""
    return f"expectations/{feed}/index.html"


def results_file(feed: str, day: dt.date) -> str:
    """The page of what was found of a feed in a night."""
    return f"expectations/{feed}/{day}.html"
