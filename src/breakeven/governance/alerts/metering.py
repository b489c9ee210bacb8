"""Alerts about what is not known: a model without a price, calls without usage."""

from __future__ import annotations

from datetime import datetime

from breakeven.governance.alerts.facts import Alert, Facts, MeteringGap, Reading, Rule, UnpricedModel, crossing_id
from breakeven.governance.alerts.phrases import command, counted, listed, owner_of


def unpriced_model_seen(rule: Rule, facts: Facts, at: datetime) -> list[Reading]:
    """Models that are called and have no price: their cost is unknown, not 0. Clear once priced, or no longer called."""
    return [
        Reading(alert.crossing, "crossed", alert)
        for one in facts.unpriced
        if rule.about_any(one.features)
        for alert in (_unpriced(one, facts, at),)
    ]


def _unpriced(one: UnpricedModel, facts: Facts, at: datetime) -> Alert:
    name = f"{one.model or 'a model without a name'} of {one.provider or 'an unknown provider'}"
    used = f" by {listed(one.features)}" if one.features else ""
    since = f"since {one.first_day}" if one.first_day != one.last_day else f"on {one.first_day}"
    what = (
        f"{counted(one.calls, 'call')} to {name}{used} {since} {'has' if one.calls == 1 else 'have'} no price: the cost is unknown."
    )
    known = one.provider is not None and one.model is not None
    add = (
        f"Add a price with `breakeven prices add`, then run: {command('prices', 'restate', **{'from': str(one.first_day)})}"
        if known
        else "Name the provider and the model when importing (--provider, --model), so that a price can be found."
    )
    return Alert(
        "unpriced", f"{one.provider or '?'}/{one.model or '?'}", "warning", what, add, owner_of(one.features, facts.owners),
        crossing_id("unpriced", one.provider or "", one.model or ""), at,
        {"provider": one.provider, "model": one.model, "calls": one.calls, "first_day": str(one.first_day),
         "last_day": str(one.last_day), "features": ", ".join(one.features)},
    )  # fmt: skip


def gap_in_metering(rule: Rule, facts: Facts, at: datetime) -> list[Reading]:
    """Calls of a day to a provider that nobody knows the usage of: begun and never settled, or answered without usage.

    One crossing a day and provider: a gateway that is killed with many calls in flight tells of them once.
    """
    return [_gap(one, facts, at) for one in facts.gaps if rule.about_any(one.features)]


def _gap(one: MeteringGap, facts: Facts, at: datetime) -> Reading:
    provider = one.provider or "an unknown provider"
    of = f" of {listed(one.features)}" if one.features else ""
    what = (
        f"The usage of {counted(one.calls, 'call')}{of} to {provider} on {one.day} is unknown"
        " (cut off, or answered without usage), so that their cost is missing."
    )
    look = command("unpriced", period=str(one.day))
    crossing = crossing_id("gap", one.provider or "", str(one.day))
    alert = Alert(
        "gap", provider, "warning", what,
        f"See them and why: {look}. Compare that day with the vendor's usage page or invoice; for streams, ask for usage.",
        owner_of(one.features, facts.owners), crossing, at,
        {"provider": one.provider, "day": str(one.day), "calls": one.calls, "features": ", ".join(one.features)},
    )  # fmt: skip
    return Reading(crossing, "crossed", alert)
