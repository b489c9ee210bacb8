"""Whether a call may be made: every limit that covers it must have room for what the call can cost at most, all of them at once.

Reserve before the vendor is asked, settle when it is known what the call cost; retries and fallbacks draw on the same reservation.
Most calls are decided in memory. One that finds too little room asks the store; one that is kept out only by other calls under way,
or by idle room of other workers, waits a moment for it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from breakeven.accounts.leases import Draw, Lease, Leases
from breakeven.gateway.attribution import Attribution, Refusal, with_tag
from breakeven.gateway.dimensions import BUDGETS, VIRTUAL_KEY
from breakeven.gateway.estimating import UNBOUNDED, Bound, Estimator, History
from breakeven.gateway.facts import money, now_ns
from breakeven.gateway.ladders import Ladders
from breakeven.gateway.refusals import Standing, rate_headers, refusal_of, unknown_cost, unreachable
from breakeven.gateway.settlement import whole_second
from breakeven.governance.budgets import BASIS_POINTS, BOUND, Budget, Measure, account_of, accounts_of, throttle_of

if TYPE_CHECKING:
    from breakeven.gateway.call import Call
    from breakeven.gateway.targets import Target

PATIENCE_SECONDS = 0.25
"""How long a call waits for room that other calls or workers hold."""
OPENING_SECONDS = 8.0
"""How long a call waits until it is known what was spent before the budget was declared."""
MOST_WAITING = 1_000
_MOST_PLANS = 4_096
_FREE_METHODS = frozenset({b"GET", b"HEAD", b"DELETE", b"OPTIONS"})


class Meter(NamedTuple):
    """One account that a call draws on."""

    lease: Lease
    budget: Budget
    worst: bool
    """Whether the worst case is reserved; else what is expected."""
    from_share: int = 0
    """For the rate of a throttling threshold: from which share of `watched` on it holds, in basis points."""
    watched: Lease | None = None


class Plan(NamedTuple):
    """The accounts of one kind of call; `until` is when the first of their windows ends."""

    meters: tuple[Meter, ...]
    until: float
    attribution: Attribution
    measures_cost: bool
    downgrades: tuple[tuple[Lease, int], ...] = ()
    """Accounts, and the shares of their limits from which on calls move down the ladder."""


class Reservation:
    """What one call holds of its accounts until it is known what it cost."""

    __slots__ = ("_admission", "_bound", "_draws", "_expected", "_key", "_meters", "_next", "_open", "charged", "counted")

    def __init__(self, admission: Admission, waiting: _Waiting, held: list[int]) -> None:
        meters, expected, bound, key = waiting.plan.meters, waiting.amounts, waiting.bound, waiting.key
        self._admission = admission
        self._meters = meters
        self._draws = held
        self._expected = tuple(expected)
        self._bound = bound
        self._key = key
        self._next: tuple[int, ...] | None = None
        self._open = True
        self.charged = False
        self.counted = False
        for meter in meters:
            meter.lease.calls += 1

    def covers(self, target: Target, call: Call, *, billed: bool) -> bool:
        """Whether another attempt may be made: what is still reserved suffices for it, or more is there to reserve.

        `billed`: the vendor may bill the attempt that has just failed, so that its reservation is not free for the next.
        """
        if not self._open:
            return False
        if not billed and not self.charged:
            return True
        bound = self._admission.bound(target, call)
        wanted = self._admission.amounts(self._meters, bound, self._key)
        if wanted is None:
            return False
        missing: list[int] = []
        for meter, amount, held, expected in zip(self._meters, wanted, self._draws, self._expected, strict=True):
            again = meter.budget.enforced and meter.budget.measure in ("usd", "tokens")
            free = max(0, held - expected) if billed else held
            missing.append(max(0, amount - free) if again else 0)
        draws = [Draw(meter.lease, more) for meter, more in zip(self._meters, missing, strict=True) if more]
        if not self._admission.leases.reserve(draws):
            return False
        self._draws = [held + more for held, more in zip(self._draws, missing, strict=True)]
        self._next = tuple(wanted)
        return True

    def settle(self, cost: int | None, tokens: int | None, *, sent: bool, last: bool) -> None:
        """One attempt has ended: it cost `cost` (None: nobody knows). `last`: no other follows, so that the rest is free again."""
        if not self._open:
            return
        if sent:
            self._admission.learn(self._key, self._bound, cost, tokens)
        for at, meter in enumerate(self._meters):
            spent = self._spent(at, meter.budget, cost, tokens, sent=sent)
            held = self._draws[at]
            if spent or last:
                part = held if last else min(held, spent)
                self._draws[at] = held - part
                self._admission.leases.settle(meter.lease, part, spent, last=last)
        self.charged = self.charged or (sent and cost != 0)
        self.counted = self.counted or sent
        self._expected, self._next = self._next or self._expected, None
        if last:
            self._open = False
            self._admission.settled()

    def _spent(self, at: int, budget: Budget, cost: int | None, tokens: int | None, *, sent: bool) -> int:
        if budget.measure == "in_flight" or not sent:
            return 0
        if budget.measure == "calls":
            return 0 if self.counted else 1
        used = cost if budget.measure == "usd" else tokens
        return self._expected[at] if used is None else used

    def release(self) -> None:
        """The call ends without another attempt."""
        self.settle(0, 0, sent=False, last=True)

    def headers(self, answered: Mapping[bytes, bytes]) -> list[tuple[bytes, bytes]]:
        """What the answer says about the call's limits; the vendor's own headers about its limits are left as they are."""
        left: int | None = None
        added: list[tuple[bytes, bytes]] = []
        for meter in self._meters:
            budget, lease = meter.budget, meter.lease
            if budget.kind == "rate" and budget.enforced:
                added += rate_headers(budget, lease.known_limit, lease.spent_by_all + lease.reserved_by_all, answered)
            elif budget.measure == "usd" and budget.enforced and not budget.id.endswith(BOUND):
                rest = max(0, lease.known_limit - lease.spent_by_all)
                left = rest if left is None or rest < left else left
        if left is not None:
            added.append((b"breakeven-budget-remaining-usd", money(left).encode()))
        return added


class _Waiting(NamedTuple):
    call: Call
    plan: Plan
    amounts: list[int]
    bound: Bound
    key: object
    until: float


class Admission:
    """The limits of one configuration, before one worker's leases."""

    def __init__(self, leases: Leases, now: Callable[[], float], *, wall: Callable[[], int] = now_ns) -> None:
        self.leases = leases
        self.history = History()
        self._estimator: Estimator
        self._ladders: Ladders
        self._budgets: tuple[Budget, ...] = ()
        self._now = now
        self._wall = wall
        self._plans: dict[object, Plan] = {}
        self._waiting: deque[_Waiting] = deque()
        self._retrying = False

    def configure(self, budgets: Sequence[Budget], estimator: Estimator, ladders: Ladders) -> None:
        """Put the limits of a configuration in force; calls under way keep what they have reserved."""
        self._budgets = tuple(budgets)
        self._estimator = estimator
        self._ladders = ladders
        self._plans.clear()

    # --- which accounts -----------------------------------------------------------------------------------------------------------

    def _plan(self, call: Call, target: Target) -> Plan:
        model = target.rename or target.model_in_url or call.hints.model
        key = (call.attribution, call.caller.key, model, target.provider.name)
        plan = self._plans.get(key)
        at = self._wall() / 1e9
        if plan is None or at >= plan.until or any(meter.lease.closed for meter in plan.meters):
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            plan = self._plans[key] = self._planned(call, model, target, at)
        return plan

    def _planned(self, call: Call, model: str | None, target: Target, at: float) -> Plan:
        who, key = call.attribution, call.caller.key
        dimensions = {
            "feature": who.feature,
            "team": who.team,
            "customer": who.customer,
            "user": who.user_id,
            "environment": who.environment,
            "workflow": who.workflow,
            "key": None if key is None else key.name,
            "model": model,
            "provider": target.vendor,
        }
        meters: list[Meter] = []
        downgrades: list[tuple[Lease, int]] = []
        until = float("inf")
        drawn: list[str] = []
        for budget in self._budgets:
            if not budget.covers(dimensions):
                continue
            subject = budget.subject(dimensions)
            for kept in accounts_of(budget):
                account = account_of(kept, subject, at)
                until = min(until, account.window.ends or until)
                meters.append(Meter(self.leases.lease(account), kept, kept.mode == "strict"))
                if budget.kind == "budget":
                    drawn.append(f"{kept.identity}@{self.leases.worker}")
            own = meters[-len(accounts_of(budget))].lease
            downgrades += [(own, each.share) for each in budget.thresholds if each.action == "downgrade"]
            meters.extend(self._throttles(budget, own, subject, at))
        tagged = with_tag(who, BUDGETS, " ".join(drawn)) if drawn else who
        if key is not None and any("key" in (*budget.per, *dict(budget.scope)) for budget in self._budgets):
            tagged = with_tag(tagged, VIRTUAL_KEY, key.name)
        measures_cost = any(meter.budget.measure in ("usd", "tokens") for meter in meters)
        return Plan(tuple(meters), until, tagged, measures_cost, tuple(downgrades))

    def _throttles(self, budget: Budget, watched: Lease, subject: tuple[str, ...], at: float) -> list[Meter]:
        rates = [(throttle_of(budget, each), each.share) for each in budget.thresholds if each.action == "throttle"]
        leases = [(self.leases.lease(account_of(rate, subject, at)), rate, share) for rate, share in rates]
        return [Meter(lease, rate, worst=True, from_share=share, watched=watched) for lease, rate, share in leases]

    # --- how much -----------------------------------------------------------------------------------------------------------------

    def bound(self, target: Target, call: Call) -> Bound:
        """The most that an attempt at this target can use and cost."""
        at: datetime = whole_second(call.started_ns // 1_000_000_000)
        return self._estimator.bound(target, call.hints, call.request.body, at)

    def amounts(self, meters: Sequence[Meter], bound: Bound, key: object) -> list[int] | None:
        """What to reserve on each account; None where a budget refuses calls whose cost cannot be bounded."""
        found: list[int] = []
        for meter in meters:
            budget = meter.budget
            measure = budget.measure
            if measure in ("calls", "in_flight"):
                found.append(1)
                continue
            most = bound.cost if measure == "usd" else bound.tokens
            if most is None:
                if budget.unknown_price == "refuse" and budget.enforced:
                    return None
                found.append(budget.cap if budget.unknown_price == "cap" else 0)
            elif meter.worst:
                found.append(most)
            else:
                found.append(self.history.expected((key, measure), budget.quantile, most))
        return found

    def learn(self, key: object, bound: Bound, cost: int | None, tokens: int | None) -> None:
        """Keep, for each measure, what a call has really come to beside its bound: `amounts` asks for it by the same key.

        An attempt that was not billed says nothing about what calls cost: a vendor that fails must not make them look free.
        """
        used: tuple[tuple[Measure, int | None, int | None], ...] = (("usd", cost, bound.cost), ("tokens", tokens, bound.tokens))
        for measure, real, most in used:
            if real and most:
                self.history.note((key, measure), real, most)

    # --- deciding -----------------------------------------------------------------------------------------------------------------

    def admit(self, call: Call) -> Refusal | bool:
        """True: the call may go on, and holds a reservation where a limit covers it. False: it waits, and is told later."""
        target = call.targets[0]
        plan = self._plan(call, target)
        if not plan.meters:
            return True
        if any(_is_crossed(lease, share) for lease, share in plan.downgrades):
            lower = self._ladders.lower(call)
            if lower is not None:
                call.targets = lower
                target = lower[0]
                plan = self._plan(call, target)
        call.attribution = plan.attribution
        if target.free or call.request.head.method in _FREE_METHODS:
            return True
        bound = self.bound(target, call) if plan.measures_cost else UNBOUNDED
        key = (call.attribution.feature, call.hints.model)
        meters = tuple(meter for meter in plan.meters if meter.watched is None or _is_crossed(meter.watched, meter.from_share))
        amounts = self.amounts(meters, bound, key)
        if amounts is None:
            return unknown_cost(next(m.budget for m in meters if m.budget.unknown_price == "refuse"), call, target)
        waiting = _Waiting(call, plan._replace(meters=meters), amounts, bound, key, self._now() + PATIENCE_SECONDS)
        if self._reserved(waiting):
            return True
        return self._borrowed(waiting)

    def _reserved(self, waiting: _Waiting) -> bool:
        """Whether there is room now; then it is reserved. What is only watched draws on its account without needing room."""
        meters, amounts = waiting.plan.meters, waiting.amounts
        draws: list[tuple[Lease, int]] = []
        held: list[int] = []
        for meter, amount in zip(meters, amounts, strict=True):
            if meter.budget.enforced:
                draws.append((meter.lease, amount))
                held.append(amount)
            else:
                held.append(0)
        if not self.leases.reserve(draws):
            return False
        waiting.call.reservation = Reservation(self, waiting, held)
        return True

    def _borrowed(self, waiting: _Waiting) -> Refusal | bool:
        """Ask the store; the answer of a store on this machine is there at once."""
        answers: list[Refusal | bool] = []
        decided = False

        def answered(reached: bool) -> None:  # noqa: FBT001 - it is a `Borrowed`
            answer = self._after_borrowing(waiting, reached=reached)
            if decided:
                self._tell(waiting, answer)
            else:
                answers.append(answer)

        enforced = zip(waiting.plan.meters, waiting.amounts, strict=True)
        self.leases.borrow([Draw(meter.lease, amount) for meter, amount in enforced if meter.budget.enforced], answered)
        decided = True
        if not answers:
            return False
        if answers[0] is False:
            return self._wait(waiting)
        return answers[0]

    def _after_borrowing(self, waiting: _Waiting, *, reached: bool) -> Refusal | bool:
        if not reached:
            return self._without_store(waiting)
        if self._reserved(waiting):
            return True
        return self._hopeless(waiting) or False

    def _hopeless(self, waiting: _Waiting) -> Refusal | None:
        """The refusal where waiting a moment cannot help: the room is spent, not lent."""
        for meter, amount in zip(waiting.plan.meters, waiting.amounts, strict=True):
            lease = meter.lease
            if meter.budget.enforced and lease.room < amount and not lease.opening:
                others = lease.known_leased - lease.room
                if meter.budget.kind == "rate" and others <= 0:
                    return self._refusal(meter, amount)
                if meter.budget.kind == "budget" and lease.known_limit - lease.spent_by_all < amount:
                    return self._refusal(meter, amount)
        return None

    def _refusal(self, meter: Meter, amount: int) -> Refusal:
        lease = meter.lease
        standing = Standing(
            lease.account, lease.known_limit, lease.spent_by_all, lease.reserved_by_all, amount, lease.frees, opening=lease.opening
        )
        return refusal_of(standing, self._wall() / 1e9)

    def _without_store(self, waiting: _Waiting) -> Refusal | bool:
        """A strict budget refuses what it cannot count; everything else goes on and is counted when the store is back.

        The bound of a bounded budget is kept as a strict account, and is no strict budget.
        """
        meters = waiting.plan.meters
        strict = next((m for m in meters if m.budget.enforced and m.budget.kind == "budget" and _is_strict(m.budget)), None)
        if strict is not None:
            return unreachable(strict.budget)
        waiting.call.reservation = Reservation(self, waiting, [0] * len(meters))
        return True

    # --- waiting ------------------------------------------------------------------------------------------------------------------

    def _wait(self, waiting: _Waiting) -> Refusal | bool:
        if len(self._waiting) >= MOST_WAITING:
            return self._refusal(*_short(waiting))
        if any(meter.lease.opening for meter in waiting.plan.meters):
            waiting = waiting._replace(until=self._now() + OPENING_SECONDS)
        self._line_up(waiting)
        return False

    def _line_up(self, waiting: _Waiting) -> None:
        """Let a call wait; its leases are kept for as long."""
        for meter in waiting.plan.meters:
            meter.lease.calls += 1
        self._waiting.append(waiting)

    def _next(self) -> _Waiting:
        waiting = self._waiting.popleft()
        for meter in waiting.plan.meters:
            meter.lease.calls -= 1
        return waiting

    def _tell(self, waiting: _Waiting, answer: Refusal | bool) -> None:  # noqa: FBT001 - a decision
        """A call that waits for the store has its answer."""
        if waiting.call.gone:
            if waiting.call.reservation is not None:
                waiting.call.reservation.release()
        elif answer is True:
            waiting.call.admitted()
        elif answer is not False:
            waiting.call.turned_away(answer)
        else:
            refusal = self._wait(waiting)
            if isinstance(refusal, Refusal):
                waiting.call.turned_away(refusal)

    def settled(self) -> None:
        """Room has become free in this worker: whoever waits for it may have it."""
        if self._waiting and not self._retrying:
            self._retry(borrow=False)

    def tick(self) -> None:
        """For the worker's timer: speak with the store, and try again for those that wait."""
        self.leases.tick()
        if self._waiting:
            self._retry(borrow=True)

    def _retry(self, *, borrow: bool) -> None:
        self._retrying = True
        try:
            for _ in range(len(self._waiting)):
                waiting = self._next()
                if waiting.call.gone:
                    continue
                if self._reserved(waiting):
                    waiting.call.admitted()
                elif self._now() >= waiting.until:
                    waiting.call.turned_away(self._refusal(*_short(waiting)))
                elif not borrow:
                    self._line_up(waiting)
                else:
                    answer = self._borrowed(waiting)
                    if answer is True:
                        waiting.call.admitted()
                    elif answer is not False:
                        waiting.call.turned_away(answer)
        finally:
            self._retrying = False


def _is_crossed(lease: Lease, share: int) -> bool:
    """Whether this share of a limit is spent, as far as this worker knows."""
    return bool(lease.known_limit) and lease.spent_by_all * BASIS_POINTS >= share * lease.known_limit


def _short(waiting: _Waiting) -> tuple[Meter, int]:
    """The first account that has too little room."""
    pairs = list(zip(waiting.plan.meters, waiting.amounts, strict=True))
    return next(((meter, amount) for meter, amount in pairs if meter.budget.enforced and meter.lease.room < amount), pairs[0])


def _is_strict(budget: Budget) -> bool:
    return budget.mode == "strict" and not budget.id.endswith(BOUND)
