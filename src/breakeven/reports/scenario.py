"""What happens to unit cost and margin if prices, tokens per task, adoption and mix move; and does waiting for lower prices help?

Each feature starts from its month as the ledger has it. What the scenario does not say is taken from the feature's own history,
else from that of all features, else from public figures; each driver says which. Beside the path: the price fall that would let
the cost of a task stand still, what a quarter of waiting costs against acting now, what matters most, where the feature breaks
even, and whether falling prices alone would save it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add

import msgspec
import numpy as np
from numpy.typing import NDArray

from breakeven.economics.scenario.closed import cost_index, helps_to_wait, multipliers, needed_within, stand_still
from breakeven.economics.scenario.model import PRICE, Baseline, Inputs, Path, middle, price_of
from breakeven.economics.scenario.public import price_of_tier, tokens_per_task
from breakeven.economics.scenario.ranges import MONTHS, Range, held
from breakeven.economics.scenario.simulate import (
    DRAWS,
    Run,
    chances,
    run,
    saved_by_deflation,
    tornado,
    waiting,
)
from breakeven.errors import UsageError
from breakeven.reports.pnl import bounded
from breakeven.reports.question import Facts, Question, Remembering
from breakeven.reports.reconciled import tie
from breakeven.reports.scenariofacts import FeatureFacts, Known, known_of
from breakeven.reports.scenariofigures import amount, change_of, driver_rows, exact, exact_or_none, figures, points, without_tasks
from breakeven.reports.scenariomoves import Act, Prices, acts, one_rung_down
from breakeven.reports.scenariorows import ActRow, FigureRow, MultiplierRow, Part, ScenarioReport, ScenarioRow, SwingRow
from breakeven.reports.scenariowords import feature_sentence, report_sentence
from breakeven.reports.trail import complement, nobody, prices, shares
from breakeven.settings import CURRENCY, Settings
from breakeven.settings.scenarios import EVERY_TIER, Scenario
from breakeven.yamlfields import suggestion

Floats = NDArray[np.float64]
A_QUARTER = MONTHS // 4
FORMULA: Mapping[str, str] = {
    "cost": "tasks · tokens^t · mix^t · Σ over tiers of cost · price^t, t in years",
    "value": "own price^t · (value per task · tasks + revenue of seats · seats^t)",
    "stand_still": "1 − 1 / tokens per task",
    "band": f"5% and 95% quantiles of {DRAWS:,} draws; the point is the path of all middles",
    "a_quarter_later": "Σ of three months' cost with the moves a quarter from now − the same with the moves now",
    "deflation": "saved, turns red, ...: at least 95% of the draws agree on the sign of value − cost at the end, without any move",
}


@dataclass(frozen=True, slots=True)
class _Found:
    """One feature under the scenario."""

    facts: FeatureFacts
    inputs: Inputs
    path: Run
    row: ScenarioRow


def scenario(ledger: Facts, settings: Settings, question: Question, asked: Scenario, book: Prices) -> ScenarioReport:
    """One scenario on every feature of a question (or on those that the scenario names)."""
    ledger = Remembering(ledger)
    question = bounded(ledger, replace(question, by=("feature",), versus=None))
    known = known_of(ledger, settings, question, book.at)
    meant = _meant(known, asked)
    moved = acts(meant, asked, book)
    found = [_found(facts, known, asked, moved[facts.feature]) for facts in meant]
    found.sort(key=lambda one: (one.facts.feature is None, -one.facts.base.cost, one.facts.feature or ""))
    rows = [one.row for one in found]
    badges = shares(known.total.total, nobody(ledger, question), tie(ledger, question))
    return ScenarioReport(
        name=asked.name,
        source=asked.source,
        why=asked.why,
        period=question.period.name,
        label=question.period.label,
        currency=CURRENCY,
        years=asked.years,
        seed=asked.seed,
        draws=DRAWS,
        rows=rows,
        total=_total(found) if len(found) > 1 else None,
        public_figures=_figures_used(found, asked),
        sentence=report_sentence(question.period.label, rows, asked.years),
        trail={
            "formula": FORMULA,
            "rows": {
                "calls": known.total.total.calls,
                "cost_lines": known.total.total.lines,
                "months_of_history": len(known.months),
            },
            "history": {"start": f"{known.months[0].start:%Y-%m-%d}", "end": f"{known.months[-1].end:%Y-%m-%d}"}
            if known.months
            else None,
            "brought_to_a_month": known.partial,
            "price_versions": prices(ledger, question).versions,
            "share_unpriced": complement(badges.priced),
            "share_unattributed": complement(badges.attributed),
        },
    )


def monthly_plan(ledger: Facts, settings: Settings, question: Question, asked: Scenario, book: Prices) -> dict[str | None, Path]:
    """The middle path of every feature, month by month: what a scenario is adopted as. The first column is the next month.

    A plan has all features: one that the scenario is not about goes on as its history has it.
    """
    ledger = Remembering(ledger)
    known = known_of(ledger, settings, bounded(ledger, replace(question, by=("feature",), versus=None)), book.at)
    meant = _meant(known, asked)
    moved = acts(meant, asked, book)
    times = np.arange(1, asked.years * MONTHS + 1) / MONTHS
    usual = replace(asked, features=(), drivers={}, down=0.0, moves=())
    found = {}
    for facts in _meant(known, usual):
        inputs = (
            _inputs(facts, known, asked, moved[facts.feature]) if facts.feature in moved else _inputs(facts, known, usual, Act())
        )
        found[facts.feature] = middle(facts.base, inputs, times)
    return found


def _meant(known: Known, asked: Scenario) -> list[FeatureFacts]:
    """The features a scenario is about. Raises UsageError for one that the period has not."""
    usual = [facts for facts in known.features if facts.base.cost > 0 or facts.base.value]
    names = [facts.feature for facts in usual if facts.feature is not None]
    for name in asked.features:
        if name not in names:
            raise UsageError(f"no feature {name!r} has cost or value in this period", suggestion(name, names))
    return [facts for facts in usual if not asked.features or facts.feature in asked.features]


def _found(facts: FeatureFacts, known: Known, asked: Scenario, act: Act) -> _Found:
    inputs = _inputs(facts, known, asked, act)
    months = range(0, asked.years * MONTHS + 1, A_QUARTER)
    path = run(facts.base, inputs, tuple(months), asked.seed)
    return _Found(facts, inputs, path, _row(facts, asked, inputs, act, path))


def _inputs(facts: FeatureFacts, known: Known, asked: Scenario, act: Act) -> Inputs:
    """Each driver from the first that speaks: the scenario, the feature's history, that of all features, public figures."""
    tiers = dict.fromkeys([*facts.base.tiers, *(move.to for move in act.moves if move.to is not None)])
    ranges = {price_of(tier): _price(tier, facts, known, asked) for tier in tiers}
    ranges["tokens"] = asked.drivers.get("tokens") or facts.ranges.get("tokens") or tokens_per_task().range
    ranges["volume"] = asked.drivers.get("volume") or facts.ranges.get("volume") or held("no history of seven whole months")
    ranges["mix"] = asked.drivers.get("mix") or held("the mix stays as it is")
    ranges["own_price"] = asked.drivers.get("own_price") or held("the own price stays")
    ranges["fixed_cost"] = asked.drivers.get("fixed_cost") or held("fixed cost stays")
    ranges["seats"] = asked.drivers.get("seats") or _seats(facts)
    own = all(ranges[name].origin == "ledger" for name in ("tokens", *(price_of(tier) for tier in facts.base.tiers)))
    return Inputs(ranges, act.moves, 0.0, facts.together if own else 0.0)


