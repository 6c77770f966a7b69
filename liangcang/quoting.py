"""Texts and names on their way into SQL that we write ourselves."""

from __future__ import annotations


def literal(value: object) -> str:
    """A path or a name as a text literal of SQL."""
    return "'" + str(value).replace("'", "''") + "'"


def quoted(name: str) -> str:
    """A name as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'
