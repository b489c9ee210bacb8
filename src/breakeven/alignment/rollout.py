"""A rollout: a cheaper rung gets a growing share of a class's calls while the evidence holds, and none when it does not.

A share of the calls that the cheaper rung answers is checked: the dear rung is asked as well, and the difference of the two is the
evidence. A stage is over after `checks` checks whose mean loss keeps the margin; then the next share holds. The alarm
(`evidence/monitoring.py`) looks at every check of every stage, also after the last, and rolls back at once. A rollout that is not
through when it expires, or whose certificate is void, ends as well. What has ended never begins again by itself. Pure: time is an
argument.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from breakeven.alignment.evidence.betting import EXPECTED_DROP, Wealth
from breakeven.alignment.evidence.planning import Expected, replays_needed

Status = Literal["running", "adopted", "rolled back", "expired", "void"]
ENDED: tuple[Status, ...] = ("rolled back", "expired", "void")
SHARES = (0.05, 0.25, 1.0)
CHECKED = 0.1
CHECKS = 200
ALARM = 0.001
"""A false alarm is to be expected no earlier than after 1 / 0.001 = 1,000 checks, whatever is looked at in between."""
DROP = 0.1
"""The loss of quality for which a rollout says how soon it is found."""
_BOUND = re.compile(r"[0-9a-f]{32}\Z")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is declared: the class, the rung, the shares of its calls in order, and when it goes on, ends or is taken back.

    `checked`: the share of the cheaper rung's calls that is checked, also after the last stage. `margin`: how much quality may be
    lost. `certificate`: what was tested; the rollout is void where the rung is another one. `templates`: fingerprints of prompts
    that were tested; calls with another one stay where they are (empty: any). `until`: naive UTC. `agree`: a second cheap rung,
    with its model, that has to say the same, else the dear one answers. `route`: the file of a route that judges each call.
    `scorer` (with `fields` and `tolerance`), or `judge` and its `criterion`: how checks compare, as the replays were compared.
    `unlabelled`: calls that say no class belong to it where they come with one of its prompts.
    """

    feature: str
    task_class: str
    to: str
    model: str | None = None
    shares: tuple[float, ...] = SHARES
    checks: int = CHECKS
    checked: float = CHECKED
    margin: float = 0.02
    alarm: float = ALARM
    until: datetime | None = None
    certificate: str | None = None
    templates: tuple[str, ...] = ()
    agree: str | None = None
    agree_model: str | None = None
    route: str | None = None
    scorer: str = "agreement"
    fields: tuple[str, ...] = ()
    tolerance: float = 0.0
    judge: str | None = None
    criterion: str | None = None
    unlabelled: bool = False

    @property
    def id(self) -> str:
        """What it is called in the decisions log and in its state."""
        how = (f" + {self.agree}" if self.agree else "") + (" by route" if self.route else "")
        return f"{self.feature} / {self.task_class} → {self.to}{how}"

    @property
    def besides(self) -> dict[str, str | None]:
        """What belongs to the certificate besides the rung: who has to agree, and the route by its name."""
        found = {"agree": self.agree, "agree_model": self.agree_model, "route": self.route and self.route.rpartition("/")[2]}
        return {name: value for name, value in found.items() if value}

    def found_within(self, drop: float = DROP) -> int | None:
        """Within how many checks the alarm finds a loss of `drop` in 95 of 100 cases; None where it is within the margin."""
        return replays_needed(-self.margin, Expected(drop, 0.0), alpha=self.alarm, power=0.95)