def _price(tier: str, facts: FeatureFacts, known: Known, asked: Scenario) -> Range:
    name = price_of(tier)
    said = asked.drivers.get(name) or asked.drivers.get(price_of(EVERY_TIER))
    return said or facts.ranges.get(name) or known.tiers.get(tier) or price_of_tier(tier).range


def _seats(facts: FeatureFacts) -> Range:
    if not facts.base.flat_value:
        return held("no revenue of seats")
    return facts.ranges.get("seats") or held("no history of seven whole months")


def _row(facts: FeatureFacts, asked: Scenario, inputs: Inputs, act: Act, path: Run) -> ScenarioRow:
    base, waits = facts.base, replace(inputs, moves=())
    ends = chances(path if not inputs.moves else run(base, waits, (0, asked.years * MONTHS), asked.seed))
    tokens = inputs.range("tokens")
    price, per_task = _paid(base, inputs), tokens.mid * inputs.range("mix").mid
    row = ScenarioRow(
        feature=facts.feature,
        kind="group" if facts.feature is not None else "unattributed",
        label=facts.feature or "Unattributed",
        task="outcome" if facts.by_outcomes else "call",
        points=points(path),
        stand_still=Part(stand_still(tokens.mid), stand_still(tokens.low), stand_still(tokens.high)),
        price_change=change_of(facts.price_paid) if facts.price_paid is not None else None,
        price_assumed=price - 1,
        unit_cost_change=cost_index(price, per_task, 1.0) - 1 if base.unit_cost else None,
        waiting_helps=helps_to_wait(price, per_task),
        break_even_within_a_year=needed_within(base, tokens.mid, inputs.range("own_price").mid, 1.0),
        drivers=driver_rows(inputs.of(base), facts.ranges),
        multipliers=[MultiplierRow(one.driver, one.side, one.factor) for one in multipliers(base)],
        act=_act(facts, inputs, act if act.declared else one_rung_down(facts), asked),
        tornado=[SwingRow(one.driver, one.at_low, one.at_high, one.assumed) for one in tornado(base, inputs, asked.years)],
        tornado_of="margin" if (base.value or 0) > 0 else "unit cost",
        deflation=saved_by_deflation(base, ends),
        chance_of_cheaper_tasks=ends.falls,
        chance_of_red=ends.red,
    )
    return msgspec.structs.replace(row, sentence=feature_sentence(row, asked.years))


