"""One strict reading of YAML for everything people write: contracts, `bank.yaml`, catalogues.

YAML is larger than what a contract needs, and what it has more is where files go wrong unseen: aliases blow up, a
second `id:` wins silently, `NO` becomes false and `12:30:45` becomes 45045. Here plain scalars are null, true or
false, a whole number or a decimal number as YAML 1.2 writes them, and otherwise text. libyaml splits the text into
events; what they are put together to is Python, for its own composer crashes the interpreter on deep nesting.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.cyaml import CParser  # type: ignore[attr-defined]  # its stub is behind
from yaml.resolver import Resolver

from liangcang.errors import ContractError

MAX_BYTES = 1_000_000
MAX_DEPTH = 32
MAX_NODES = 200_000
STRING = "tag:yaml.org,2002:str"
WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)(?:[eE][-+]?[0-9]{1,2})?|[-+]?[1-9][0-9]*[eE][-+]?[0-9]{1,2}")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
MAX_DIGITS = 40


@dataclass(frozen=True)
class Document:
    """What a file says, and where it says it.

    `data` is made of dict, list, str, int, float, bool, None (and date, when asked for). Floats lose digits past
    the 15th; `text_of` has every scalar as it was written.
    """

    data: Any
    where: str
    _root: yaml.Node | None = field(repr=False)

    def line_of(self, *path: str | int) -> int:
        """The line (from 1) of the key or element at `path`; of the nearest one above it when it is not there."""
        return self._find(path)[0]

    def entries(self) -> Iterator[tuple[tuple[str | int, ...], Any, int]]:
        """Every key and element with its path, what it holds and its line, in the order of the file."""

        def within(path: tuple[str | int, ...], data: Any, node: yaml.Node | None) -> Iterator[Any]:
            if isinstance(data, dict) and isinstance(node, yaml.MappingNode):
                inner: Any = ((step, _line(key), value) for step, (key, value) in zip(data, node.value, strict=True))
            elif isinstance(data, list) and isinstance(node, yaml.SequenceNode):
                inner = ((step, _line(value), value) for step, value in enumerate(node.value))
            else:
                return
            for step, line, value in inner:
                yield (*path, step), data[step], line
                yield from within((*path, step), data[step], value)

        yield from within((), self.data, self._root)

    def text_of(self, *path: str | int) -> str | None:
        """A scalar as it was written, without quotes: `010`, `1.10`. None when there is none at `path`."""
        _, node, whole = self._find(path)
        return str(node.value) if whole and isinstance(node, yaml.ScalarNode) else None

    def _find(self, path: tuple[str | int, ...]) -> tuple[int, yaml.Node | None, bool]:
        node = self._root
        line = _line(node) if node is not None else 1
        for step in path:
            match node:
                case yaml.MappingNode():
                    found = next(((k, v) for k, v in node.value if k.value == step), None)
                    if found is None:
                        return line, node, False
                    line, node = _line(found[0]), found[1]
                case yaml.SequenceNode() if isinstance(step, int) and 0 <= step < len(node.value):
                    node = node.value[step]
                    line = _line(node)
                case _:
                    return line, node, False
        return line, node, True


def load(source: Path | str | bytes, *, where: str | None = None, dates: bool = False) -> Document:
    """Read one YAML document from a file (a Path), from a file's bytes or from text.

    `where` names the source in errors (default: the path). With `dates`, plain `2026-11-20` becomes a date;
    otherwise it stays text. Raises ContractError with file and line, and with the column where the parser knows it.
    """
    name = where if where is not None else str(source) if isinstance(source, Path) else "<text>"
    content = read_bytes(source) if isinstance(source, Path) else source
    text = _decoded(content, name) if isinstance(content, bytes) else _bounded(content, name)
    loader = _Loader(text, dates=dates)
    try:
        root = loader.get_single_node()
        data = loader.construct_document(root) if root is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ContractError(
            "not the YAML we read: " + " ".join(part for part in (error.context, error.problem) if part),
            file=name,
            line=min(mark.line + 1, len(text.splitlines()) or 1) if mark else None,  # its end lies behind the last line
            field=f"column {mark.column + 1}" if mark else None,
        ) from None
    except ValueError:
        raise ContractError("not the YAML we read: a number or date that does not exist", file=name) from None
    finally:
        loader.dispose()
    return Document(data, name, root)


def read_bytes(path: Path) -> bytes:
    """The content of a file that people wrote, at most `MAX_BYTES` of it; otherwise ContractError."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ContractError("cannot read the file", file=path, found=error.strerror) from None
    if len(content) > MAX_BYTES:
        raise ContractError("the file is too large to be written by people", file=path, expected=f"{MAX_BYTES:,} bytes")
    return content


