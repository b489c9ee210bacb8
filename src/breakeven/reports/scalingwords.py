"""What the scaling report says: the pace, the next unit, where it breaks even, and what cannot be said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from breakeven.economics.drivers import MIX, PRICE
from breakeven.economics.money import atto
from breakeven.economics.periods import MONTHS
from breakeven.reports.scalingfacts import Uptakes
from breakeven.reports.scalingrows import Detail, Money, ScalingRow, Span
from breakeven.reports.words import MINUS, count, dollars, signed_dollars
from breakeven.settings import Settings

FORMULA: Mapping[str, str] = {
    "elasticity": "PPML of cost on ln adoption, customers and steps absorbed; 95% cluster jackknife over customers, Student's t",
    "average_cost": "sum of cost / sum of adoption of the last step",
    "incremental_cost": "change of cost / change of adoption since the step before",
    "marginal_cost": "elasticity x average cost; value likewise",
    "break_even": "adoption at which average cost meets average value at today's prices and mix: ln s = ln(V/C) /"
    " (elasticity of cost - elasticity of value); Fieller's 95% interval",
    "drivers": "log-mean Divisia of users x calls per user x mix x tokens per call x price per token; parts sum to the change",
    "split": "cost of users who came - cost of users who left + change of those who stayed: exact",
}


def unit_of(settings: Settings, feature: str, measure: str) -> str:
    """What one unit of adoption is called."""
    declared = settings.features.get(feature)
    if measure == "calls":
        return "call"
    return (declared.unit if declared and declared.unit else None) or "outcome"


def row_sentence(row: ScalingRow, known: Uptakes) -> str:
    """Everything about one feature, in a few sentences."""
    return " ".join(part for part in (_pace(row), _next(row), _meets(row, known), _passed(row), _unpriced(row)) if part)


def scaling_sentence(rows: Sequence[ScalingRow], label: str, feature: str | None = None) -> str:
    """The report in a few sentences: who grows faster, who keeps step, and of whom it cannot be said."""
    if not rows and feature is not None:
        return f"There are no calls of {feature}{_until(label)}: nothing can be said of how its cost grows."
    if not rows:
        return f"No feature is known for any call{_until(label)}: nothing can be said of how cost grows."
    faster = [row.sentence for row in rows if row.pace == "faster"]
    parts = [*faster]
    for pace, words in (
        ("slower", "Cost grows more slowly than adoption for {}."),
        ("in step", "That cost grows faster than adoption cannot be said of {}: the interval includes 1."),
        ("unknown", "How cost answers adoption is unknown for {}: too few customers, or adoption that hardly varies."),
    ):
        names = [_named(row) for row in rows if row.pace == pace]
        if names:
            parts.append(words.format(_listed(names)))
    if len(rows) == 1 and rows[0].pace != "faster":
        parts = [rows[0].sentence]
    return " ".join([*parts, "This describes; adoption was not randomised."])


def _until(label: str) -> str:
    return "" if label == "all time" else f" up to {label}"


def detail_sentences(detail: Detail, row: ScalingRow, known: Uptakes) -> list[str]:
    """What a user adds, which drivers moved cost, and who came, left and stayed."""
    found = []
    if detail.marginal_cost_of_a_user and detail.users_elasticity:
        found.append(
            f"The next user of {row.feature} adds {_money(detail.marginal_cost_of_a_user)} a {known.step}: "
            f"a customer with 1% more users costs {_more(detail.users_elasticity)}."
        )
    if detail.drivers:
        parts = ", ".join(f"{one.driver} {_signed(one.effect)}{_moved(one.before, one.now, one.driver)}" for one in detail.drivers)
        before, now = (step_label(name) for name in detail.compared)
        change = sum(atto(one.effect) for one in detail.drivers)
        found.append(f"From {before} to {now} its cost moved by {signed_dollars(change)}: {parts}.")
    if detail.split:
        groups = ", ".join(
            f"{count(one.count, detail.split_by)} who {one.kind} {_signed(one.change)}"
            if one.kind != "unknown"
            else f"unknown {detail.split_by}s {_signed(one.change)}"
            for one in detail.split
        )
        found.append(f"Without any model: {groups}.")
    return found


def step_label(name: str) -> str:
    """`2026-10` as October 2026; weeks and days as they are written."""
    year, _, rest = name.partition("-")
    return f"{MONTHS[int(rest) - 1]} {year}" if rest.isdigit() and len(rest) == 2 else name  # noqa: PLR2004 - a month's two digits


def _pace(row: ScalingRow) -> str:
    if row.elasticity is None:
        return (
            f"How the cost of {row.feature} answers adoption cannot be said: {count(row.customers, 'customer')} in "
            f"{count(row.cells, 'cell')} of customer and time are too few, or their adoption hardly varies."
        )
    what = {
        "faster": f"The cost of {row.feature} grows faster than its adoption",
        "slower": f"The cost of {row.feature} grows more slowly than its adoption",
        "in step": f"That the cost of {row.feature} grows faster than its adoption cannot be said",
    }[row.pace]
    return f"{what}: a customer with 1% more {row.unit}s costs {_more(row.elasticity)}."


def _next(row: ScalingRow) -> str:
    if row.marginal_cost is None or row.average_cost is None:
        return f"{row.unit.capitalize()}s cost {dollars(atto(row.average_cost))} each." if row.average_cost else ""
    earns = "" if row.marginal_value is None else f" and earns {dollars(atto(row.marginal_value.estimate))}"
    average = dollars(atto(row.average_cost))
    return f"The next {row.unit} costs {_money(row.marginal_cost)}{earns}; the average one costs {average}."


def _meets(row: ScalingRow, known: Uptakes) -> str:
    now = step_label(known.steps[-1].name)
    if row.break_even is not None:
        at = row.break_even
        return (
            f"At the prices, models and mix of {now} cost would meet value at {at.estimate:,.0f} {row.unit}s "
            f"(95%: {at.low:,.0f} to {at.high:,.0f}); there were {row.adoption:,}.{_beyond(row)}"
        )
    if row.value is None or row.elasticity is None:
        return "" if row.elasticity is None else f"Where it breaks even cannot be said: {row.why_not}."
    return f"No adoption at which it breaks even can be stated: {row.why_not}."


def _beyond(row: ScalingRow) -> str:
    """From which adoption on the next unit costs more than it earns; said where cost grows faster than value."""
    at = row.marginal_break_even
    if at is None or row.marginal_cost is None or row.marginal_value is None or row.pace != "faster":
        return ""
    return f" From {at.estimate:,.0f} on ({at.low:,.0f} to {at.high:,.0f}) each further {row.unit} costs more than it earns."


def _passed(row: ScalingRow) -> str:
    if row.passed is None:
        return ""
    way = "rose above" if row.passed.upwards else "fell below"
    worth = f", {dollars(atto(row.average_value))}," if row.average_value else ""
    return (
        f"As recorded, the average cost of a {row.unit} {way} what it earns{worth} between {row.passed.adoption_before:,} "
        f"({step_label(row.passed.before)}) and {row.passed.adoption_after:,} {row.unit}s ({step_label(row.passed.after)})."
    )


def _unpriced(row: ScalingRow) -> str:
    return f"The cost of {count(row.unpriced_calls, 'call')} is unknown and not in these figures." if row.unpriced_calls else ""


def _named(row: ScalingRow) -> str:
    found = row.elasticity
    return row.feature if found is None else f"{row.feature} ({found.estimate:.2f}, 95%: {found.low:.2f} to {found.high:.2f})"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _more(span: Span) -> str:
    return f"{span.estimate:.2f}% more (95%: {span.low:.2f} to {span.high:.2f})".replace("-", MINUS)


def _money(money: Money) -> str:
    low, high = dollars(atto(money.low)), dollars(atto(money.high))
    return f"{dollars(atto(money.estimate))} (95%: {low} to {high})"


def _signed(text: str) -> str:
    return signed_dollars(atto(text))


def _moved(before: float | None, now: float | None, driver: str) -> str:
    if before is None or now is None or driver == MIX:
        return ""
    if driver == PRICE:
        return f" ({_a_million(before)} to {_a_million(now)} a million tokens)"
    return f" ({before:,.4g} to {now:,.4g})" if max(before, now) < 1000 else f" ({before:,.0f} to {now:,.0f})"  # noqa: PLR2004 - whole numbers from here


def _a_million(price: float) -> str:
    """What a million of something costs whose single price is too small to be read."""
    return dollars(atto(f"{price * 1e6:.6f}"))
