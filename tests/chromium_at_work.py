"""A real browser, driven over two pipes (the DevTools protocol), so that no port is opened."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def browser() -> str:
    """The browser's program; skips where this machine has none."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("there is no Chromium on this machine")
    return found


class Chromium:
    """A headless browser with one tab. `events` are all that it told since the last page was asked for."""

    def __init__(self, profile: Path) -> None:
        to_read, to_write = os.pipe()
        from_read, from_write = os.pipe()
        flags = "--headless=new --no-sandbox --disable-gpu --no-first-run --disable-background-networking --remote-debugging-pipe"
        command = f'exec "$0" {flags} --user-data-dir="$1" about:blank 3<&{to_read} 4>&{from_write}'
        self.process = subprocess.Popen(
            ["bash", "-c", command, browser(), str(profile)],
            pass_fds=(to_read, from_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(from_write)
        self.out, self.back = os.fdopen(to_write, "wb", buffering=0), os.fdopen(from_read, "rb")
        self.number, self.session, self.events = 0, None, list[dict[str, Any]]()
        self._rest = b""
        page = next(one for one in self("Target.getTargets")["targetInfos"] if one["type"] == "page")
        self.session = self("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.out.close()
        self.back.close()
        self.process.terminate()
        self.process.wait(30)

    def __call__(self, method: str, **given: Any) -> Any:
        """Ask the browser for something, and wait for the answer; what it tells meanwhile is kept."""
        self.number += 1
        asked = {"id": self.number, "method": method, "params": given}
        asked |= {"sessionId": self.session} if self.session else {}
        self.out.write(json.dumps(asked).encode() + b"\0")
        for told in self._told():
            if told.get("id") == self.number:
                assert "error" not in told, told
                return told["result"]
        raise AssertionError("the browser is gone")

    def open(self, page: Path) -> None:
        """Show a page, and wait until it and all it asks for is loaded."""
        self.events.clear()
        self("Page.navigate", url=page.as_uri())
        if any(event.get("method") == "Page.loadEventFired" for event in self.events):
            return
        for told in self._told():
            if told.get("method") == "Page.loadEventFired":
                return

    def value(self, expression: str) -> Any:
        """What JavaScript of the test sees in the page; the page itself may run none."""
        return self("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def told(self, *methods: str) -> list[dict[str, Any]]:
        return [event["params"] for event in self.events if event.get("method") in methods]

    def _told(self) -> Iterator[dict[str, Any]]:
        while True:
            while b"\0" in self._rest:
                one, _, self._rest = self._rest.partition(b"\0")
                told = json.loads(one)
                if "method" in told:
                    self.events.append(told)
                yield told
            if not (more := os.read(self.back.fileno(), 1 << 16)):
                return
            self._rest += more
