"""Scenarios as a person reads them in a terminal: the path with bands, what is assumed, what matters, and what acting is worth."""

from __future__ import annotations

from collections.abc import Sequence

import click
import msgspec

from breakeven.cli.drawing import heading
from breakeven.cli.tables import UNKNOWN, Column, draw, each, margin, money
from breakeven.reports.deflation import DeflationReport
from breakeven.reports.scenariocompare import Comparison
from breakeven.reports.scenariolist import ScenarioList
from breakeven.reports.scenariorows import (
    ActRow,
    Amount,
    DriverRow,
    FigureRow,
    MultiplierRow,
    Part,
    Point,
    ScenarioReport,
    ScenarioRow,
)
from breakeven.reports.words import MINUS

_MONTHS = 12
_SHOWN_SWINGS = 5
_BAR = 24
_CERTAIN = 1e-9
_SHOWN_CHANGE = 0.0005


class FlatPoint(msgspec.Struct, frozen=True, kw_only=True):
    """One feature at one time, for CSV."""

    scenario: str
    feature: str | None
    kind: str
    months: int
    tasks: float | None
    unit_cost: Amount | None
    cost: Amount
    value: Amount | None
    contribution: Amount | None
    margin: Part | None
    deflation: str | None


def flat(report: ScenarioReport) -> list[FlatPoint]:
    """A row for each feature and time."""
    rows = [*report.rows, *([report.total] if report.total is not None else [])]
    return [
        FlatPoint(
            scenario=report.name,
            feature=row.feature,
            kind=row.kind,
            deflation=row.deflation,
            **{name: getattr(point, name) for name in Point.__struct_fields__},
        )
        for row in rows
        for point in row.points
    ]


def draw_scenario(report: ScenarioReport) -> None:
    """The path of every feature; one feature alone also with its drivers, tornado, break-even factors and what acting is worth."""
    heading(f"Scenario: {report.name}", f"from {report.label}", report.currency)
    if not report.rows:
        click.echo(report.sentence)
        return
    _draw_paths([*report.rows, *([report.total] if report.total is not None else [])])
    if len(report.rows) == 1:
        _draw_one(report.rows[0])
    else:
        _draw_waiting(report.rows)
    click.echo(f"\n{report.sentence}")
    for one in report.public_figures:
        click.echo(f"Public figure used: {figure(one)}")
    click.echo(f"Next: {_next(report)}", err=True)


def _draw_paths(rows: Sequence[ScenarioRow]) -> None:
    """Now and after each year."""
    years = [point.months for point in rows[0].points if point.months % _MONTHS == 0]
    columns = [Column("", [row.label for row in rows], left=True)]
    for months in years:
        head = "now" if months == 0 else f"+{months} mo"
        found = [next((point for point in row.points if point.months == months), None) for row in rows]
        columns += [
            Column(
                f"per task {head}",
                [UNKNOWN if one is None or one.unit_cost is None else each(one.unit_cost.point) for one in found],
            ),
            Column("90%", ["" if months == 0 else _band(one.unit_cost if one else None) for one in found], drop=2),
            Column(f"margin {head}", [UNKNOWN if one is None or one.margin is None else margin(one.margin.point) for one in found]),
            Column("90%", ["" if months == 0 else _part(one.margin if one else None) for one in found], drop=2),
            Column(f"cost {head}", [UNKNOWN if one is None else money(one.cost.point) for one in found], drop=3),
        ]
    draw(columns, marked={index: "total" for index, row in enumerate(rows) if row.kind == "total"})


