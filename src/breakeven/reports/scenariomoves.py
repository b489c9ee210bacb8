"""Moves down the ladder in money: what work costs now where it is done, and what the same work will cost where it goes.

In this order, what the work will cost is: what the scenario says (`saves`); nothing, on a rung without a model; what its tokens
cost on a named `model` by the price book; what this feature's calls of the same kind, else of any kind, cost on that rung. Whether
the cheaper rung does the work well is not asked here: that is for replays to prove.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from breakeven.economics.money import ATTO
from breakeven.economics.scenario.model import Move
from breakeven.errors import DataError
from breakeven.governance.change import price_of
from breakeven.pricebook import PricingKey
from breakeven.reports.pricechanges import PriceBook
from breakeven.reports.scenariofacts import FeatureFacts, Work
from breakeven.settings.scenarios import MoveSpec, Scenario

FREE = ("handler", "cache", "exact cache")
"""Rungs that answer without a model."""
_ROUNDING = 1e-9
_REQUEST_TOKENS = 1_000
"""A request below every long-context threshold."""


@dataclass(frozen=True, slots=True)
class Act:
    """What is done: the moves, in words, and whether the scenario declares them or they are only tried for comparison."""

    moves: tuple[Move, ...] = ()
    label: str = ""
    declared: bool = False

    @property
    def saves(self) -> float:
        """Per month at today's volume and prices."""
        return sum(move.saves for move in self.moves)


@dataclass(frozen=True, slots=True)
class Prices:
    """The price book, opened only where a move names a model, and the instant at which a model that takes over is priced."""

    book: Callable[[], PriceBook]
    at: datetime


def acts(features: Sequence[FeatureFacts], scenario: Scenario, prices: Prices) -> dict[str | None, Act]:
    """What a scenario moves in each feature. Raises DataError where a move finds no work, or nobody knows what it will cost."""
    found: dict[str | None, Act] = {}
    used: set[MoveSpec] = set()
    for facts in features:
        moved, words, touched = _declared(facts, scenario, prices, used)
        rest = [work for work in facts.works if work.workflow not in touched]
        lower = _lowered(rest, scenario.down) if scenario.down else []
        if lower:
            words.append(f"{scenario.down:.0%} of its dearest work one rung down")
        found[facts.feature] = Act((*moved, *lower), ", ".join(words), declared=bool(moved or lower))
    for spec in scenario.moves:
        if spec not in used:
            raise DataError(f"{spec.where}: this move finds no work", _kinds(features, spec))
    return found


def one_rung_down(facts: FeatureFacts) -> Act:
    """All work of the dearest rung done by the next one that the feature itself uses: what acting could be worth, unproven."""
    moves = tuple(_lowered(facts.works, 1.0))
    rungs = sorted({f"{move.tier} to {move.to}" for move in moves})
    return Act(moves, " and ".join(rungs)) if sum(move.saves for move in moves) > 0 else Act()


def _declared(
    facts: FeatureFacts, scenario: Scenario, prices: Prices, used: set[MoveSpec]
) -> tuple[list[Move], list[str], set[str | None]]:
    moved: list[Move] = []
    words: list[str] = []
    touched: set[str | None] = set()
    left: dict[int, float] = defaultdict(lambda: 1.0)
    for spec in scenario.moves:
        works = [work for work in facts.works if _meant(spec, facts, work)]
        for work in works:
            left[id(work)] -= spec.share
            if left[id(work)] < -_ROUNDING:
                raise DataError(
                    f"{spec.where}: more than all of {work.workflow or work.tier} is moved", "Let the shares sum to 100%."
                )
        if works:
            used.add(spec)
            touched |= {work.workflow for work in works}
            moved += [_moved(facts, work, spec, prices) for work in works]
            words.append(f"{spec.workflow or spec.tier or 'all work'} to {spec.model or spec.to}")
    return moved, words, touched


