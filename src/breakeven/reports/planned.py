"""What a configuration means for traffic: which model serves what is named, what takes over from what, what assumptions cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from breakeven.economics.pnl import Tally
from breakeven.economics.value import EARNING, Units, earned
from breakeven.governance.change import Group, Replacement, Traffic, UnitPrices, assumed, successors
from breakeven.governance.charter import Charter
from breakeven.pricebook import PricingKey, RateCard
from breakeven.settings import VENDOR_DEFAULTS, Feature, Settings
from breakeven.settings.revision import Revision


@dataclass(frozen=True, slots=True)
class Planned:
    """A feature's month by its declared assumptions; `assumed` is false where it declares none."""

    charter: Charter
    tally: Tally
    assumed: bool


def unit_prices(card: RateCard, at: datetime) -> Callable[[Group], UnitPrices | None]:
    """Unit prices by class at an instant, adjustments included; None where the book has no price of that model."""

    def prices(group: Group) -> UnitPrices | None:
        quote = card.quote(PricingKey(group.provider, group.model, at, group.context, group.input_tokens))
        if quote.problem is not None or not quote.lines:
            return None
        return {name: sum(line.unit_price for line in lines) for name, lines in quote.lines.items()}

    return prices


def moves(
    name: str | None, found: Traffic, base: Revision, head: Revision, card: RateCard, at: datetime
) -> dict[Group, Replacement]:
    """Which recorded calls another model takes over: by the feature's models, else by changed routes."""
    old = base.settings.features.get(name or "")
    new = head.settings.features.get(name or "")
    named = successors(_named(old), _named(new))
    moved: dict[Group, Replacement] = {}
    for group in {cell.group for cell in found.cells}:
        recorded = group.provider, group.model
        asked = _named(old) or (group.requested or group.model,)
        for declared in asked:
            served = _served(base.settings, declared, group.provider)
            target = _served(head.settings, named.get(declared, declared), group.provider)
            if served != target and _same(card, at, recorded, served):
                placed = _placed(card, at, target)
                if not _same(card, at, recorded, (placed.provider, placed.model)):
                    moved[group] = placed
    return moved


def _named(feature: Feature | None) -> tuple[str, ...]:
    return feature.charter.named_models if feature is not None else ()


def _served(settings: Settings, name: str, near: str) -> tuple[str, str]:
    """Where a model's name leads: by the first route that matches, else to the vendor that it is near to."""
    route = next((route for route in settings.gateway.routes if fnmatchcase(name, route.model)), None)
    if route is None:
        return near, name
    first = route.to[0]
    account = settings.gateway.providers.get(first.provider)
    return (account.vendor if account is not None else first.provider), first.model or name


def _same(card: RateCard, at: datetime, recorded: tuple[str, str], named: tuple[str, str]) -> bool:
    """Whether a recorded model is the named one: the same word, or the same model of the price book by another of its names."""
    vendor, model = recorded
    if named[0] in VENDOR_DEFAULTS and named[0] != vendor:
        return False
    if named[1] in (model, f"{vendor}/{model}"):
        return True
    one, other = (card.quote(PricingKey(vendor, name, at)) for name in (model, named[1].removeprefix(f"{vendor}/")))
    return bool(one.model) and one.model == other.model


def _placed(card: RateCard, at: datetime, target: tuple[str, str]) -> Replacement:
    """Who serves a model.

    The vendor it was meant for if that has a price for it, else the one before its slash, else the first well-known one that has.
    """
    near, name = target
    vendor, slash, rest = name.partition("/")
    written = [Replacement(vendor, rest)] if slash and vendor in VENDOR_DEFAULTS else []
    tried = [Replacement(near, name), *written, *(Replacement(other, name) for other in VENDOR_DEFAULTS)]
    priced = (each for each in tried if card.quote(PricingKey(each.provider, each.model, at)).problem is None)
    return next(priced, (written or tried)[0])


def planned_tally(name: str, revision: Revision, card: RateCard, at: datetime) -> Planned:
    """A feature's month by its assumptions, on the dearest of its models: an upper figure where it names several."""
    feature = revision.settings.features[name]
    charter, plan = feature.charter, feature.assumptions
    if plan is None:
        return Planned(charter, Tally(), assumed=False)
    tokens = {"input": plan.input_tokens, "output": plan.output_tokens}
    prices = unit_prices(card, at)
    placed = [_placed(card, at, _served(revision.settings, model, "")) for model in charter.named_models]
    costs = [assumed(plan.calls_per_month, tokens, prices(Group(one.provider, one.model))) for one in placed]
    known = [cost for cost in costs if cost is not None]
    cost = max(known) if known and len(known) == len(costs) else None
    return Planned(
        charter, Tally(cost=cost, value=_value(feature), calls=plan.calls_per_month, outcomes=plan.outcomes_per_month), assumed=True
    )


def _value(feature: Feature) -> int | None:
    """What the assumed outcomes are worth by the value models that count units; all of them are taken to succeed."""
    outcomes = feature.assumptions.outcomes_per_month if feature.assumptions is not None else None
    models = [model for model in feature.values if isinstance(model, EARNING)]
    if outcomes is None or not models:
        return None
    return sum(earned(model, Units(everything=outcomes, successful=outcomes)) for model in models)
