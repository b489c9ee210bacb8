"""When alerts are looked at, and what a look that fails does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from breakeven.economics.money import ATTO
from breakeven.governance.alerts import BudgetStatus
from breakeven.ledger import Ledger, open_ledger
from breakeven.ledger.layout import Layout
from breakeven.service.alertbook import FILE, AlertBook
from breakeven.service.alerting import Alerting

AddCalls = Callable[[Path, Sequence[dict[str, Any]]], Path]
SPENT = BudgetStatus("b", "all", "usd", 10 * ATTO, 10 * ATTO, starts=datetime(2026, 11, 1), resets_at=datetime(2027, 11, 1))
CONFIG = "alerts: {every: 10s, sinks: {log: {kind: log, path: told.ndjson}}, rules: [{when: threshold}, {when: unpriced}]}"


class Desk:
    """One ledger, one configuration, and accounts as the test says."""

    def __init__(self, root: Path, config: Path) -> None:
        self.layout = Layout(root)
        self.config = config
        self.statuses: list[BudgetStatus] | Exception = []
        self.alerting = Alerting(self.layout, config, self.asked)

    def asked(self, *_given: object) -> Sequence[BudgetStatus]:
        """How the accounts stand."""
        if isinstance(self.statuses, Exception):
            raise self.statuses
        return self.statuses

    def look(self, ledger: Ledger, now: float) -> bool:
        """As the bookkeeper does: whether a look was due."""
        due = self.alerting.due(now)
        if due:
            self.alerting.look(ledger, now)
        return due

    def open(self) -> list[str]:
        """The crossings that are remembered."""
        book = AlertBook(self.layout.root / FILE)
        found = sorted(book.crossings())
        book.close()
        return found


@pytest.fixture
def desk(tmp_path: Path, add_calls: AddCalls) -> Iterator[Desk]:
    """A ledger with one call of a model without a price."""
    config = tmp_path / "breakeven.yaml"
    config.write_text(CONFIG)
    found = Desk(add_calls(tmp_path / "ledger", [{"model": "x"}]), config)
    yield found
    found.alerting.close()


def test_looks_follow_commits_and_become_rare_when_nothing_happens(desk: Desk) -> None:
    """At once, soon after a commit, every ten seconds while something may have moved, and else every five minutes."""
    with open_ledger(desk.layout.root) as ledger:
        assert desk.look(ledger, 1000)
        assert not desk.look(ledger, 1011)
        desk.alerting.committed(1012)
        moments = (1012, 1013, 1022.5, 1023, 1033, 1041, 1043.5, 1100, 1290, 1340, 1400)
        assert [now for now in moments if desk.look(ledger, now)] == [1012, 1022.5, 1033, 1340]


def test_a_budget_that_is_counted_after_the_commit_is_told(desk: Desk) -> None:
    """What a worker tells the accounts a few seconds later than the ledger waits for no other call."""
    with open_ledger(desk.layout.root) as ledger:
        desk.alerting.committed(1000)
        assert desk.look(ledger, 1000)
        assert desk.open() == ["unpriced|openai|x"]
        desk.statuses = [SPENT]
        assert desk.look(ledger, 1010.5)
        assert desk.open() == ["threshold|b|2026-11-01T00:00|10000", "unpriced|openai|x"]
        desk.statuses = [replace(SPENT, spent=0)]
        assert desk.look(ledger, 1021)
        assert desk.open() == ["unpriced|openai|x"]


def test_accounts_that_cannot_be_read_hide_nothing_else(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    """The ledger's alerts are told, an open threshold stays open, and the fault is said once."""
    with open_ledger(desk.layout.root) as ledger:
        desk.statuses = [SPENT]
        assert desk.look(ledger, 1000)
        desk.statuses = RuntimeError("no Redis")
        for now in (1020, 1040):
            desk.alerting.committed(now)
            assert desk.look(ledger, now)
    assert desk.open() == ["threshold|b|2026-11-01T00:00|10000", "unpriced|openai|x"]
    assert capsys.readouterr().err.count("budgets are not looked at for alerts: no Redis") == 1


def test_a_fault_of_a_look_is_said_and_tried_again_later(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    """A ledger that cannot answer stops nothing; half a minute later it is asked again."""

    class Broken:
        def query(self, *_given: object) -> Any:
            raise RuntimeError("the engine has a bad day")

    assert desk.alerting.due(1000)
    desk.alerting.look(Broken(), 1000)
    assert "the engine has a bad day" in capsys.readouterr().err
    assert not desk.alerting.due(1029)
    assert desk.alerting.due(1030)


def test_a_changed_file_holds_from_the_next_look_and_a_faulty_one_changes_nothing(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rules that go take their crossings along; a fault is said and the old rules hold; no rules, no looks."""
    with open_ledger(desk.layout.root) as ledger:
        assert desk.look(ledger, 1000)
        desk.config.write_text("alerts: {sinks: {log: {kind: lag}}}")
        assert desk.look(ledger, 1001)
        assert "alerts keep their old rules" in capsys.readouterr().err
        assert desk.open() == ["unpriced|openai|x"]
        desk.config.write_text("alerts: {sinks: {log: {kind: log, path: told.ndjson}}, rules: [{when: threshold}]}")
        assert desk.look(ledger, 1002)
        assert desk.open() == []
        desk.config.write_text("alerts: {}")
        assert not desk.look(ledger, 2000)
