"""Nights in processes of their own, forked from one that has imported everything, so that many can be killed.

Reads lines from standard input, each a JSON list of a number of seconds and the arguments of `liangcang`; for each it
forks a child that runs that command, kills it after so many seconds, and writes its exit code (negative: the signal that
ended it).
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

import great_expectations  # noqa: F401

import pipelines.definitions  # noqa: F401
from pipelines.cli import commands


def night(arguments: list[str]) -> int:
    try:
        commands(arguments, standalone_mode=False)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0


def serve() -> None:
    for line in sys.stdin:
        seconds, *arguments = json.loads(line)
        child = os.fork()
        if not child:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            code = 70
            try:
                code = night(arguments)
            finally:
                os._exit(code)
        until = time.monotonic() + seconds
        while not (ended := os.waitpid(child, os.WNOHANG))[0] and time.monotonic() < until:
            time.sleep(0.005)
        if not ended[0]:
            os.kill(child, signal.SIGKILL)  # nobody has waited for it yet: the id is still its own
            ended = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(ended[1]), flush=True)


if __name__ == "__main__":
    serve()