def certificate_of(model: str | None, parameters: Mapping[str, object], templates: Iterable[str]) -> str:
    """What was tested, as 32 hexadecimal digits: the model (or handler), what its rung sets besides, and the prompts."""
    tested = {"model": model, "parameters": dict(parameters), "templates": sorted(templates)}
    text = json.dumps(tested, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def digest_of(content: bytes) -> str:
    """The part of a route's file name that says which content was proven."""
    return hashlib.sha256(content).hexdigest()[:12]


def tested_now(plan: Plan, model: str | None, parameters: Mapping[str, object]) -> str | None:
    """What the rung of a plan is now, in the words of its certificate: a hash, or the bare name of a model or handler."""
    if plan.certificate is not None and _BOUND.match(plan.certificate):
        return certificate_of(model, {**parameters, **plan.besides}, plan.templates)
    return model


@dataclass(frozen=True, slots=True)
class Bet:
    """The alarm's wealth as plain numbers, so that it can be written down between two looks."""

    log: float = 0.0
    count: int = 0
    gains: float = 0.0
    squares: float = 0.0
    losses: float = 0.0


@dataclass(frozen=True, slots=True)
class State:
    """How a rollout stands: its stage, the checks of this stage and their sum of differences, and all checks ever."""

    status: Status = "running"
    stage: int = 0
    checks: int = 0
    total: float = 0.0
    all_checks: int = 0
    bet: Bet = Bet()
    why: str | None = None

    def share(self, plan: Plan) -> float:
        """The share of the class's calls that go to the cheaper rung now."""
        return 0.0 if self.status in ENDED else plan.shares[min(self.stage, len(plan.shares) - 1)]


@dataclass(frozen=True, slots=True)
class Step:
    """One step to be noted: what was in force, what is, and why."""

    before: str
    after: str
    why: str


def advanced(
    plan: Plan, state: State, differences: Iterable[float], now: datetime, tested: str | None = None
) -> tuple[State, list[Step]]:
    """The state after further checks (cheaper minus dear score, in their order), and the steps that were taken.

    `tested`: what the cheaper rung is now (`tested_now`); None where it is not known, which changes nothing.
    """
    steps: list[Step] = []
    given_for = plan.certificate or plan.model
    if state.status not in ENDED and given_for is not None and tested is not None and tested != given_for:
        why = f"the certificate was given for {given_for}, and {plan.to} is {tested} now"
        if _BOUND.match(given_for):
            why = f"model, parameters or prompts of {plan.to} are other ones than certificate {plan.certificate} was given for"
        return _ended(plan, state, "void", why, steps)
    for difference in differences:
        if state.status in ENDED:
            break
        state = _checked(plan, state, difference)
        if state.bet.log >= math.log(1 / plan.alarm):
            why = f"the alarm rang at check {state.all_checks}: it loses more than {plan.margin:.1%} (false alarm: {plan.alarm})"
            return _ended(plan, state, "rolled back", why, steps)
        state = _widened(plan, state, steps)
    if state.status == "running" and plan.until is not None and now >= plan.until:
        return _ended(plan, state, "expired", f"it was not through by {plan.until:%Y-%m-%d}", steps)
    return state, steps


def _checked(plan: Plan, state: State, difference: float) -> State:
    """One more check, in this stage and on the alarm's bet, which begins anew when it has lost."""
    wealth = Wealth(plan.margin, guess=EXPECTED_DROP * plan.margin)
    bet = state.bet
    wealth.log, wealth.count, wealth.gains, wealth.squares, wealth.losses = bet.log, bet.count, bet.gains, bet.squares, bet.losses
    wealth.add(-difference)
    kept = Bet(wealth.log, wealth.count, wealth.gains, wealth.squares, wealth.losses) if wealth.log >= 0 else Bet()
    return replace(state, checks=state.checks + 1, total=state.total + difference, all_checks=state.all_checks + 1, bet=kept)


def _widened(plan: Plan, state: State, steps: list[Step]) -> State:
    """The next stage where this one has enough checks, and their mean keeps the margin."""
    if state.status != "running" or state.checks < plan.checks or state.total / state.checks < -plan.margin:
        return state
    why = f"{state.checks} checks lose {max(0.0, -state.total / state.checks):.2%} on average, {plan.margin:.1%} is allowed"
    last = state.stage + 1 >= len(plan.shares)
    status: Status = "adopted" if last else "running"
    stage = state.stage if last else state.stage + 1
    after = replace(state, checks=0, total=0.0, stage=stage, status=status)
    steps.append(Step(words(plan, state), words(plan, after), why))
    return after


def _ended(plan: Plan, state: State, status: Status, why: str, steps: list[Step]) -> tuple[State, list[Step]]:
    after = replace(state, status=status, why=why)
    return after, [*steps, Step(words(plan, state), words(plan, after), why)]


def words(plan: Plan, state: State) -> str:
    """How a rollout stands, in a few words: `running at 25%`, `adopted at 100%`, `rolled back`."""
    return state.status if state.status in ENDED else f"{state.status} at {state.share(plan):.0%}"


def terms(plan: Plan) -> str:
    """What is declared, in a few words: `5%, 25%, 100% of its calls, after 200 checks each, losing at most 2%`."""
    shares = ", ".join(f"{100 * share:g}%" for share in plan.shares)
    until = f", until {plan.until:%Y-%m-%d}" if plan.until is not None else ""
    return f"{shares} of its calls, after {plan.checks:,} checks each, losing at most {100 * plan.margin:g}%{until}"
