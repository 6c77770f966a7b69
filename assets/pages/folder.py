"""How pages get into a folder that people read over the intranet."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from liangcang.errors import DiskError, UsageError

HEAD = 4096
"""Bytes of a page in which it says who made it of what."""
_SOURCE = re.compile(r'<meta name="source" content="([0-9a-f]+)">')


def write_pages(
    pages: Mapping[str, str], folder: Path, *, generator: str, kept: frozenset[str] = frozenset()
) -> list[Path]:
    """Write pages to a folder that is new, empty or holds earlier pages of the same generator.

    Names may have folders (`a/b.html`). A page that stands there as it is is not written again; those that are not
    named go, but for `kept`, and so do folders that became empty. Raises UsageError for a folder that holds anything
    else, DiskError when it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        there = dict(_files(folder))
        strange = [path for path in there.values() if not _is_page(path, generator)]
        if strange:
            raise UsageError("the folder holds something else", found=strange[0], expected="a new or an empty folder")
        folder.chmod(0o755)
        for name in sorted(set(there) - set(pages) - kept):
            there[name].unlink()
        for name, text in pages.items():
            _write(folder, name, text)
        for inner in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
            if not any(inner.iterdir()):
                inner.rmdir()
    except OSError as error:
        raise DiskError("the pages cannot be written", file=folder, found=error.strerror) from None
    return [folder / name for name in pages]


def made_of(page: Path, generator: str) -> str | None:
    """The digest of what a page of this generator says that it is made of; None where there is no such page."""
    if not page.is_file() or not _is_page(page, generator):
        return None
    said = _SOURCE.search(_head(page))
    return said[1] if said else None


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Everything below a folder but folders, by its name from there. A link is what it is, wherever it leads."""
    for path, folders, files in os.walk(folder, followlinks=False):
        for name in [*files, *(inner for inner in folders if (Path(path) / inner).is_symlink())]:
            found = Path(path) / name
            yield found.relative_to(folder).as_posix(), found


def _write(folder: Path, name: str, text: str) -> None:
    page = folder / name
    for inner in reversed(page.relative_to(folder).parents[:-1]):
        (folder / inner).mkdir(exist_ok=True)
        (folder / inner).chmod(0o755)
    if page.is_file() and page.read_bytes() == text.encode():
        return
    new = page.with_name(f"{page.name}.new")
    new.write_bytes(text.encode())
    new.chmod(0o644)  # no data stands in it, and people read it over the intranet
    new.replace(page)


def _is_page(path: Path, generator: str) -> bool:
    """Whether a file is an earlier page of the same generator."""
    if not path.is_file() or path.is_symlink() or path.suffix not in (".html", ".new"):
        return False
    return f'<meta name="generator" content="{generator}">' in _head(path)


def _head(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(HEAD).decode(errors="replace")
