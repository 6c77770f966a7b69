"""What can go wrong, said so that a person at 3 a.m. knows what to do.

Every error names what, where, what was expected, what was found, what is kept and what to do next. It never
carries a value of a delivered row: values belong to customers, and errors are written to logs.
"""

from __future__ import annotations

from collections.abc import Mapping


class LiangcangError(Exception):
    """An error of ours. `exit_code` is what the command line ends with.

    The keyword arguments become the indented lines of the message, in this order; those that are None are left out.
    """

    exit_code = 70

    def __init__(
        self,
        what: str,
        *,
        file: object = None,
        line: int | None = None,
        field: str | None = None,
        rule: str | None = None,
        expected: object = None,
        found: object = None,
        kept: str | None = None,
        next: str | None = None,
    ) -> None:
        self.what = what
        self.details: Mapping[str, str] = {
            name: str(value)
            for name, value in {
                "file": file,
                "line": line,
                "field": field,
                "rule": rule,
                "expected": expected,
                "found": found,
                "kept": kept,
                "next": next,
            }.items()
            if value is not None
        }
        super().__init__(what)

    def __str__(self) -> str:
        lines = [self.what, *(f"  {name:<9} {value}" for name, value in self.details.items())]
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.what, dict(self.details)))


def _rebuild(kind: type[LiangcangError], what: str, details: dict[str, str]) -> LiangcangError:
    error = kind(what)
    error.details = details
    return error


class UsageError(LiangcangError):
    """The command, its arguments or its settings are wrong; nothing was run."""

    exit_code = 2


class ContractError(UsageError):
    """A contract, `bank.yaml` or catalogue entry is wrong; nothing was run."""


class SqlError(UsageError):
    """SQL of a contract, a catalogue or `conform/` says what it may not say, or does not fit its inputs."""


class DeliveryError(LiangcangError):
    """A delivery is absent or refused. It stays in landing; what was published stays published."""

    exit_code = 65


class UnsteadyDelivery(DeliveryError):
    """A file changed while it was read: it is looked at again later."""


class EngineError(LiangcangError):
    """The engine failed over data. The library's own text, which may hold values, is in a 0600 file."""


class WarehouseError(LiangcangError):
    """The warehouse is not as it should be."""


class DiskError(WarehouseError):
    """No space, no permission, or a read-only disk."""

    exit_code = 73


class BusyError(WarehouseError):
    """Somebody else is at it."""

    exit_code = 75


class ConflictError(BusyError):
    """Another run published the same table and date since this run began."""


class UnconfirmedError(WarehouseError):
    """The new manifest is in place, but the disk did not confirm that it is durable."""

    exit_code = 76


class NotMountedError(WarehouseError):
    """The folder is not a warehouse, or the share that holds it is not mounted."""

    exit_code = 77
