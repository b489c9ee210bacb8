"""The sentences of a check: which limit would be broken and by how much, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence

from breakeven.economics.money import amount
from breakeven.economics.pnl import Tally
from breakeven.governance.limits import Breach
from breakeven.reports.changes import share_words
from breakeven.reports.words import count, dollars, percent
from breakeven.settings import Feature


def breach_sentence(breach: Breach, tally: Tally, feature: Feature | None) -> str:
    """One limit that would be broken (or, where the change is not to blame, is), with both figures."""
    name = breach.feature or "Everything together"
    if breach.limit_kind == "margin floor":
        return _margin(name, breach, tally)
    if breach.limit_kind == "unit cost ceiling":
        unit = (feature.unit if feature is not None else None) or "outcome"
        verb = "would cost" if breach.newly else "costs"
        return f"{name} {verb} {dollars(_whole(breach.actual))} per {unit}: ceiling {dollars(_whole(breach.limit))}."
    if breach.limit_kind == "rungs":
        allowed = ", ".join(feature.rungs) if feature is not None else ""
        return f"{name} may not use {', '.join(breach.names)}: its charter allows {allowed}."
    verb, budget = "would" if breach.newly else "does", breach.names[0]
    if breach.measure == "calls":
        return f"{name} {verb} make {count(_whole(breach.actual), 'call')} a month: budget {budget} allows {breach.limit:,}."
    cost, allowed = dollars(_whole(breach.actual)), dollars(_whole(breach.limit))
    return f"{name} {verb} cost {cost} a month: budget {budget} allows {allowed}."


def _margin(name: str, breach: Breach, tally: Tally) -> str:
    kept = tally.contribution or 0
    floor = share_words(amount(0) if isinstance(breach.limit, int) else breach.limit)
    if kept < 0:
        what = f"would lose {dollars(-kept)}" if breach.newly else f"loses {dollars(-kept)}"
    else:
        what = f"would keep {dollars(kept)}" if breach.newly else f"keeps {dollars(kept)}"
    return f"{name} {what} a month: margin {percent(float(breach.actual))}, floor {floor}."


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def remedy(breach: Breach, feature: Feature | None) -> str:
    """What to do about a broken limit."""
    owner = f" with the consent of its owner, {feature.owner}" if feature is not None and feature.owner else ""
    return {
        "margin floor": f"Use a cheaper rung or a shorter prompt, or lower margin_floor{owner}.",
        "unit cost ceiling": f"Use a cheaper rung or a shorter prompt, or raise unit_cost_ceiling{owner}.",
        "budget": f"Make it cheaper, or raise the limit of the budget{owner}.",
        "rungs": f"Name an allowed model, or add it to rungs{owner}.",
    }[breach.limit_kind]


def unjudged(feature: str | None, models: str, *, limited: bool) -> tuple[str, str]:
    """The sentence and the remedy where a model has no price."""
    name = feature or "what has no feature"
    why = f"{models} has no price" if models else "it names no model"
    what = f"What {name} would cost is unknown: {why}"
    held = f"{what}, so that its limits cannot be held against it." if limited else f"{what}."
    named = "Name the model as the vendor does, or add its price to a file of `prices: {overlay: ...}`."
    return held, named if models else "Name its `model`, so that its assumptions can be priced."


def headline(failures: Sequence[str], change: int | None, before: int | None, changed: int) -> str:
    """The answer in one sentence: the limit that breaks, else what the change costs."""
    if failures:
        more = len(failures) - 1
        rest = f" {count(more, 'more limit')} would be broken." if more else ""
        return failures[0] + rest
    if change is None:
        return "What this change costs is unknown, because a model has no price; no limit is known to be broken."
    if change == 0:
        what = "moves no cost" if changed else "touches nothing that has a cost"
        return f"This change {what}, and no limit would be broken by it."
    share = f" ({percent(abs(change) / before)})" if before else ""
    what = f"{dollars(abs(change))} a month {'more' if change > 0 else 'less'}{share}"
    return f"This change costs {what}, and no limit would be broken by it."
