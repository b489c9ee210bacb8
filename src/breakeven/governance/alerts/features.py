"""Alerts about features and customers: a margin below its floor, a customer's cost past a line, attribution below its target."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from breakeven.economics.money import digits
from breakeven.governance.alerts.budgets import REARM
from breakeven.governance.alerts.facts import Alert, Coverage, CustomerCost, Facts, FeatureMargin, Reading, Rule, crossing_id
from breakeven.governance.alerts.phrases import command, counted, dollars, owner_of, percent

MARGIN_REARM = Decimal("0.02")
"""How far above its floor a margin must rise (two points) before falling below it is told again."""
COVERAGE_REARM = Fraction(1, 4)
"""The part of the way from the target to everything that coverage must rise by before falling below the target is told again."""
DEFAULT_TARGET = Decimal("0.95")


def margin_below_floor(rule: Rule, facts: Facts, at: datetime) -> list[Reading]:
    """Features that keep less of their value than their charter demands. Formula: contribution / value < margin_floor.

    Cost that is not known yet can only lower a margin: below the floor is certain, above it is not, and clears nothing. A feature
    whose value is known to be nothing is below any floor as soon as it costs something; one whose value is unknown is not judged.
    """
    rows = [one for one in facts.margins if rule.about_any((one.feature,))]
    return [_margin(one, at) for one in rows]


def _margin(one: FeatureMargin, at: datetime) -> Reading:
    crossing = crossing_id("margin", one.feature)
    if one.value is None or one.contribution is None:
        return Reading(crossing, "between")
    floor = Fraction(one.floor)
    if one.contribution < floor * one.value or (one.value <= 0 and one.contribution < 0):
        return Reading(crossing, "crossed", _below(one, one.value, one.contribution, crossing, at))
    cleared = one.unknown_calls == 0 and one.contribution >= min(Fraction(1), floor + Fraction(MARGIN_REARM)) * one.value
    return Reading(crossing, "clear" if cleared else "between")


def _below(one: FeatureMargin, value: int, contribution: int, crossing: str, at: datetime) -> Alert:
    cost = value - contribution
    kept = f"a margin of {percent(contribution, value)}" if value > 0 else "no margin"
    unknown = f" The cost of {counted(one.unknown_calls, 'more call')} is unknown." if one.unknown_calls else ""
    what = (
        f"{one.feature} earned {dollars(value)} and cost {dollars(cost)} in the last {counted(one.days, 'day')}: {kept},"
        f" below its floor of {float(one.floor) * 100:g}%.{unknown}"
    )
    look = command("pnl", period=one.period, feature=one.feature, by="model")
    return Alert(
        "margin", one.feature, "critical" if contribution < 0 else "warning", what,
        f"See which models cost it: {look}. Then move calls to a cheaper rung, raise the price, or change the floor.",
        one.owner, crossing, at,
        {
            "margin": float(Fraction(contribution, value)) if value > 0 else None, "margin_floor": float(one.floor),
            "value": digits(value), "cost": digits(cost), "calls": one.calls, "unknown_calls": one.unknown_calls,
            "period": one.period,
        },
    )  # fmt: skip


def customer_past_line(rule: Rule, facts: Facts, at: datetime) -> list[Reading]:
    """Customers whose known cost in the current month has reached a line. Formula: sum of cost >= line.

    A new month counts anew. Calls of unknown cost are said beside it and add nothing.
    """
    wanted = [
        one for one in facts.customers if one.features == rule.features and (not rule.customers or one.customer in rule.customers)
    ]
    return [_customer(one, rule.line or 0, rule, facts, at) for one in wanted]


def _customer(one: CustomerCost, line: int, rule: Rule, facts: Facts, at: datetime) -> Reading:
    crossing = crossing_id("customer_cost", one.customer, ",".join(one.features), one.month, digits(line) or "0")
    if one.cost < line:
        return Reading(crossing, "clear" if one.cost * 100 < line * REARM else "between")
    of = f" with {', '.join(one.features)}" if one.features else ""
    unknown = f" The cost of {counted(one.unknown_calls, 'more call')} is unknown." if one.unknown_calls else ""
    what = f"Customer {one.customer} has cost {dollars(one.cost)}{of} in {one.month}, past the line of {dollars(line)}.{unknown}"
    feature = one.features[0] if len(one.features) == 1 else None
    look = command(
        "pnl", period=one.month, customer=one.customer, feature=feature, by="feature,model" if feature is None else "model"
    )
    alert = Alert(
        "customer_cost", one.customer, "warning", what,
        f"See what they use: {look}, and what they pay: {command('customers', period=one.month, customer=one.customer)}."
        " To stop at a line, add a budget `per: customer`.",
        owner_of(rule.features, facts.owners), crossing, at,
        {"customer": one.customer, "month": one.month, "cost": digits(one.cost), "line": digits(line), "calls": one.calls,
         "unknown_calls": one.unknown_calls},
    )  # fmt: skip
    return Reading(crossing, "crossed", alert)


def coverage_below_target(rule: Rule, facts: Facts, at: datetime) -> list[Reading]:
    """The attribution's service level. Formula: known cost with an owner / known cost < target, over the rule's days.

    The target is the rule's, else that of the configuration (`attribution: {target: 0.98}`), else 95%.
    """
    return [
        _coverage(one, next(each for each in (rule.target, one.target, DEFAULT_TARGET) if each is not None), at)
        for one in facts.coverage
        if one.days == rule.days
    ]


def _coverage(one: Coverage, target: Decimal, at: datetime) -> Reading:
    crossing, line = crossing_id("coverage", f"{target.normalize():f}", f"{one.days}d"), Fraction(target)
    if one.cost <= 0:
        return Reading(crossing, "between")
    share = Fraction(one.owned_cost, one.cost)
    if share < line:
        return Reading(crossing, "crossed", _uncovered(one, target, crossing, at))
    return Reading(crossing, "clear" if share >= line + (1 - line) * COVERAGE_REARM else "between")


def _uncovered(one: Coverage, target: Decimal, crossing: str, at: datetime) -> Alert:
    days, nobodys = counted(one.days, "day"), one.cost - one.owned_cost
    before = f", after {percent(one.owned_before, one.cost_before)} in the {days} before" if one.cost_before > 0 else ""
    what = (
        f"{percent(one.owned_cost, one.cost)} of the cost of the last {days} has an owner, below the target of"
        f" {float(target) * 100:g}%{before}: nobody answers for {dollars(nobodys)} in {counted(one.unowned_calls, 'call')}."
    )
    look = command("owner", "list", period=one.period)
    return Alert(
        "coverage", "attribution", "warning", what,
        f"See what nobody owns: {look}. Then name owners in breakeven.yaml, and give keys a feature"
        " (breakeven keys create NAME --feature FEATURE).",
        None, crossing, at,
        {"coverage": float(Fraction(one.owned_cost, one.cost)), "target": float(target), "unowned_cost": digits(nobodys),
         "unowned_calls": one.unowned_calls, "cost": digits(one.cost), "period": one.period,
         "coverage_before": float(Fraction(one.owned_before, one.cost_before)) if one.cost_before > 0 else None},
    )  # fmt: skip
