"""The whole protocol of budgets under every order of events: workers, kills, lost and late messages, a lost store."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from breakeven.accounts.journal import Journal
from breakeven.accounts.leases import Draw, Leases, recover
from breakeven.accounts.port import Answer, Entry, Grant
from breakeven.accounts.sqlite import FILE, SqliteAccounts
from breakeven.governance.budgets import Account, Budget, account_of
from breakeven.governance.spans import Lifetime

LIMITS = {"all": 10_000, "one": 3_000}
BUDGETS = {name: Budget(name, "usd", limit, Lifetime()) for name, limit in LIMITS.items()}
amounts = st.integers(1, 1_500)


def _unheard(grants: Sequence[Grant] | None, generation: str) -> None:
    """Nobody hears the answer."""
    del grants, generation


class Mail:
    """A store whose answers may be lost, and whose messages may be lost or come a second time, late."""

    def __init__(self, store: SqliteAccounts) -> None:
        self._store = store
        self.next = "fine"
        self._late: list[Callable[[], None]] = []

    def exchange(self, worker: str, generation: str, entries: Sequence[Entry], answer: Answer) -> None:
        """Deliver, or not."""
        how, self.next = self.next, "fine"
        if how == "lost":
            answer(None, "")
            return
        if how == "unanswered":
            self._store.exchange(worker, generation, entries, _unheard)
            answer(None, "")
            return
        if how == "twice":
            self._late.append(lambda: self._store.exchange(worker, generation, entries, _unheard))
        self._store.exchange(worker, generation, entries, answer)

    def denials(self, answer: Callable[[int | None, str], None]) -> None:
        """As the store says."""
        self._store.denials(answer)

    def deliver_late(self) -> None:
        """What came a second time comes now."""
        late, self._late = self._late, []
        for each in late:
            each()

    def forget(self) -> None:
        """What was under way to a store that is lost never arrives."""
        self._late.clear()

    def close(self) -> None:
        """Nothing to let go of."""


class Call:
    """One call under way: what it has reserved, at whom."""

    def __init__(self, worker: str, name: str, draws: list[Draw]) -> None:
        self.worker = worker
        self.name = name
        self.draws = draws


class Budgeting(RuleBasedStateMachine):
    """Two budgets that every call draws on, some workers, one store."""

    @initialize()
    def begin(self) -> None:
        """Two workers and open accounts."""
        self.folder = Path(tempfile.mkdtemp(prefix="protocol-"))
        self.clock = 1_000.0
        self.store = SqliteAccounts(self.folder / FILE, clock=lambda: self.clock)
        self.mail = Mail(self.store)
        self.workers: dict[str, tuple[Leases, Journal]] = {}
        self.calls: list[Call] = []
        self.settled: dict[str, dict[str, int]] = {}
        self.charged = dict.fromkeys(LIMITS, 0)
        self.twice = dict.fromkeys(LIMITS, 0)
        self.hired = 0
        self.open_accounts()
        self.hire()
        self.hire()

    def account(self, name: str) -> Account:
        """The account of a budget."""
        return account_of(BUDGETS[name], (), self.clock)

    # --- what happens -------------------------------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.workers) < 4)
    @rule()
    def hire(self) -> None:
        """A worker starts."""
        self.hired += 1
        name = f"w{self.hired}"
        journal = Journal(self.folder / f"{name}.journal")
        self.workers[name] = (Leases(self.mail, journal, name, lambda: self.clock, lambda: self.clock), journal)
        self.settled[name] = dict.fromkeys(LIMITS, 0)

    @precondition(lambda self: self.workers)
    @rule(at=st.integers(0, 9), amount=amounts, both=st.booleans())
    def call(self, at: int, amount: int, both: bool) -> None:
        """A call asks for room on one budget or on both."""
        name = sorted(self.workers)[at % len(self.workers)]
        leases = self.workers[name][0]
        draws = [Draw(leases.lease(self.account(each)), amount) for each in (LIMITS if both else ["all"])]
        if not leases.reserve(draws):
            leases.borrow(draws, lambda _reached: None)
            if not leases.reserve(draws):
                return
        for draw in draws:
            draw.lease.calls += 1
        self.settled.setdefault(leases.worker, dict.fromkeys(LIMITS, 0))
        self.calls.append(Call(name, leases.worker, draws))

    @precondition(lambda self: self.calls)
    @rule(at=st.integers(0, 99), part=st.integers(0, 100))
    def settle(self, at: int, part: int) -> None:
        """A call ends, and cost a part of what was reserved."""
        call = self.calls.pop(at % len(self.calls))
        leases = self.workers[call.worker][0]
        for lease, amount in call.draws:
            cost = amount * part // 100
            leases.settle(lease, amount, cost, last=True)
            name = lease.account.budget.id
            self.settled[call.name][name] += cost
            if leases.worker != call.name:  # the store was lost while it was under way: it and the ledger both count it
                self.twice[name] += cost

    @precondition(lambda self: self.workers)
    @rule(at=st.integers(0, 9))
    def tick(self, at: int) -> None:
        """A worker's timer."""
        self.workers[sorted(self.workers)[at % len(self.workers)]][0].tick()

    @rule(seconds=st.sampled_from([0.05, 0.3, 2.0, 61.0, 120.0]))
    def wait(self, seconds: float) -> None:
        """Time passes; nobody is silent for so long that he counts as lost."""
        self.clock += seconds
        for leases, _ in self.workers.values():
            leases.tick()

    @precondition(lambda self: self.workers)
    @rule(at=st.integers(0, 9))
    def kill(self, at: int) -> None:
        """A worker dies: what its calls have reserved may be billed."""
        name = sorted(self.workers)[at % len(self.workers)]
        _, journal = self.workers.pop(name)
        journal.close()
        for call in [each for each in self.calls if each.worker == name]:
            self.calls.remove(call)
            for lease, amount in call.draws:
                self.charged[lease.account.budget.id] += amount

    @rule()
    def recover(self) -> None:
        """Somebody finds the journals of the dead."""
        for path in sorted(self.folder.glob("*.journal")):
            recover(self.mail, path, self.clock, lambda _reached: None)

    @rule(how=st.sampled_from(["lost", "unanswered", "twice"]))
    def trouble(self, how: str) -> None:
        """The next message goes wrong."""
        self.mail.next = how

    @rule()
    def late(self) -> None:
        """Messages come a second time."""
        self.mail.deliver_late()

    @rule()
    def open_accounts(self) -> None:
        """The bookkeeper sets what the ledger knows and no worker in the store's books has counted."""
        known = self.store.workers()
        for name, budget in BUDGETS.items():
            outside = sum(spent[name] for worker, spent in self.settled.items() if worker not in known)
            self.store.set_outside("ledger", budget.identity, {self.account(name).key: {0: outside}})

    @rule()
    def lose_the_store(self) -> None:
        """Its file is removed. What calls of unknown cost were charged with is known to nobody else."""
        self.mail.next = "fine"
        self.recover()
        self.mail.forget()
        self.store.close()
        for path in self.folder.glob(f"{FILE}*"):
            path.unlink()
        for name in LIMITS:
            self.charged[name] = self.twice[name] = 0
        for leases, _ in self.workers.values():
            leases.tick()  # live workers notice before the accounts are opened
        self.open_accounts()

    # --- what always holds --------------------------------------------------------------------------------------------------------

    def truth(self, name: str) -> int:
        """What was spent on a budget, and what may have been."""
        return sum(spent[name] for spent in self.settled.values()) + self.charged[name]

    def held(self, name: str) -> int:
        """What calls under way have reserved."""
        return sum(draw.amount for call in self.calls for draw in call.draws if draw.lease.account.budget.id == name)

    @invariant()
    def no_budget_is_ever_exceeded(self) -> None:
        """Spent, possibly spent, and the worst that is under way: never more than the limit."""
        for name, limit in LIMITS.items():
            assert self.truth(name) + self.held(name) <= limit

    def teardown(self) -> None:
        """When all is quiet, the accounts say to the last unit what was spent, and nothing is lent."""
        if not hasattr(self, "folder"):
            return
        try:
            self.become_quiet()
        finally:
            for _, journal in self.workers.values():
                journal.close()
            self.store.close()
            shutil.rmtree(self.folder)

    def become_quiet(self) -> None:
        """All calls end, all journals are settled, all idle room goes back."""
        self.mail.next = "fine"
        while self.calls:
            self.settle(0, 50)
        self.mail.deliver_late()
        if not self.workers:
            self.hire()
        for _ in range(4):
            self.wait(1.0)
            self.recover()
            self.open_accounts()
        for name, budget in BUDGETS.items():
            balances = self.store.balances(budget.identity)
            assert (
                sum(sum(each.slices.values()) + sum(each.outside.values()) for each in balances)
                == self.truth(name) + self.twice[name]
            )
            assert [each.leases for each in balances] == [{}]
        assert all(leases.clear for leases, _ in self.workers.values())


Budgeting.TestCase.settings = settings(max_examples=250, stateful_step_count=50, deadline=None)
TestBudgeting = Budgeting.TestCase
