"""What an export is asked and answers; the protocol that every exporter keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from breakeven.economics.periods import Period
from breakeven.ledger import Ledger


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What to export, where to, and what the ledger does not know.

    `owners` maps features to owners, `accounts` providers to (id, name) of the billing account, `thresholds` are the numbers of input
    tokens beyond which some price changes. `profile` chooses among an exporter's forms.
    """

    period: Period
    output: Path
    profile: str = ""
    owners: Mapping[str, str] = field(default_factory=dict)
    accounts: Mapping[str, tuple[str, str | None]] = field(default_factory=dict)
    thresholds: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What was written: the files, rows in all, the exact cost in them, and what a reader must know."""

    files: Sequence[Path]
    rows: int
    cost: Decimal
    notes: Sequence[str] = ()


class Exporter(Protocol):
    """One format. `profiles` are its forms, the default first; empty where it has one only."""

    @property
    def name(self) -> str:
        """As it is called on the command line."""

    @property
    def summary(self) -> str:
        """One line."""

    @property
    def profiles(self) -> Sequence[str]:
        """Its forms, the default first."""

    def run(self, ledger: Ledger, request: ExportRequest) -> ExportResult:
        """Write it. Raises UsageError (a file that cannot be of this format) and Unreachable (the disk)."""
