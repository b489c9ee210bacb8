"""Who is reached by falling prices? The price of a fixed capability beside that of always taking the best model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from math import ceil

import msgspec

from breakeven.economics.deflation import Deflation, Result, deflation, trend
from breakeven.economics.money import atto
from breakeven.errors import DataError, Problem, UsageError
from breakeven.reports.scenariofigures import exact
from breakeven.reports.words import count, dollars, percent
from breakeven.yamlfields import suggestion

_PERCENT = 100
_DAYS_OF_A_MONTH = 30.4375
_MOST_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a table say what; `cases` None: every run had the same number."""

    score: str
    cost: str
    day: str
    model: str = "model"
    cases: str | None = None

    @property
    def named(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(name for name in (self.model, self.day, self.score, self.cost, self.cases) if name is not None)


class Step(msgspec.Struct, frozen=True):
    """One step of a path: the model that a buyer who re-routes takes from that day on, and what a success costs there."""

    path: str
    day: str
    model: str
    score: float
    cost_of_a_success: str


class TrendRow(msgspec.Struct, frozen=True):
    """The factor a year of a path with its 90% interval; null where there are fewer than four steps."""

    factor: float
    low: float
    high: float


class DeflationReport(msgspec.Struct, frozen=True, kw_only=True):
    """The report. `fold`: how many times cheaper the fixed capability has become; `best_ratio`: last best model over the first."""

    results: int
    unpriced: int
    capability: float
    fold: float
    days: int
    best_ratio: float
    fixed_trend: TrendRow | None
    best_trend: TrendRow | None
    steps: Sequence[Step]
    sentence: str
    problems: Sequence[str]
    trail: Mapping[str, str]


def deflation_report(
    rows: Sequence[Mapping[str, str | None]], columns: Columns, name: str, capability: float | None = None
) -> DeflationReport:
    """Both paths of a table. Raises UsageError for a column that is not there, DataError where nothing can be said."""
    heads = list(rows[0]) if rows else []
    for wanted in columns.named:
        if wanted not in heads:
            raise UsageError(f"{name} has no column {wanted!r}", suggestion(wanted, heads) if heads else "The table is empty.")
    scale = _scale(rows, columns.score)
    read = [_result(row, columns, scale, f"{name}:{number}") for number, row in enumerate(rows, start=2)]
    results = [one for one in read if isinstance(one, Result)]
    problems = [str(one) for one in read if isinstance(one, Problem)]
    wanted_score = None if capability is None else capability / (_PERCENT if capability > 1 else 1)
    found = deflation(results, wanted_score)
    if found is None:
        why = "no result has a cost above 0" if not any(one.priced for one in results) else "no priced result reaches that score"
        raise DataError(f"nothing can be said of {name}: {why}", "Name other columns, or a lower --capability.")
    return _report(found, problems)


def _report(found: Deflation, problems: Sequence[str]) -> DeflationReport:
    fixed, best = trend(found.fixed), trend(found.best)
    return DeflationReport(
        results=found.results,
        unpriced=found.unpriced,
        capability=found.capability,
        fold=found.fold,
        days=(found.fixed[-1].day - found.fixed[0].day).days,
        best_ratio=found.best_ratio,
        fixed_trend=None if fixed is None else TrendRow(fixed.factor, fixed.low, fixed.high),
        best_trend=None if best is None else TrendRow(best.factor, best.low, best.high),
        steps=[*(_step("fixed capability", one) for one in found.fixed), *(_step("best model", one) for one in found.best)],
        sentence=_sentence(found),
        problems=problems[:_MOST_PROBLEMS],
        trail={
            "cost_of_a_success": "cost of the run / (cases · score)",
            "fixed_capability": "lowest cost of a success so far, of models with at least this score",
            "best_model": "cost of a success of whoever holds the record score",
            "trend": "OLS of ln cost on years over the steps, 90% interval by Student's t",
        },
    )


def _scale(rows: Sequence[Mapping[str, str | None]], column: str) -> int:
    """Whether scores are written as percent: some of them is above 1."""
    return _PERCENT if any((value := _number(row.get(column))) is not None and value > 1 for row in rows) else 1


def _result(row: Mapping[str, str | None], columns: Columns, scale: int, where: str) -> Result | Problem:
    score, cost = _number(row.get(columns.score)), _number(row.get(columns.cost))
    cases = Decimal(1) if columns.cases is None else _number(row.get(columns.cases))
    day = _day(row.get(columns.day))
    if day is None:
        return Problem(where, f"{columns.day} is {row.get(columns.day)!r}, not a date", "Write it as 2026-10-31.")
    if score is None or not 0 <= score <= scale:
        return Problem(where, f"{columns.score} is {row.get(columns.score)!r}, not a score", f"Write a number from 0 to {scale}.")
    if cases is None or cases <= 0:
        return Problem(
            where, f"{columns.cases} is {row.get(columns.cases or '')!r}, not a number of cases", "Write a number above 0."
        )
    return Result(row.get(columns.model) or "?", day, float(score) / scale, None if cost is None else float(cost), float(cases))


def _number(text: str | None) -> Decimal | None:
    try:
        value = Decimal((text or "").strip().removesuffix("%").lstrip("$").replace(",", ""))
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _day(text: str | None) -> date | None:
    try:
        return datetime.fromisoformat((text or "").strip()).date()
    except ValueError:
        return None


def _step(path: str, one: Result) -> Step:
    return Step(path, one.day.isoformat(), one.model, one.score, exact(one.per_success))


def _sentence(found: Deflation) -> str:
    fixed, best = found.fixed, found.best
    months = ceil((fixed[-1].day - fixed[0].day).days / _DAYS_OF_A_MONTH)
    first = (
        f"A success at a score of at least {percent(found.capability)} cost {_cost(fixed[0])} and then {_cost(fixed[-1])}"
        f", {found.fold:,.0f} times less within {count(max(months, 1), 'month')}"
        if len(fixed) > 1
        else f"A success at a score of at least {percent(found.capability)} never became cheaper than {_cost(fixed[0])}"
    )
    return f"{first}. {_best(found)} {_who(found)}".replace("  ", " ").strip() if len(best) > 1 else f"{first}."


def _best(found: Deflation) -> str:
    """What always taking the best model cost: its range after the first record, and whether a fall is supported."""
    best = found.best
    costs = [one.per_success for one in best[1:]]
    span = f"{dollars(_atto(min(costs)))} to {dollars(_atto(max(costs)))}"
    seen = trend(best)
    if seen is None:
        return f"Always taking the best model cost {_cost(best[0])} first and {_cost(best[-1])} at last."
    supported = "became cheaper" if seen.high < 1 else "did not become cheaper beyond what its ups and downs explain"
    bounds = f"a factor of {seen.factor:.2g} a year, 90% between {seen.low:.2g} and {seen.high:.2g}"
    return f"Always taking the best model {supported}: {_cost(best[0])} at first, then {span} ({bounds})."


def _who(found: Deflation) -> str:
    fixed = trend(found.fixed)
    falls = len(found.fixed) > 1 and (fixed is None or fixed.high < 1)
    return "Deflation reaches only those who re-route." if falls and found.cheaper is False else ""


def _cost(one: Result) -> str:
    return dollars(_atto(one.per_success))


def _atto(value: float) -> int:
    return atto(exact(value))
