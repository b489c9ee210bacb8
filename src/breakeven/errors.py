"""Faults, of two kinds.

Faults in *facts* (a bad row, a missing price, totals that disagree) are values: a `Problem` is returned beside the result, so that
one bad line never loses the other million. *Operations* that fail raise from one tree:

    BreakevenError
    ├── UsageError        the request itself cannot be understood (unknown option, period, field, format)
    ├── DataError         the input or the ledger is not what it should be (unreadable, damaged, inconsistent)
    │   ├── ConfigError   breakeven.yaml or a price overlay is wrong; names file and line
    │   └── LedgerDamaged a hash, sum or count does not hold
    ├── Unreachable       something outside is not there (a ledger that does not exist, a full disk, no permission)
    │   └── LedgerLocked  another process is writing to the ledger
    └── PolicyFailed      everything worked, and the answer is no

Which exit code or HTTP status each becomes is decided at the edges (`cli/`, `web/`), never here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault in a fact: where it is (file and line, row, field), what is wrong, and what to do about it."""

    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}. {self.remedy}"


class BreakevenError(Exception):
    """An operation failed. `what` says what happened to what; `remedy` says what to do next."""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what}\n{self.remedy}" if self.remedy else self.what


class UsageError(BreakevenError):
    """The request cannot be understood."""


class DataError(BreakevenError):
    """The input or the ledger is not what it should be."""

    def __init__(self, what: str, remedy: str = "", problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(what, remedy)
        self.problems = problems


class ConfigError(DataError):
    """A configuration file is wrong; every problem names file and line."""


class LedgerDamaged(DataError):
    """A hash, sum or count of the ledger does not hold."""


class Unreachable(BreakevenError):
    """Something outside is not there or cannot be used."""


class LedgerLocked(Unreachable):
    """Another process is writing to the ledger."""


class PolicyFailed(BreakevenError):
    """Everything worked, and the answer is no."""