def _draw_waiting(rows: Sequence[ScenarioRow]) -> None:
    """What each feature needs, what it has seen, and what waiting a quarter costs."""
    click.echo("")
    draw(
        [
            Column("", [row.label for row in rows], left=True),
            Column("needed to stand still", [_fall(row.stand_still) for row in rows]),
            Column("prices seen", [_signed(row.price_change) for row in rows]),
            Column("tokens per task", [_signed(_driver(row, "tokens")) for row in rows], drop=2),
            Column("acting saves/month", [UNKNOWN if row.act is None else money(row.act.saves_per_month) for row in rows], drop=1),
            Column("a quarter's wait", [UNKNOWN if row.act is None else money(row.act.a_quarter_later.point) for row in rows]),
            Column(
                "if nobody acts", [UNKNOWN if row.deflation in (None, "unknown") else str(row.deflation) for row in rows], left=True
            ),
        ]
    )


def _draw_one(row: ScenarioRow) -> None:
    click.echo(f"\nNeeded to stand still: prices {_fall(row.stand_still)} a year; seen: {_signed(row.price_change)}.")
    click.echo("\nAssumed, per year:")
    _draw_drivers(row.drivers)
    if row.tornado:
        click.echo(f"\nWhat matters most for the {row.tornado_of} at the end (* no range: a tenth either way):")
        _draw_tornado(row)
    click.echo("\nBreaks even at: " + "; ".join(_multiplier(one) for one in row.multipliers) + ".")
    if row.act is not None:
        click.echo(f"\n{_acted(row.act)}")


def _draw_drivers(drivers: Sequence[DriverRow]) -> None:
    draw(
        [
            Column("", [_name(one.driver) for one in drivers], left=True),
            Column("change", [_signed(one.change) for one in drivers]),
            Column("90%", [_range(one.change) for one in drivers]),
            Column("from", [one.origin for one in drivers], left=True),
            Column("rests on", [one.rests_on for one in drivers], drop=2, left=True),
            Column(
                "history",
                [UNKNOWN if one.history is None else f"{_signed(one.history)} ({_range(one.history)})" for one in drivers],
                drop=1,
            ),
        ]
    )


def _draw_tornado(row: ScenarioRow) -> None:
    shown = row.tornado[:_SHOWN_SWINGS]
    widest = max(abs(one.at_high - one.at_low) for one in shown)
    said = margin if row.tornado_of == "margin" else lambda value: each(f"{value:.9f}")
    draw(
        [
            Column("", [_name(one.driver) + ("*" if one.assumed else "") for one in shown], left=True),
            Column("at its low", [said(one.at_low) for one in shown]),
            Column("at its high", [said(one.at_high) for one in shown]),
            Column("", ["━" * max(1, round(abs(one.at_high - one.at_low) / widest * _BAR)) for one in shown], drop=1, left=True),
        ]
    )


def _acted(act: ActRow) -> str:
    lines = [f"Acting: {act.label}" + ("" if act.declared else " (not declared; unproven, for comparison)")]
    lines.append(f"  saves now        {money(act.saves_per_month)} a month")
    lines.append(f"  a quarter's wait {money(act.a_quarter_later.point)} ({_band(act.a_quarter_later)})")
    for word, unit, share in (
        ("at the end", act.unit_cost_acting, act.margin_acting),
        ("if waiting", act.unit_cost_waiting, act.margin_waiting),
    ):
        lines.append(f"  {word:<16} {each(unit)} per task, margin {margin(share)}")
    return "\n".join(lines)


def _multiplier(one: MultiplierRow) -> str:
    if one.factor is None:
        said = {"never": "no factor helps", "always": "any factor earns", "unknown": UNKNOWN}[one.side]
        return f"{one.driver}: {said}"
    return f"{one.driver} {one.side} ×{one.factor:.2f}"


def _name(driver: str) -> str:
    return driver.replace("price:", "price of ").replace("own_price", "own price").replace("fixed_cost", "fixed cost")


def _driver(row: ScenarioRow, name: str) -> Part | None:
    return next((one.change for one in row.drivers if one.driver == name), None)


def _fall(part: Part | None) -> str:
    """A fall in percent; a rise that prices may take is said as one."""
    if part is None or part.point is None:
        return UNKNOWN
    return f"{MINUS}{margin(part.point)}" if part.point >= 0 else f"+{margin(-part.point)}"


