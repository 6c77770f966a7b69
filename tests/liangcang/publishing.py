"""A program that publishes one night on a disk, to be watched: `python publishing.py FOLDER [LEFT_OUT]`.

LEFT_OUT takes one kind of sync out, so that the watcher can prove that it would notice: files, folders or all.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from warehouse_by_hand import ACCOUNT, D1, TAGS, publish, put

from liangcang.place import create
from liangcang.store import Warehouse


def leave_out(what: str) -> None:
    real = os.fsync

    def fsync(fd: int) -> None:
        folder = stat.S_ISDIR(os.fstat(fd).st_mode)
        if what == "all" or (what == "folders") == folder:
            return
        real(fd)

    os.fsync = fsync


if __name__ == "__main__":
    if len(sys.argv) > 2:
        leave_out(sys.argv[2])
    root = Path(sys.argv[1])
    wh = Warehouse(create(root, bank="demo"))
    with wh.transaction("r1", atomic=True) as run:
        put(run, ACCOUNT, D1, "a")
        run.note(TAGS, {"accepted": {"x": 1}})
        put(run, TAGS, D1, "b")
        run.commit(nights={D1: {"deliveries": "abc"}})
    publish(wh, "r2", (TAGS, D1, "c"))
