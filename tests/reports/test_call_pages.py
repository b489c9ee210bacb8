"""However few columns a page was found from, it is the part of the whole sorted list that it claims to be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from breakeven.economics.periods import parse_period
from breakeven.reports import callpage
from breakeven.reports.calls import SORTS, CallRow, Page, calls

FIRST = datetime(2026, 10, 1, tzinfo=UTC).replace(tzinfo=None)
OCTOBER = parse_period("2026-10", FIRST)
COSTS = st.sampled_from([None, "-0.4", "0", "0.000000000000000001", "0.1", "0.1", "0.25", "0.7", "3"])


class Attempt(NamedTuple):
    """An invented attempt, and what its lines cost, by the number of the line."""

    call: int
    attempt: int
    hour: int
    feature: str
    status: str
    tokens: int | None
    latency: int | None
    lines: dict[int, str | None]

    @property
    def key(self) -> tuple[str, int]:
        """What identifies it."""
        return str(UUID(int=self.call)), self.attempt

    @property
    def cost(self) -> Decimal | None:
        """The sum of its known lines."""
        known = [Decimal(cost) for cost in self.lines.values() if cost is not None]
        return sum(known, Decimal(0)) if known else None

    def figure(self, sort: str) -> Any:
        """What it is sorted by."""
        return {"cost": self.cost, "time": self.hour, "tokens": self.tokens, "latency": self.latency}[sort]


ATTEMPTS = st.lists(
    st.builds(
        Attempt,
        call=st.integers(1, 12),
        attempt=st.integers(0, 1),
        hour=st.integers(0, 30 * 24 - 1),
        feature=st.sampled_from(["support", "extract"]),
        status=st.sampled_from(["ok", "failed"]),
        tokens=st.none() | st.integers(1, 4),
        latency=st.none() | st.integers(1, 3),
        lines=st.dictionaries(st.integers(0, 4), COSTS, max_size=4),
    ),
    min_size=3,
    max_size=16,
    unique_by=lambda one: (one.call, one.attempt),
)
QUERIES: dict[str, Callable[[Attempt], bool]] = {
    "": lambda _: True,
    "feature:support": lambda one: one.feature == "support",
    "-feature:support status:ok": lambda one: one.feature != "support" and one.status == "ok",
    "cost>=0.25": lambda one: one.cost is not None and one.cost >= Decimal("0.25"),
}


@pytest.fixture
def empty(ledger_from_text: Callable[[str], Any]) -> Any:
    """A ledger without facts, which every example fills anew."""
    return ledger_from_text("")


@pytest.mark.parametrize("lines", [1, 2000])
@pytest.mark.parametrize("sort", SORTS)
@given(attempts=ATTEMPTS, asked=st.tuples(st.sampled_from(sorted(QUERIES)), st.integers(1, 4)))
@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pages_are_the_sorted_list(
    empty: Any,
    monkeypatch: pytest.MonkeyPatch,
    lines: int,
    sort: str,
    attempts: list[Attempt],
    asked: tuple[str, int],
) -> None:
    """By any sort, query and size of page, with discounts, ties and unknown costs, and whether many lines are looked at or one."""
    monkeypatch.setattr(callpage, "_FEWEST_LINES", lines)
    monkeypatch.setattr(callpage, "_LINES_PER_ROW", lines)
    query, limit = asked
    ledger = _filled(empty, attempts)
    found: list[CallRow] = []
    after: str | None = None
    while len(found) <= len(attempts):
        page = calls(ledger, OCTOBER, query, Page(sort, limit, after))
        found += page.rows
        after = page.next
        if after is None:
            break
    wanted = [one for one in attempts if QUERIES[query](one)]
    wanted.sort(key=lambda one: one.key, reverse=True)
    wanted.sort(key=lambda one: (one.figure(sort) is not None, one.figure(sort) or 0), reverse=True)
    assert [(row.call_id, row.attempt) for row in found] == [one.key for one in wanted]
    assert [None if row.cost is None else Decimal(row.cost) for row in found] == [one.cost for one in wanted]


def _filled(ledger: Any, attempts: list[Attempt]) -> Any:
    for table in ("calls", "cost_lines"):
        ledger.connection.execute(f"DELETE FROM sealed.{table}")
    for one in attempts:
        common = {
            "call_id": one.key[0], "attempt": one.attempt, "occurred_at": FIRST + timedelta(hours=one.hour), "recorded_at": FIRST,
            "feature": one.feature, "model": "gpt-4o", "provider": "openai",
        }  # fmt: skip
        told = {"call_count": 1, "status": one.status, "state": "metered", "input_tokens": one.tokens, "latency_ms": one.latency}
        ledger.insert("calls", {**common, **told})
        for line, cost in one.lines.items():
            ledger.insert("cost_lines", {**common, "line": line, "state": "metered", "cost": cost})
    ledger.roll_up()
    return ledger
