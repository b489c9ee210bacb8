"""Scenarios in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from breakeven.economics.money import atto
from breakeven.reports.scenariorows import ActRow, ScenarioRow
from breakeven.reports.words import MINUS, dollars, number_word, percent

_MONTHS = 12
_NOTHING = 0.0005
_A = {"outcome": "an outcome", "call": "a call"}
SAVED = {
    "saved": "is saved by waiting",
    "not saved": "is not saved by waiting",
    "undecided": "may or may not be saved by waiting",
    "stays above": "stays profitable",
    "turns red": "turns red",
    "at risk": "may turn red",
}


def money(text: str) -> str:
    """Digits as a sentence says them."""
    return dollars(atto(text))


def report_sentence(label: str, rows: Sequence[ScenarioRow], years: int) -> str:
    """What falling prices do for all features, and which of them wait in vain."""
    if not rows:
        return f"There is nothing to look ahead from: no feature has cost or value in {label}."
    judged = [row for row in rows if row.deflation not in (None, "unknown")]
    if not judged:
        return f"No value is known in {label}: which feature waiting would save cannot be said. {rows[0].sentence}"
    if len(rows) == 1:
        return rows[0].sentence
    losing = [row for row in judged if row.deflation in ("saved", "not saved", "undecided")]
    if losing:
        return f"{_waited(losing)} {losing[0].sentence}"
    worst = [row for row in judged if row.deflation != "stays above"]
    end = f"in {years * _MONTHS} months, if nothing is done"
    if not worst:
        return f"Every feature with a known value stays profitable {end}."
    return f"{_listed(worst)} {end}. {worst[0].sentence}"


def _waited(losing: Sequence[ScenarioRow]) -> str:
    """How many of the features that lose money are saved by waiting."""
    saved, perhaps = (sum(row.deflation == state for row in losing) for state in ("saved", "undecided"))
    if len(losing) == 1:
        helps = "saves it" if saved else "may save it" if perhaps else "does not save it"
        return f"One feature loses money now, and waiting {helps}."
    doubt = f" and may save {number_word(perhaps)}" if perhaps else ""
    helped = number_word(saved) if saved else "none"
    return f"{number_word(len(losing)).capitalize()} features lose money now; waiting saves {helped}{doubt}."


def _listed(rows: Sequence[ScenarioRow]) -> str:
    return "; ".join(f"{row.label} {SAVED[row.deflation or '']}" for row in rows)


def feature_sentence(row: ScenarioRow, years: int) -> str:
    """What becomes of a feature if nobody acts, what would have to fall, and what acting is worth."""
    if row.unit_cost_change is None:
        return f"{row.label}: nothing can be said of the cost of a task, because there were none."
    parts = [
        f"{row.label} {SAVED[row.deflation]}: {_path(row, years)}"
        if row.deflation in SAVED
        else f"{row.label}: {_path(row, years)}"
    ]
    parts.append(_needed(row))
    if row.act is not None:
        parts.append(_acting(row.act))
    return " ".join(parts)


def _path(row: ScenarioRow, years: int) -> str:
    """What prices and tokens do to the cost of a task and to the margin until the end of the path."""
    tokens = next(one.change.point or 0.0 for one in row.drivers if one.driver == "tokens")
    price = row.price_assumed or 0.0
    first, last = _ends(row)
    took = f"prices {signed(price)} a year and tokens per task {signed(tokens)} take {_A[row.task]} from {first} to {last}"
    return f"{took} in {years * _MONTHS} months{_margins(row)}."


def _ends(row: ScenarioRow) -> tuple[str, str]:
    act = row.act
    if act is not None and act.declared and act.unit_cost_now is not None and act.unit_cost_waiting is not None:
        return money(act.unit_cost_now), money(act.unit_cost_waiting)
    costs = [point.unit_cost.point if point.unit_cost is not None else "0" for point in (row.points[0], row.points[-1])]
    return money(costs[0]), money(costs[1])


def _margins(row: ScenarioRow) -> str:
    act = row.act
    if act is not None and act.declared:
        now, then = act.margin_now, act.margin_waiting
    else:
        margins = [point.margin.point if point.margin is not None else None for point in (row.points[0], row.points[-1])]
        now, then = margins
    return "" if now is None or then is None else f", margin {percent(now)} to {percent(then)}"


def _needed(row: ScenarioRow) -> str:
    """The deflation needed to stand still beside the one observed."""
    if row.stand_still is None or row.stand_still.point is None:
        return ""
    need = row.stand_still.point
    falling = f"Prices would have to fall {percent(need)} a year for it to stand still"
    rising = f"It stands still even if prices rise {percent(-need)} a year"
    still = "It stands still as long as prices do"
    said = still if abs(need) < _NOTHING else falling if need > 0 else rising
    if row.price_change is None or row.price_change.point is None:
        return f"{said}; the ledger's own history is too short to say what they do."
    seen = row.price_change.point
    return f"{said}; those it pays have {'fallen' if seen < 0 else 'risen'} {percent(abs(seen))} a year."


def _acting(act: ActRow) -> str:
    lost = (
        f"{money(act.a_quarter_later.point)} (90% between {money(act.a_quarter_later.low)} and {money(act.a_quarter_later.high)})"
    )
    if act.declared:
        lifts = f" and lifts today's margin from {percent(act.margin_now)} to {percent(act.margin_acting_now)}"
        then = "" if act.margin_acting_now is None or act.margin_now is None else lifts
        return f"Acting ({act.label}) saves {money(act.saves_per_month)} a month{then}; a quarter's wait costs {lost}."
    saves = f"would save {money(act.saves_per_month)} a month"
    return f"Moving {act.label}, if that does the work (unproven), {saves}; a quarter's wait costs {lost}."


def signed(change: float) -> str:
    """`+60%`, `−30%`."""
    sign = MINUS if change < 0 else "+"
    return f"{sign}{percent(abs(change), 0 if Decimal(str(round(change * 100, 1))) % 1 == 0 else 1)}"
