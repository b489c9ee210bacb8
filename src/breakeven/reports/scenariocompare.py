"""Scenarios side by side: where each feature ends under each of them, with the same draws."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from breakeven.economics.money import atto, digits
from breakeven.reports.scenariorows import Amount, Part, ScenarioReport, ScenarioRow
from breakeven.reports.words import dollars, percent


class ComparedRow(msgspec.Struct, frozen=True, kw_only=True):
    """One feature at the end of one scenario; `contribution_change` is against the first scenario named."""

    feature: str | None
    label: str
    scenario: str
    months: int
    unit_cost: Amount | None
    cost: Amount
    contribution: Amount | None
    contribution_change: str | None
    margin: Part | None
    stand_still: Part | None
    deflation: str | None


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two or three scenarios."""

    label: str
    currency: str
    scenarios: Sequence[str]
    rows: Sequence[ComparedRow]
    sentence: str


def comparison(reports: Sequence[ScenarioReport]) -> Comparison:
    """The ends of the same features under several scenarios, feature by feature, scenarios in the order named."""
    first = reports[0]
    rows = []
    for label in dict.fromkeys(row.label for report in reports for row in _all(report)):
        base = next((row for row in _all(first) if row.label == label), None)
        for report in reports:
            rows += [_row(row, base, report) for row in _all(report) if row.label == label]
    return Comparison(
        label=first.label, currency=first.currency, scenarios=[one.name for one in reports], rows=rows, sentence=_sentence(reports)
    )


def _all(report: ScenarioReport) -> list[ScenarioRow]:
    return [*report.rows, *([report.total] if report.total is not None else [])]


def _row(row: ScenarioRow, base: ScenarioRow | None, report: ScenarioReport) -> ComparedRow:
    end = row.points[-1]
    return ComparedRow(
        feature=row.feature,
        label=row.label,
        scenario=report.name,
        months=end.months,
        unit_cost=end.unit_cost,
        cost=end.cost,
        contribution=end.contribution,
        contribution_change=None if base is None else _change(row, base),
        margin=end.margin,
        stand_still=row.stand_still,
        deflation=row.deflation,
    )


def _change(row: ScenarioRow, base: ScenarioRow) -> str | None:
    now, then = row.points[-1].contribution, base.points[-1].contribution
    return None if now is None or then is None else digits(atto(now.point) - atto(then.point))


def _sentence(reports: Sequence[ScenarioReport]) -> str:
    """The margin of everything at the end of each."""
    parts = []
    for report in reports:
        whole = report.total or (report.rows[0] if report.rows else None)
        if whole is None:
            return f"There is nothing to compare: no feature has cost or value in {report.label}."
        end = whole.points[-1]
        margin = None if end.margin is None else end.margin.point
        said = f"costs {dollars(atto(end.cost.point))}" if margin is None else f"a margin of {percent(margin)}"
        parts.append(f"{report.name}: {said} a month after {end.months} months")
    return "; ".join(parts) + "."
