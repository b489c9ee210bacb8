"""What a vendor counted for a whole day, beside calls that were metered one by one: counted once, compared, never added up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from breakeven.errors import Problem
from breakeven.ledger import Ledger

_SHOWN = 5
_REMEDY = "They were left out, or the same use would count twice; compare the two with `breakeven reconcile`."


@dataclass(frozen=True, slots=True)
class Beside:
    """Vendors and days of which the ledger has calls from another source."""

    days: frozenset[tuple[str, date]] = field(default=frozenset())

    def covers(self, row: Mapping[str, Any]) -> bool:
        """Whether a row says anew what the ledger has already."""
        return bool(self.days) and (row.get("provider"), row["occurred_at"].date()) in self.days

    def problems(self, rows: Sequence[Mapping[str, Any]]) -> list[Problem]:
        """One line for each vendor: how many rows were left out, and of which days."""
        left: dict[str, list[date]] = {}
        for row in rows:
            if self.covers(row):
                left.setdefault(str(row["provider"]), []).append(row["occurred_at"].date())
        return [
            Problem(
                provider,
                f"{len(days):,} {'row' if len(days) == 1 else 'rows'} from {min(days)} to {max(days)}"
                " are of days on which the ledger has calls of this vendor from elsewhere",
                _REMEDY,
            )
            for provider, days in list(left.items())[:_SHOWN]
        ]


def metered_days(ledger: Ledger, source: str, rows: Sequence[Mapping[str, Any]]) -> Beside:
    """The vendors and days of `rows` of which the ledger has calls from sources other than `source`."""
    if not rows:
        return Beside()
    moments = [row["occurred_at"] for row in rows]
    found = ledger.query(
        "SELECT DISTINCT provider, occurred_at::DATE FROM calls WHERE source <> $source AND provider IS NOT NULL"
        " AND occurred_at >= date_trunc('day', $first::TIMESTAMP)"
        " AND occurred_at < date_trunc('day', $last::TIMESTAMP) + INTERVAL 1 DAY",
        {"source": source, "first": min(moments), "last": max(moments)},
    )
    return Beside(frozenset((provider, day) for provider, day in found))