def _meant(spec: MoveSpec, facts: FeatureFacts, work: Work) -> bool:
    return (
        spec.feature in (None, facts.feature)
        and spec.workflow in (None, work.workflow)
        and (work.tier == spec.tier if spec.tier is not None else work.tier != spec.to)
    )


def _moved(facts: FeatureFacts, work: Work, spec: MoveSpec, prices: Prices) -> Move:
    free = spec.to in FREE
    if spec.saves is not None:
        after = work.cost * (1 - spec.saves)
    elif spec.model is not None:
        after = _repriced(work, spec, prices)
    else:
        after = 0.0 if free else work.calls * _per_call(facts, work, spec)
    return Move(work.tier, None if free else spec.to, work.cost * spec.share, after * spec.share, work.workflow or "")


def _repriced(work: Work, spec: MoveSpec, prices: Prices) -> float:
    """The work's tokens at another model's prices; another tokenizer would count others."""
    provider, slash, name = (spec.model or "").partition("/")
    quote = prices.book().quote(PricingKey(provider, name, prices.at, (), _REQUEST_TOKENS))
    if not slash or quote.problem is not None:
        why = "write it as vendor/model" if not slash else "the price book has no price for it"
        raise DataError(
            f"{spec.where}: the model {spec.model!r} cannot be priced: {why}", "breakeven prices list shows all models."
        )
    units = {name: sum(line.unit_price for line in lines) for name, lines in quote.lines.items()}
    costs = {name: price_of(units, name) for name in work.quantities}
    unknown = [name for name, price in costs.items() if price is None]
    if unknown:
        raise DataError(f"{spec.where}: {spec.model} has no price for {', '.join(unknown)}", "Say what is saved: `saves: 80%`.")
    return math.fsum(quantity * (costs[name] or 0) / ATTO for name, quantity in work.quantities.items())


def _per_call(facts: FeatureFacts, work: Work, spec: MoveSpec) -> float:
    """What a call costs on the rung that the work goes to: of the same kind, or in proportion to all kinds."""
    same = [one for one in facts.works if one.tier == spec.to and one.calls > 0]
    alike = [one for one in same if one.workflow == work.workflow]
    here = [one for one in facts.works if one.tier == work.tier and one.calls > 0]
    if alike:
        return sum(one.cost for one in alike) / sum(one.calls for one in alike)
    if not same or not here or work.calls <= 0:
        remedy = "Say what is saved (`saves: 80%`), or name a `model:` of the price book."
        raise DataError(f"{spec.where}: no call of {facts.feature or 'this work'} ran on {spec.to!r}", remedy)
    ratio = sum(one.cost for one in same) / sum(one.calls for one in same)
    return work.cost / work.calls * ratio / (sum(one.cost for one in here) / sum(one.calls for one in here))


def _lowered(works: Sequence[Work], share: float) -> list[Move]:
    """For each kind of work, this share of what runs on its dearest rung goes to its next one, at what a call costs there."""
    kinds: dict[str | None, list[Work]] = defaultdict(list)
    for work in works:
        if work.calls > 0:
            kinds[work.workflow].append(work)
    found = []
    for kind, each in kinds.items():
        ladder = sorted(each, key=lambda one: -one.cost / one.calls)
        for dear, cheap in list(pairwise(ladder))[:1]:
            after = dear.calls * cheap.cost / cheap.calls
            found.append(Move(dear.tier, cheap.tier, dear.cost * share, after * share, kind or ""))
    return found


def _kinds(features: Sequence[FeatureFacts], spec: MoveSpec) -> str:
    known = sorted(
        {work.workflow for one in features for work in one.works if work.workflow and spec.feature in (None, one.feature)}
    )
    tiers = sorted({work.tier for one in features for work in one.works})
    return f"Kinds of work: {', '.join(known) or 'none recorded'}. Rungs: {', '.join(tiers) or 'none'}."
