"""Revenue and fixed costs shared over the rows of a report, month by month, by a declared driver.

Shares are computed over *all* usage of a month and filtered afterwards: a feature's part of a bill does not depend on whether the
report shows the other features.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from breakeven.economics.allocation import MEASURED, Cell, FixedCost, allocated, allocated_by_feature, fixed_within, prorated
from breakeven.economics.money import ATTO
from breakeven.economics.periods import Period, by_month
from breakeven.economics.pnl import per
from breakeven.economics.value import RevenueShare, ValueModel
from breakeven.reports.question import DIMENSIONS, Facts, Question, ask, whole

Key = tuple[str | None, ...]
COST_OF_REVENUE = "cost_of_revenue"


@dataclass(frozen=True, slots=True)
class Shared:
    """Parts by row key (after filters), the parts of them that are cost of revenue, and what nothing carries."""

    parts: Mapping[Key, int] = field(default_factory=dict)
    of_revenue: Mapping[Key, int] = field(default_factory=dict)
    unallocated: int = 0
    unallocated_of_revenue: int = 0
    rows_counted: int = 0


class Usage(NamedTuple):
    """One cell of a month's usage: row key, filter key, feature, customer, provider, driver units."""

    key: Key
    shown: bool
    feature: str | None
    customer: str | None
    provider: str | None
    units: int


def fixed_costs(ledger: Facts, costs: Sequence[FixedCost], question: Question) -> Shared:
    """Each fixed cost's part of the period, month by month, on the rows that drive it."""
    scopes = ("provider",) if any(cost.provider is not None for cost in costs) else ()
    usage = _UsageByMonth(ledger, question, scopes)
    parts: dict[Key, int] = defaultdict(int)
    of_revenue: dict[Key, int] = defaultdict(int)
    left: dict[str, int] = defaultdict(int)
    for month in by_month(question.period):
        for cost in costs:
            amount = fixed_within(cost, month)
            if amount == 0:
                continue
            carried, rest = _carried(amount, cost, usage.of(month, _driver(cost.driver)))
            left[cost.cost_class] += rest
            for (key, shown), part in carried.items():
                if shown:
                    parts[key] += part
                    of_revenue[key] += part if cost.cost_class == COST_OF_REVENUE else 0
    unfiltered = not question.filters
    return Shared(
        parts=parts,
        of_revenue=of_revenue,
        unallocated=sum(left.values()) if unfiltered else 0,
        unallocated_of_revenue=left[COST_OF_REVENUE] if unfiltered else 0,
    )


def _carried(amount: int, cost: FixedCost, usage: Iterable[Usage]) -> tuple[dict[tuple[Key, bool], int], int]:
    scoped = [
        one for one in usage if cost.feature in (None, one.feature) and (cost.provider is None or cost.provider == one.provider)
    ]
    cells = [Cell((one.key, one.shown), one.feature, one.units) for one in scoped]
    if cost.driver in MEASURED:
        return allocated(amount, cells)
    weights = cost.weights or {one.feature: 1 for one in scoped if one.feature is not None and one.units > 0}
    return allocated_by_feature(amount, cells, weights)


def revenue(ledger: Facts, models: Sequence[ValueModel], question: Question) -> Shared:
    """Revenue shared among the features that declare a share of it, by each customer's own usage; `unallocated` nobody shares.

    A revenue model counts for the months on whose first day it holds. Of a feature's share only the declared portion is its value.
    """
    spans = ask(ledger, "revenue", question, (), filtered=False)
    sharing = [model for model in models if isinstance(model, RevenueShare)]
    if not spans:
        return Shared()
    plans = {row[0]: row[1] for row in ask(ledger, "plans", question, (), filtered=False)}
    usage = _UsageByMonth(ledger, question, ("customer",), sorted({model.feature for model in sharing}))
    parts: dict[Key, int] = defaultdict(int)
    left = 0
    for month in by_month(question.period):
        holding = {
            model.feature: model
            for model in sharing
            if (model.since is None or model.since <= month.start) and (model.until is None or month.start < model.until)
        }
        cells = _by_customer(usage.of(month, _driver(sharing[0].driver)), plans) if holding else {}
        for start, end, customer, plan, feature, amount, _rows in spans:
            if end <= month.start or start >= month.end:
                continue
            part = prorated(whole(amount), (start, end), month)
            if part == 0:
                continue
            source = ("customer", customer) if customer is not None else ("plan", plan) if plan is not None else ("all", None)
            eligible = _eligible(holding, plan if plan is not None else plans.get(customer), feature)
            carried, rest = _earned(part, eligible, [one for one in cells.get(source, ()) if one.feature in eligible])
            left += rest
            for (key, shown, name), share in carried.items():
                if shown:
                    parts[key] += per(share * eligible[name].portion, ATTO) or 0
    return Shared(parts=parts, unallocated=0 if question.filters else left, rows_counted=sum(row[-1] for row in spans))


