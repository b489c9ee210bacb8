"""What do the ladders save? Which rung answered, what that cost with all that was tried, and what the baseline would have cost.

    saving = baseline − cost, over calls for which both are known

The cost of a call is that of all its attempts: rejected answers, second opinions and judges count against the saving. Calls held at
the last rung as control cost what the feature costs without its ladder; the difference of the means is a second, measured figure
that depends on no baseline.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from breakeven.economics.money import digits
from breakeven.economics.periods import Period
from breakeven.economics.pnl import per
from breakeven.reports.question import Facts, statement, whole
from breakeven.reports.words import count, dollars, percent
from breakeven.settings import CURRENCY, Settings

WHOLE = "ladder"
"""In the place of a rung: what held for a call as a whole, such as `control`."""
MOST_REASONS = 8
"""Reasons shown of one rung."""
FORMULA = {
    "saving": "baseline - cost, over calls for which both are known; cost is that of all attempts of a call",
    "baseline": "the price of the same tokens on the declared baseline; estimated where a rung meters none: the median of what"
    " calls of the same feature and template would have cost",
    "measured_saving_per_call": "mean cost of control calls - mean cost of all others",
}


class RungRow(msgspec.Struct, frozen=True, kw_only=True):
    """One rung of one feature. `beside_cost` is the part of the cost that went to answers the caller did not get."""

    feature: str | None
    rung: str | None
    calls: int
    share: float
    failed_calls: int
    cost: str | None
    beside_cost: str | None
    baseline: str | None
    baseline_estimated: str | None
    saving: str | None
    uncompared_calls: int
    latency_ms: int | None


class ReasonRow(msgspec.Struct, frozen=True, kw_only=True):
    """Why a rung did not answer, and how often. Digits in the reason are replaced by `#`."""

    feature: str | None
    rung: str
    why: str
    calls: int


class LadderRow(msgspec.Struct, frozen=True, kw_only=True):
    """One feature: figures over all its rungs, and what the control calls show. Null is unknown."""

    feature: str | None
    declared: str | None
    calls: int
    without_model_share: float | None
    cost: str | None
    beside_cost: str | None
    baseline: str | None
    baseline_estimated: str | None
    saving: str | None
    saving_share: float | None
    uncompared_calls: int
    control_calls: int
    control_cost_per_call: str | None
    cost_per_call: str | None
    measured_saving_per_call: str | None


class LadderReport(msgspec.Struct, frozen=True, kw_only=True):
    """All ladders of a period, or one of them with its rungs and reasons."""

    period: str
    label: str
    currency: str
    rows: Sequence[LadderRow]
    rungs: Sequence[RungRow]
    reasons: Sequence[ReasonRow]
    sentence: str
    trail: Mapping[str, Any]


class _Cell(NamedTuple):
    feature: str | None
    rung: str | None
    control: bool
    calls: int
    failed: int
    cost: Decimal | None
    beside: Decimal | None
    cost_unknown: int
    baseline: Decimal | None
    estimated: Decimal | None
    compared_cost: Decimal | None
    uncompared: int
    latency_ms: int | None


@dataclass(slots=True)
class _Sum:
    """Cells added up, in atto-units."""

    calls: int = 0
    failed: int = 0
    cost: int = 0
    beside: int = 0
    unknown: int = 0
    baseline: int = 0
    estimated: int = 0
    compared_cost: int = 0
    uncompared: int = 0
    slowest_ms: int | None = None

    def add(self, cell: _Cell) -> None:
        """Take one cell in."""
        self.calls += cell.calls
        self.failed += cell.failed
        self.cost += whole(cell.cost)
        self.beside += whole(cell.beside)
        self.unknown += cell.cost_unknown
        self.baseline += whole(cell.baseline)
        self.estimated += whole(cell.estimated)
        self.compared_cost += whole(cell.compared_cost)
        self.uncompared += cell.uncompared
        if cell.latency_ms is not None:
            self.slowest_ms = max(cell.latency_ms, self.slowest_ms or 0)

    @property
    def known_cost(self) -> int | None:
        """None where no call has a known cost."""
        return None if self.unknown and self.unknown == self.calls else self.cost

    @property
    def known_baseline(self) -> int | None:
        """None where no call can be compared."""
        return None if self.uncompared == self.calls else self.baseline

    @property
    def saving(self) -> int | None:
        """Baseline less cost, over the calls that can be compared."""
        return None if self.uncompared == self.calls else self.baseline - self.compared_cost


def ladders(ledger: Facts, settings: Settings, period: Period, feature: str | None = None) -> LadderReport:
    """What the ladders of a period have done; `feature`: of this one alone."""
    bounds = {"start": period.start, "end": period.end, "feature": feature}
    cells = [_Cell(*row) for row in ledger.query(statement("ladder"), bounds)]
    tried = ledger.query(statement("ladder_tried"), bounds)
    by_feature: dict[str | None, list[_Cell]] = defaultdict(list)
    for cell in cells:
        by_feature[cell.feature].append(cell)
    declared = {name: " → ".join(one.ladder.names) for name, one in settings.features.items() if one.ladder is not None}
    rows = [_row(name, found, declared.get(name or "")) for name, found in by_feature.items()]
    idle = [name for name in declared if name not in by_feature and feature in (None, name)]
    rows = sorted(rows, key=lambda row: -Decimal(row.saving or 0)) + [_row(name, [], declared[name]) for name in idle]
    total = _summed(cells)
    return LadderReport(
        period=period.name,
        label=period.label,
        currency=CURRENCY,
        rows=rows,
        rungs=[rung for name, found in by_feature.items() for rung in _rungs(name, found)],
        reasons=_reasons(tried),
        sentence=_sentence(period, total, feature),
        trail={
            "formula": FORMULA,
            "rows": {"calls": total.calls, "uncompared_calls": total.uncompared, "cost_unknown_calls": total.unknown},
            "baseline_estimated": digits(total.estimated),
            "read_from": "calls and lines",
        },
    )


def _summed(cells: Iterable[_Cell]) -> _Sum:
    total = _Sum()
    for cell in cells:
        total.add(cell)
    return total


def _row(feature: str | None, cells: Sequence[_Cell], declared: str | None) -> LadderRow:
    total = _summed(cells)
    control, others = _summed(cell for cell in cells if cell.control), _summed(cell for cell in cells if not cell.control)
    free = sum(cell.calls for cell in cells if _without_model(cell.rung))
    held, each = _mean(control), _mean(others)
    saving = total.saving
    return LadderRow(
        feature=feature,
        declared=declared,
        calls=total.calls,
        without_model_share=free / total.calls if total.calls else None,
        cost=_digits(total.known_cost if total.calls else None),
        beside_cost=_digits(total.beside if total.calls else None),
        baseline=_digits(total.known_baseline if total.calls else None),
        baseline_estimated=_digits(total.estimated if total.calls else None),
        saving=_digits(saving if total.calls else None),
        saving_share=saving / total.baseline if saving is not None and total.baseline else None,
        uncompared_calls=total.uncompared,
        control_calls=control.calls,
        control_cost_per_call=_digits(held),
        cost_per_call=_digits(each),
        measured_saving_per_call=_digits(None if held is None or each is None else held - each),
    )


def _rungs(feature: str | None, cells: Sequence[_Cell]) -> list[RungRow]:
    by_rung: dict[str | None, _Sum] = defaultdict(_Sum)
    for cell in cells:
        by_rung[cell.rung].add(cell)
    calls = sum(each.calls for each in by_rung.values())
    return [
        RungRow(
            feature=feature,
            rung=rung,
            calls=each.calls,
            share=each.calls / calls,
            failed_calls=each.failed,
            cost=_digits(each.known_cost),
            beside_cost=_digits(each.beside),
            baseline=_digits(each.known_baseline),
            baseline_estimated=_digits(each.estimated),
            saving=_digits(each.saving),
            uncompared_calls=each.uncompared,
            latency_ms=each.slowest_ms,
        )
        for rung, each in sorted(by_rung.items(), key=lambda pair: -pair[1].calls)
    ]


def _reasons(tried: Sequence[tuple[Any, ...]]) -> list[ReasonRow]:
    shown: dict[tuple[str | None, str], int] = defaultdict(int)
    rows: list[ReasonRow] = []
    for feature, rung, why, calls in tried:
        shown[feature, rung] += 1
        if shown[feature, rung] <= MOST_REASONS:
            rows.append(ReasonRow(feature=feature, rung=rung, why=why, calls=calls))
    return rows


def _without_model(rung: str | None) -> bool:
    return rung is not None and (rung == "cache" or rung.startswith("handler:"))


def _mean(total: _Sum) -> int | None:
    known = total.calls - total.unknown
    return None if not known or total.unknown else per(total.cost, known)


def _digits(atto_units: int | None) -> str | None:
    return None if atto_units is None else digits(atto_units)


def _sentence(period: Period, total: _Sum, feature: str | None) -> str:
    whose = "the ladders" if feature is None else f"the ladder of {feature}"
    if not total.calls:
        return f"In {period.label} no call went through {whose}."
    saving = total.saving
    if saving is None:
        return f"In {period.label} {whose} answered {count(total.calls, 'call')}; what the baseline would have cost is not known."
    estimated = f", {dollars(total.estimated)} of it estimated" if total.estimated else ""
    unknown = f" {count(total.uncompared, 'call')} cannot be compared." if total.uncompared else ""
    share = percent(abs(saving) / total.baseline) if total.baseline else percent(None)
    verb = "saved" if saving >= 0 else "cost more by"
    return (
        f"In {period.label} {whose} {verb} {dollars(abs(saving))} ({share}) against a baseline of {dollars(total.baseline)}"
        f"{estimated}; {dollars(total.beside)} of what was spent went to answers nobody got.{unknown}"
    )
