"""One feature's scaling in depth: its steps, the curve, what a user adds, and why cost moved between the last two steps."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from breakeven.economics.drivers import DRIVERS, INTENSITY, MIX, PRICE, TOKENS, USERS, Group, Split, Uptake, moved
from breakeven.economics.money import ATTO, digits
from breakeven.economics.pnl import per
from breakeven.economics.scaling import Response, curve, response
from breakeven.reports.question import Facts, ask
from breakeven.reports.scalingfacts import Uptakes, panel_of, split, uptake, users_of
from breakeven.reports.scalingfigures import Known, estimate, incremental, marginal, span_of
from breakeven.reports.scalingrows import CurveRow, Detail, Driver, Money, ScalingRow, SplitRow, StepRow
from breakeven.reports.scalingwords import detail_sentences


def detail_of(ledger: Facts, known: Uptakes, one: Known, row: ScalingRow) -> Detail:
    """Everything that is said of a single feature besides its row."""
    of_steps = dict(ask(ledger, "scaling_users", known.question, (known.step,)))
    users = [of_steps.get(step.name) for step in known.steps]
    with_users = _by_users(known, one, users_of(ledger, known))
    pair = known.steps[-2:] if len(known.steps) > 1 else ()
    uptakes = [uptake(ledger, known, step) for step in pair]
    by_user = bool(users[-1])
    parts = split(ledger, known, pair[0], pair[1], by_user=by_user) if pair else None
    found = Detail(
        steps=_steps(known, one, users),
        curve=_curve(one),
        users_elasticity=span_of(with_users.interval()) if with_users else None,
        marginal_cost_of_a_user=_user_cost(one, users[-1], with_users),
        compared=[step.name for step in pair],
        drivers=_drivers(one, uptakes[0], uptakes[1]) if pair else [],
        split_by="user" if by_user else "customer",
        split=_split_rows(parts) if parts else [],
        sentences=[],
    )
    return msgspec.structs.replace(found, sentences=detail_sentences(found, row, known))


def _by_users(known: Uptakes, one: Known, users: Mapping[tuple[str, int], float]) -> Response | None:
    """How cost answers the number of users of a customer."""
    if not users:
        return None
    panel = panel_of(known, one.feature, one.customers, "cost", users)
    return response(panel, len(one.steps) - 1, len(one.customers)) if len(panel.cost) else None


def _user_cost(one: Known, users: int | None, answer: Response | None) -> Money | None:
    if not users or answer is None or answer.interval() is None or one.level is None:
        return None
    return marginal(one.level.cost, float(users), answer)


def _steps(known: Uptakes, one: Known, users: list[int | None]) -> list[StepRow]:
    customers: dict[int, int] = {}
    for (feature, customer, step), tally in known.cells.items():
        if feature == one.feature and customer is not None and tally.calls:
            customers[step] = customers.get(step, 0) + 1
    return [
        StepRow(
            step=step.name,
            adoption=one.adoption(at),
            users=users[at],
            customers=customers.get(at, 0),
            cost=digits(tally.cost),
            value=digits(tally.value),
            average_cost=digits(per(tally.cost, one.adoption(at))),
            average_value=digits(per(tally.value, one.adoption(at))),
            incremental_cost=incremental(one, at),
        )
        for at, (step, tally) in enumerate(zip(known.steps, one.steps, strict=True))
    ]


def _curve(one: Known) -> list[CurveRow]:
    """The curve at today's prices, models and mix; none where cost's answer is unknown."""
    if one.level is None or one.cost is None or one.cost.interval() is None:
        return []
    return [
        CurveRow(
            times=round(point.times, 6),
            adoption=round(point.times * one.level.adoption, 1),
            average_cost=estimate(point.average.estimate) or "0",
            average_cost_low=estimate(point.average.low),
            average_cost_high=estimate(point.average.high),
            marginal_cost=estimate(point.marginal.estimate) or "0",
            marginal_cost_low=estimate(point.marginal.low),
            marginal_cost_high=estimate(point.marginal.high),
            average_value=None if point.value is None else estimate(point.value.estimate),
        )
        for point in curve(one.level, one.cost, one.value)
    ]


def _drivers(one: Known, before: Uptake, now: Uptake) -> list[Driver]:
    """The effects as exact parts of the change: estimated weights, largest remainder to the last digit."""
    effects = moved(before, now)
    costs = [tally.cost or 0 for tally in one.steps[-2:]]
    change = costs[1] - costs[0]
    rounded = {name: round(effects[name] * ATTO) for name in DRIVERS}
    largest = max(rounded, key=lambda name: abs(rounded[name]))
    rounded[largest] += change - sum(rounded.values())
    factors = [_factors(uptake) for uptake in (before, now)]
    known = bool(before.users) and bool(now.users)
    return [
        Driver(name if known or name != INTENSITY else "calls", digits(rounded[name]) or "0", factors[0][name], factors[1][name])
        for name in DRIVERS
        if known or name != USERS
    ]


def _factors(uptake: Uptake) -> dict[str, float | None]:
    tokens = sum(one.tokens for one in uptake.served.values())
    calls = uptake.calls
    return {
        USERS: uptake.users,
        INTENSITY: calls / uptake.users if uptake.users else calls,
        MIX: None,
        TOKENS: tokens / calls if calls else None,
        PRICE: uptake.cost / tokens if tokens else None,
    }


def _split_rows(parts: Split) -> list[SplitRow]:
    kinds = (("came", parts.came), ("left", parts.left), ("stayed", parts.stayed), ("unknown", parts.unknown))
    return [_split_row(kind, group) for kind, group in kinds if group != Group()]


def _split_row(kind: str, group: Group) -> SplitRow:
    count = 0 if kind == "unknown" else group.users
    return SplitRow(kind, count, *(digits(value) or "0" for value in (group.before, group.now, group.now - group.before)))