def _eligible(holding: Mapping[str, RevenueShare], plan: str | None, feature: str | None) -> dict[str, RevenueShare]:
    return {
        name: model
        for name, model in holding.items()
        if feature in (None, name) and (not model.plans or plan in model.plans)
    }  # fmt: skip


def _earned(
    part: int, eligible: Mapping[str, RevenueShare], usage: Sequence[Usage]
) -> tuple[dict[tuple[Key, bool, str], int], int]:
    cells = [Cell((one.key, one.shown, one.feature or ""), one.feature, one.units) for one in usage]
    driver = next((model.driver for model in eligible.values()), "cost")
    if driver in MEASURED:
        return allocated(part, cells)
    used = {cell.feature for cell in cells if cell.units > 0}
    weights = {name: model.weight if driver == "weights" else 1 for name, model in eligible.items() if name in used}
    return allocated_by_feature(part, cells, weights)


def _by_customer(usage: Iterable[Usage], plans: Mapping[str, str | None]) -> dict[tuple[str, str | None], list[Usage]]:
    """The cells that revenue of a customer, of a plan, or of everybody may be shared over."""
    found: dict[tuple[str, str | None], list[Usage]] = defaultdict(list)
    for one in usage:
        found["all", None].append(one)
        if one.customer is not None:
            found["customer", one.customer].append(one)
            found["plan", plans.get(one.customer)].append(one)
    return found


def _driver(driver: str) -> str:
    """What measures usage below the feature: where the split among features is declared, calls divide a feature's part further."""
    return driver if driver in MEASURED else "calls"


class _UsageByMonth:
    """Usage cells of the whole period, told apart by `scopes` too, read once per driver and handed out by month.

    `features`: only theirs; None: everybody's.
    """

    def __init__(self, ledger: Facts, question: Question, scopes: tuple[str, ...], features: Sequence[str] | None = None) -> None:
        self._ledger = ledger
        self._question = question
        self._scopes = scopes
        self._features = features
        self._read: dict[str, dict[str, list[Usage]]] = {}

    def of(self, month: Period, driver: str) -> list[Usage]:
        """The cells of one month, with units of `driver`."""
        if driver not in self._read:
            self._read[driver] = self._cells(driver)
        return self._read[driver].get(month.name, [])

    def _cells(self, driver: str) -> dict[str, list[Usage]]:
        question = self._question
        filters = tuple(name for name, _ in question.filters)
        wanted = tuple(value for _, value in question.filters)
        keys = ("month", "feature", *self._scopes, *question.by, *filters)
        known = tuple(name for name in sorted(set(keys)) if driver != "outcomes" or DIMENSIONS[name].of_outcomes)
        unfiltered = replace(question, by=tuple(known), filters=())
        # A year by day and customer is a million rows: where a value stands is looked up once; the last cell is for what is absent.
        nowhere, width = len(known), len(known)
        place = {name: at for at, name in enumerate(known)}
        by, shown_by = ([place.get(name, nowhere) for name in names] for names in (question.by, filters))
        month, feature, customer, provider = (place.get(name, nowhere) for name in ("month", "feature", "customer", "provider"))
        found: dict[str, list[Usage]] = defaultdict(list)
        for row in ask(self._ledger, _STATEMENT[driver], unfiltered, known, features=self._features, breaks=[]):
            cells = (*row[:width], None)
            found[cells[month]].append(
                Usage(
                    tuple([cells[at] for at in by]),
                    not filters or tuple([cells[at] for at in shown_by]) == wanted,
                    cells[feature],
                    cells[customer],
                    cells[provider],
                    _units(driver, row[width:]),
                )
            )
        return found


_STATEMENT = {"cost": "costs", "calls": "calls", "tokens": "calls", "outcomes": "outcomes"}


def _units(driver: str, figures: tuple[object, ...]) -> int:
    """Driver units of one row of a statement; a credit that outweighs the cost carries nothing."""
    if driver == "cost":
        return max(0, whole(figures[1]))  # type: ignore[arg-type] # cost_class, cost, lines, unknown_lines
    column = {"calls": 0, "tokens": 2, "outcomes": 1}[driver]
    return max(0, int(figures[column] or 0))  # type: ignore[call-overload, no-any-return] # a count of the named statement
