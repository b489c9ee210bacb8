"""How does cost grow with adoption, what does the next unit cost, and at which adoption does a feature break even?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from breakeven.economics.money import ATTO, digits
from breakeven.economics.pnl import Tally, per
from breakeven.economics.scaling import Crossing, Level, Response, crossing, pace, proportional, response
from breakeven.reports.question import Facts, Question, Remembering
from breakeven.reports.scalingdetail import detail_of
from breakeven.reports.scalingfacts import Step, Uptakes, adoption_of, customers_of, panel_of, uptakes
from breakeven.reports.scalingfigures import Known, incremental, marginal, scaled, span_of
from breakeven.reports.scalingrows import Passed, Scaling, ScalingRow
from breakeven.reports.scalingwords import FORMULA, row_sentence, scaling_sentence, unit_of
from breakeven.reports.trail import instant
from breakeven.settings import CURRENCY, Settings

_ALIKE = 1e-9


def scaling(ledger: Facts, settings: Settings, question: Question, step: Step | None = None) -> Scaling:
    """Every feature's elasticity, marginal figures and break-even adoption; of a single one also curve, drivers and split."""
    ledger = Remembering(ledger)
    known = uptakes(ledger, settings, question, step)
    if known is None:
        return _nothing(question)
    single = len(question.filters) == 1 and question.filters[0][0] == "feature"
    found = [_known(known, name) for name in known.features]
    rows = [_row(known, one, settings) for one in found]
    detail = detail_of(ledger, known, found[0], rows[0]) if single and found else None
    return Scaling(
        period=question.period.name,
        label=question.period.label,
        start=f"{known.steps[0].start:%Y-%m-%d}",
        end=f"{known.steps[-1].end:%Y-%m-%d}",
        step=known.step,
        now=known.steps[-1].name,
        currency=CURRENCY,
        rows=rows,
        detail=detail,
        sentence=scaling_sentence(rows, question.period.label, question.filters[0][1] if single else None),
        trail={
            "formula": FORMULA,
            "steps": [one.name for one in known.steps],
            "cells": {row.feature: row.cells for row in rows},
            "share_of_cost_used": {row.feature: row.share_of_cost_used for row in rows},
            "unpriced_calls": {row.feature: row.unpriced_calls for row in rows},
            "recorded_as_of": instant(question.as_of),
            "notes": ["descriptive: adoption was not randomised, so that no cause is claimed", *_cut_short(known)],
        },
    )


def _nothing(question: Question) -> Scaling:
    return Scaling(
        period=question.period.name,
        label=question.period.label,
        start=None,
        end=None,
        step=None,
        now=None,
        currency=CURRENCY,
        rows=[],
        detail=None,
        sentence="There are no facts of that time: nothing can be said of how cost grows.",
        trail={"formula": FORMULA},
    )


def _cut_short(known: Uptakes) -> list[str]:
    """Whether the last step is not over."""
    last, lengths = known.steps[-1], {"month": 28, "week": 7, "day": 1}
    return [f"the {known.step} {last.name} is not whole"] if (last.end - last.start).days < lengths[known.step] else []


def _known(known: Uptakes, feature: str) -> Known:
    steps = known.by_step(feature)
    measure = "outcomes" if any(tally.outcomes for tally in steps) else "calls"
    customers = customers_of(known, feature)
    adoption = adoption_of(known, feature, measure)
    panel = panel_of(known, feature, customers, "cost", adoption)
    last = len(steps) - 1
    cost = response(panel, last, len(customers)) if len(panel.cost) else None
    value = None if cost is None else _value_response(known, feature, customers, adoption, last, cost)
    return Known(feature, measure, steps, customers, panel, cost, value, _level(steps[-1], measure))


def _level(tally: Tally, measure: str) -> Level | None:
    adoption = getattr(tally, measure) or 0
    if not tally.cost or tally.cost < 0 or adoption <= 0:
        return None
    return Level(tally.cost / ATTO, float(adoption), None if tally.value is None else tally.value / ATTO)


def _value_response(
    known: Uptakes, feature: str, customers: Sequence[str], adoption: Mapping[tuple[str, int], float], last: int, cost: Response
) -> Response | None:
    """How value answers adoption: in proportion where every unit is worth the same in its step, else by the same regression."""
    panel = panel_of(known, feature, customers, "value", adoption)
    if not len(panel.cost) or panel.cost.max() <= 0:
        return None
    each = panel.cost / panel.adoption
    by_step = np.bincount(panel.period, each) / np.maximum(np.bincount(panel.period), 1)
    if np.abs(each - by_step[panel.period]).max() <= _ALIKE * each.max():
        return proportional(len(customers), cost)
    return response(panel, last, len(customers))


def _row(known: Uptakes, one: Known, settings: Settings) -> ScalingRow:
    tally, adoption = one.steps[-1], int(getattr(one.steps[-1], one.measure) or 0)
    interval = one.cost.interval() if one.cost else None
    meets, steeply = _crossings(one)
    row = ScalingRow(
        feature=one.feature,
        unit=unit_of(settings, one.feature, one.measure),
        measure=one.measure,
        adoption=adoption,
        customers=len(one.customers),
        cells=len(one.panel.cost),
        cost=digits(tally.cost),
        value=digits(tally.value),
        average_cost=digits(per(tally.cost, adoption)),
        average_value=digits(per(tally.value, adoption)),
        incremental_cost=incremental(one, len(one.steps) - 1),
        elasticity=span_of(interval),
        pace=pace(interval),
        marginal_cost=marginal(one.level.cost, one.level.adoption, one.cost) if one.level and one.cost and interval else None,
        marginal_value=marginal(one.level.value, one.level.adoption, one.value)
        if one.level and one.level.value and one.value and interval
        else None,
        break_even=scaled(meets.at, adoption),
        marginal_break_even=scaled(steeply.at, adoption),
        why_not=meets.why or None,
        passed=_passed(known, one),
        share_of_cost_used=_used(one),
        unpriced_calls=sum(step.unknown_calls for step in one.steps),
        sentence="",
    )
    return msgspec.structs.replace(row, sentence=row_sentence(row, known))


def _crossings(one: Known) -> tuple[Crossing, Crossing]:
    if one.level is None:
        silent = Crossing(None, "the last step has no known cost, or no adoption")
    elif one.cost is None:
        silent = Crossing(None, "adoption does not vary enough between customers and steps")
    elif one.value is None:
        silent = Crossing(None, "no value above 0 is known")
    else:
        return crossing(one.level, one.cost, one.value), crossing(one.level, one.cost, one.value, marginal=True)
    return silent, silent


def _used(one: Known) -> float | None:
    whole = sum(tally.cost or 0 for tally in one.steps)
    return float(one.panel.cost.sum()) * ATTO / whole if whole > 0 else None


def _passed(known: Uptakes, one: Known) -> Passed | None:
    """The last two neighbouring steps between which average cost passed average value, either way."""
    found = None
    for at in range(1, len(one.steps)):
        before, now = one.steps[at - 1], one.steps[at]
        sides = [None if t.cost is None or t.value is None else t.cost - t.value for t in (before, now)]
        counted = [int(getattr(t, one.measure) or 0) for t in (before, now)]
        if sides[0] is None or sides[1] is None or min(counted) <= 0 or (sides[0] > 0) == (sides[1] > 0):
            continue
        found = Passed(known.steps[at - 1].name, known.steps[at].name, counted[0], counted[1], sides[1] > 0)
    return found
