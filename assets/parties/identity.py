"""Pseudonyms: a party's published id says nothing of the customer number behind it.

A plain hash would not do: all numbers of a bank can be tried in seconds. So the id is an HMAC under the bank's key,
computed here in Python, because in SQL the key would show in plans and errors.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from liangcang.errors import DiskError, UsageError

KEY_BYTES = 32


@dataclass(frozen=True)
class Key:
    """The bank's secret; shows itself only as `***`."""

    id: str
    secret: bytes = field(repr=False)

    def party_id(self, source_system: str, cust_no: str) -> str:
        """16 hex digits: HMAC-SHA256 over the source system and the customer number."""
        return hmac.digest(self.secret, f"{source_system}\x1f{cust_no}".encode(), "sha256").hex()[:16]

    def row_key(self, feed: str, values: Sequence[str]) -> str:
        """16 hex digits that stand for the key of a feed's row where the key itself may not: HMAC-SHA256 over both."""
        return hmac.digest(self.secret, "\x1f".join(("row", feed, *values)).encode(), "sha256").hex()[:16]


def key_path(bank_code: str) -> Path:
    """`LIANGCANG_KEY_FILE`, or `~/.config/liangcang/<bank>.key`."""
    given = os.environ.get("LIANGCANG_KEY_FILE")
    return Path(given) if given else Path.home() / ".config" / "liangcang" / f"{bank_code}.key"


def read_key(path: Path) -> Key:
    """The key file: 32 bytes, owner's eyes only. Anything else stops the night."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        raise UsageError(
            "the bank's key cannot be read",
            file=path,
            expected="a file of 32 random bytes, mode 0600",
            found=error.strerror,
            next="restore it from its backup; `liangcang init` makes one for a new warehouse only",
        ) from None
    with os.fdopen(descriptor, "rb") as file:
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        secret = file.read(KEY_BYTES + 1)
    if mode & 0o077:
        raise DiskError("others can read the bank's key", file=path, expected="mode 0600", found=oct(mode))
    if len(secret) != KEY_BYTES:
        raise UsageError("this is no key", file=path, expected=f"{KEY_BYTES} bytes", found=f"{len(secret)} bytes")
    return Key(id="k-" + hashlib.sha256(b"liangcang key id" + secret).hexdigest()[:8], secret=secret)


def make_key(path: Path) -> bool:
    """Draw a key unless there is one; says whether it did."""
    if path.exists():
        return False
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(os.urandom(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    return True