def _decoded(content: bytes, name: str) -> str:
    try:
        return _printable(content.decode("utf-8-sig"), name)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ContractError("not UTF-8", file=name, line=line, found=f"a wrong byte at offset {error.start}") from None


def _bounded(text: str, name: str) -> str:
    if len(text.encode(errors="surrogatepass")) > MAX_BYTES:
        raise ContractError("the text is too large to be written by people", file=name, expected=f"{MAX_BYTES:,} bytes")
    return _printable(text, name)


def _printable(text: str, name: str) -> str:
    if found := yaml.reader.Reader.NON_PRINTABLE.search(text):
        before = text[: found.start()]
        raise ContractError(
            "a control character stands in the file",
            file=name,
            line=before.count("\n") + 1,
            field=f"column {len(before) - before.rfind(chr(10))}",
            found=f"U+{ord(found.group()):04X}",
        )
    return text


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


class _Loader(Composer, CParser, SafeConstructor, Resolver):
    """No aliases, no tags, no repeated or non-text keys, bounded depth and size; plain scalars as YAML 1.2 has them."""

    def __init__(self, text: str, *, dates: bool) -> None:
        CParser.__init__(self, text)
        Composer.__init__(self)
        SafeConstructor.__init__(self)
        Resolver.__init__(self)
        self.dates = dates
        self.depth = self.nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self.peek_event()
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise _refused("anchors and aliases are not allowed", event.start_mark)
        tag = getattr(event, "tag", None)
        if tag not in (None, "!", STRING):
            raise _refused("tags are not allowed", event.start_mark)
        self.depth, self.nodes = self.depth + 1, self.nodes + 1
        if self.depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise _refused(f"nested deeper than {MAX_DEPTH} or larger than {MAX_NODES:,} nodes", event.start_mark)
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1

    def resolve(self, kind: type[yaml.Node], value: str | None, implicit: Any) -> str:
        """The tag of a node; only plain scalars can be other than text, list or mapping."""
        if kind is not yaml.ScalarNode or not implicit[0] or value is None:
            return (
                STRING
                if kind is yaml.ScalarNode
                else f"tag:yaml.org,2002:{'seq' if kind is yaml.SequenceNode else 'map'}"
            )
        if value in ("", "~", "null", "Null", "NULL"):
            return "tag:yaml.org,2002:null"
        if value in ("true", "True", "TRUE", "false", "False", "FALSE"):
            return "tag:yaml.org,2002:bool"
        if len(value) <= MAX_DIGITS and WHOLE.fullmatch(value):
            return "tag:yaml.org,2002:int"
        if len(value) <= MAX_DIGITS and DECIMAL.fullmatch(value):
            return "tag:yaml.org,2002:float"
        if self.dates and DATE.fullmatch(value):
            return "tag:yaml.org,2002:timestamp"
        return STRING

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT002
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag != STRING:
                raise _refused("a key is not text (quote it if it is meant so)", key.start_mark)
            if key.value in seen:
                raise _refused(f"key {key.value!r} is repeated", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_date(self, node: yaml.ScalarNode) -> dt.date:
        try:
            return dt.date.fromisoformat(node.value)
        except ValueError:
            raise _refused("no such date", node.start_mark) from None


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.construct_date)  # type: ignore[type-var]


def _refused(problem: str, mark: yaml.Mark | None) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)