def _paid(base: Baseline, inputs: Inputs) -> float:
    """The price factor of a year over all that the feature buys, each tier by what is spent there now."""
    spent = math.fsum(cost * inputs.range(price_of(tier)).mid for tier, cost in base.tiers.items())
    return spent / base.cost if base.cost > 0 else 1.0


def _act(facts: FeatureFacts, inputs: Inputs, act: Act, asked: Scenario) -> ActRow | None:
    """Acting against waiting; None where there is nothing to move."""
    base = facts.base
    if not act.moves:
        return None
    acting = replace(inputs, moves=act.moves)
    times = np.array([0.0, float(asked.years)])
    waits, acts_ = middle(base, replace(inputs, moves=()), times), middle(base, acting, times)
    lost = waiting(base, acting, asked.seed)
    return ActRow(
        label=act.label,
        declared=act.declared,
        saves_per_month=exact(act.saves),
        a_quarter_later=amount(lost.point, lost.low, lost.high),
        unit_cost_now=exact_or_none(_figure(waits.unit_cost, 0)),
        unit_cost_acting=exact_or_none(_figure(acts_.unit_cost, 1)),
        unit_cost_waiting=exact_or_none(_figure(waits.unit_cost, 1)),
        margin_now=_figure(waits.margin, 0),
        margin_acting=_figure(acts_.margin, 1),
        margin_acting_now=None if not base.value else 1 - (base.cost - act.saves) / base.value,
        margin_waiting=_figure(waits.margin, 1),
    )


def _figure(line: Floats | None, at: int) -> float | None:
    return None if line is None or not np.isfinite(line[0, at]) else float(line[0, at])


def _total(found: Sequence[_Found]) -> ScenarioRow:
    """All features together: what one draw does to a price it does to all of them."""
    return ScenarioRow(
        feature=None, kind="total", label="Total", task="", points=without_tasks(points(reduce(add, (one.path for one in found))))
    )


def _figures_used(found: Sequence[_Found], asked: Scenario) -> list[FigureRow]:
    """The public figures that some driver rests on."""
    used = list(asked.figures)
    for one in found:
        for name, assumed in one.inputs.of(one.facts.base).items():
            if assumed.origin == "public":
                used += (tokens_per_task() if name == "tokens" else price_of_tier(name.removeprefix(PRICE))).figures
    return figures(used)
