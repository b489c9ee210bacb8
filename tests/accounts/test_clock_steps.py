"""A clock that steps over a reset gives nobody a second budget."""

from __future__ import annotations

from pathlib import Path

from breakeven.accounts.journal import Journal
from breakeven.accounts.leases import Draw, Leases
from breakeven.accounts.sqlite import SqliteAccounts
from breakeven.governance.budgets import Budget, account_of
from breakeven.governance.spans import Calendar, Rolling

DAY = 86_400.0


def spend(leases: Leases, budget: Budget, wall: float) -> int:
    """How many calls of 10 the budget lets through at an instant."""
    made = 0
    while made < 50:
        draw = Draw(leases.lease(account_of(budget, (), wall)), 10)
        if not leases.reserve([draw]):
            leases.borrow([draw], lambda _reached: None)
            if not leases.reserve([draw]):
                return made
        draw.lease.calls += 1
        leases.settle(draw.lease, 10, 10, last=True)
        made += 1
    return made


def test_each_day_is_spent_once_however_the_clock_steps(tmp_path: Path) -> None:
    """Forward over midnight there is a new day's budget; back again the old day is still spent; forward again the new one too."""
    budget = Budget("day", "usd", 100, Calendar("day"))
    wall = [10.5 * DAY]
    store = SqliteAccounts(tmp_path / "a.sqlite", clock=lambda: wall[0], wall=lambda: wall[0])
    store.set_outside("ledger", budget.identity, {})
    clock = [0.0]
    with Journal(tmp_path / "j") as journal:
        leases = Leases(store, journal, "w", lambda: clock[0], lambda: wall[0])
        found = []
        for at in (10.5, 11.1, 10.9, 11.2, 10.1, 12.0, 11.9):
            wall[0] = at * DAY
            clock[0] += 1
            leases.tick()
            found.append(spend(leases, budget, wall[0]))
        assert found == [10, 10, 0, 0, 0, 10, 0]
    store.close()


def test_a_rolling_window_that_steps_back_counts_what_it_has_seen(tmp_path: Path) -> None:
    """What was spent at a later time of the clock still counts when it steps back."""
    budget = Budget("hour", "usd", 100, Rolling(3600.0), kind="rate")
    wall = [100 * DAY]
    store = SqliteAccounts(tmp_path / "a.sqlite", clock=lambda: 0.0, wall=lambda: wall[0])
    with Journal(tmp_path / "j") as journal:
        leases = Leases(store, journal, "w", lambda: 0.0, lambda: wall[0])
        assert spend(leases, budget, wall[0]) == 10
        leases.close()
        wall[0] -= 1800
        assert spend(leases, budget, wall[0]) == 0
        wall[0] += 3 * 3600
        assert spend(leases, budget, wall[0]) == 10
    store.close()