def _signed(part: Part | None) -> str:
    if part is None or part.point is None:
        return UNKNOWN
    if abs(part.point) < _SHOWN_CHANGE:
        return margin(0.0)
    return ("+" if part.point > 0 else "") + margin(part.point)


def _range(part: Part) -> str:
    if part.low is None or part.high is None or abs(part.high - part.low) < _CERTAIN:
        return UNKNOWN
    return f"{_signed(Part(part.low, None, None))} to {_signed(Part(part.high, None, None))}"


def _band(found: Amount | None) -> str:
    if found is None:
        return UNKNOWN
    return UNKNOWN if found.low == found.high else f"{money(found.low)}–{money(found.high)}"


def _part(found: Part | None) -> str:
    if found is None or found.low is None or found.high is None or abs(found.high - found.low) < _CERTAIN:
        return UNKNOWN
    return f"{margin(found.low)} to {margin(found.high)}"


def figure(one: FigureRow) -> str:
    """A public figure with what it says, about what, by whom and when."""
    size = f"{one.low:.3g}" if one.low == one.high else f"{one.low:.3g} to {one.high:.3g}"
    return f"{one.says} {size} ({one.source}, {one.published}: {one.scope})"


def draw_list(found: ScenarioList) -> None:
    """Scenarios by name, then the public figures."""
    draw(
        [
            Column("scenario", [row.name for row in found.rows], left=True),
            Column("says", [row.fault or row.says for row in found.rows], left=True),
            Column("from", [row.source for row in found.rows], left=True, drop=2),
            Column("meaning", [row.why or "" for row in found.rows], left=True, drop=1),
        ]
    )
    click.echo("\nPublic figures, used only where a ledger is silent (factors):")
    for one in found.public_figures:
        click.echo(f"  {figure(one)}")
    click.echo(f"\n{found.sentence}")


def draw_comparison(found: Comparison) -> None:
    """Where each feature ends under each scenario."""
    click.echo(f"Scenarios · from {found.label} · {found.currency}")
    if found.rows:
        draw(
            [
                Column("", [row.label for row in found.rows], left=True),
                Column("scenario", [row.scenario for row in found.rows], left=True),
                Column("months", [str(row.months) for row in found.rows], drop=3),
                Column("per task", [UNKNOWN if row.unit_cost is None else each(row.unit_cost.point) for row in found.rows]),
                Column("margin", [UNKNOWN if row.margin is None else margin(row.margin.point) for row in found.rows]),
                Column("90%", [_part(row.margin) for row in found.rows], drop=2),
                Column(
                    "keeps a month",
                    [UNKNOWN if row.contribution is None else money(row.contribution.point) for row in found.rows],
                    drop=1,
                ),
                Column("against the first", [money(row.contribution_change, signed=True) for row in found.rows], drop=1),
            ]
        )
    click.echo(found.sentence)


def draw_deflation(found: DeflationReport) -> None:
    """Both paths step by step, and what they say."""
    for path in dict.fromkeys(step.path for step in found.steps):
        steps = [step for step in found.steps if step.path == path]
        click.echo(f"{path.capitalize()}:")
        draw(
            [
                Column("from", [step.day for step in steps], left=True),
                Column("model", [step.model for step in steps], left=True),
                Column("score", [margin(step.score) for step in steps]),
                Column("per success", [each(step.cost_of_a_success) for step in steps]),
            ]
        )
        click.echo("")
    click.echo(found.sentence)
    if found.unpriced:
        click.echo(f"{found.unpriced} of {found.results} results say no cost and are left out.")


def _next(report: ScenarioReport) -> str:
    losing = next((row for row in report.rows if row.deflation in ("not saved", "undecided", "turns red", "at risk")), None)
    if losing is not None and len(report.rows) > 1:
        return f"breakeven scenario --feature '{losing.label}'"
    return "breakeven scenario compare discipline newest-frontier"
