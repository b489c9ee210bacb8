"""What an import is asked to do, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from breakeven.economics.cost_class import CostClassRule
from breakeven.errors import Problem
from breakeven.ledger import ImportResult, Ledger, Quotes

Say = Callable[[str], None]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """One import. `constants` are values of fields for all rows (from --feature, ...), `columns` maps fields to columns.

    `origin` is the instant that relative times count from, `at` the time of rows that have none, `since` the instant before which
    nothing is taken, `now` the present (all naive UTC).
    """

    files: Sequence[Path]
    now: datetime
    constants: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    origin: datetime | None = None
    at: datetime | None = None
    since: datetime | None = None
    distinct: str | None = None
    dry_run: bool = False
    say: Say = lambda _: None
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """Where the facts go: the ledger, its prices and its cost-class policy."""

    ledger: Ledger
    quotes: Quotes
    cost_classes: Sequence[CostClassRule] = ()


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did.

    `rejected` rows were set aside in `rejects`; `problems` names the first of them and everything else worth saying.
    """

    result: ImportResult
    files: int = 0
    rejected: int = 0
    rejects: Sequence[Path] = ()
    problems: Sequence[Problem] = ()
    notes: Sequence[str] = ()

    def with_result(self, result: ImportResult) -> ImportReport:
        """This report, after the facts were committed."""
        return replace(self, result=result)

    def with_problems(self, problems: Sequence[Problem]) -> ImportReport:
        """This report, with more that is worth saying."""
        return replace(self, problems=(*self.problems, *problems))


class Importer(Protocol):
    """One format: a name, one line that says what it reads, and how it is run."""

    @property
    def name(self) -> str:
        """The FORMAT of `breakeven import`."""

    @property
    def summary(self) -> str:
        """What it reads, in one line."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Which files are taken where a directory is named (also with `.gz`); empty: directories are not taken."""

    def run(self, request: ImportRequest, target: Target) -> ImportReport:
        """Read the files, commit what is good, set aside what is not."""
