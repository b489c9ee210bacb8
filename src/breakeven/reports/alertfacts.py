"""The aggregated facts that alerts look at: SQL scans and sums, small tables come back, `governance/alerts` judges them.

Margins are those of `breakeven pnl` and coverage that of `breakeven owner coverage` over the same days, so that an
alert and the report that it points to agree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from breakeven.economics.money import amount, atto
from breakeven.economics.periods import Period, month_of
from breakeven.economics.pnl import Tally
from breakeven.governance.alerts import (
    BudgetForecast,
    BudgetStatus,
    Coverage,
    CustomerCost,
    Facts,
    FeatureMargin,
    MeteringGap,
    Projection,
    Rule,
    UnpricedModel,
)
from breakeven.governance.alerts.budgets import REARM
from breakeven.governance.alerts.projection import WEEKS
from breakeven.reports import question as ledger_of
from breakeven.reports.question import Question, Remembering, ask, statement, whole
from breakeven.reports.tallies import sums
from breakeven.settings import Settings
from breakeven.settings.alerts import alert_kind

_DAY = timedelta(days=1)
_TOKENS = " + ".join(f"coalesce({name}_tokens, 0)" for name in ("input", "cache_read", "cache_write", "output", "reasoning"))
IN_ROLLUPS = frozenset({"feature", "team", "customer", "environment", "workflow", "provider"})
COLUMNS: Mapping[str, str] = {
    **{name: name for name in IN_ROLLUPS},
    "user": "user_id",
    "model": "coalesce(model_requested, model)",
    "key": "json_extract_string(tags, '$.virtual_key')",
}
"""Where calls keep each dimension that a budget may have."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What facts are gathered from and for: an instant (naive UTC), rules, accounts of budgets, and how these are projected."""

    ledger: ledger_of.Facts
    settings: Settings
    rules: tuple[Rule, ...]
    at: datetime
    statuses: Sequence[BudgetStatus]
    project: Projection

    @property
    def spans(self) -> list[int]:
        """The different numbers of days that the rules look back."""
        return sorted({rule.days for rule in self.rules if rule.days is not None})

    def last(self, days: int) -> Period:
        """The last days, today included."""
        end = self.at.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
        start = end - days * _DAY
        return Period(f"{start:%Y-%m-%d}..{end - _DAY:%Y-%m-%d}", start, end)


def gathered(asked: Asked) -> Facts:
    """What the kinds of these rules look at, and nothing else."""
    asked = replace(asked, ledger=Remembering(asked.ledger))
    found: dict[str, Any] = {}
    for read, gather in GATHERERS.items():
        rules = tuple(rule for rule in asked.rules if (kind := alert_kind(rule.when)) is not None and kind.reads == read)
        if rules:
            found[read] = tuple(gather(replace(asked, rules=rules)))
    return Facts(owners={name: feature.owner for name, feature in asked.settings.features.items()}, **found)


def _budgets(asked: Asked) -> Sequence[BudgetStatus]:
    return asked.statuses


def _forecasts(asked: Asked) -> list[BudgetForecast]:
    """Accounts that reset, with what their recent days have spent, read once per budget."""
    wanted = [one for one in asked.statuses if one.resets_at is not None and any(rule.about(one) for rule in asked.rules)]
    spent: dict[str, Spending] = {}
    for one in wanted:
        if one.budget not in spent:
            spent[one.budget] = spending(asked.ledger, one, asked.at)
    return [
        BudgetForecast(one, asked.project(one, spent[one.budget].get(tuple(value for _, value in one.per), {}), asked.at))
        for one in wanted
    ]


Spending = Mapping[tuple[str, ...], Mapping[date, int]]
"""What each past day has spent, by the values of an account."""


def spending(ledger: ledger_of.Facts, status: BudgetStatus, at: datetime) -> Spending:
    """The last weeks of all accounts of a budget, today left out. Amounts are in the budget's measure."""
    names = [*(name for name, _ in status.per), *(name for name, _ in status.scope)]
    rolled = IN_ROLLUPS.issuperset(names)
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    values: dict[str, Any] = {"start": midnight - timedelta(weeks=WEEKS), "end": midnight}
    values |= {f"scope_{index}": list(wanted) for index, (_, wanted) in enumerate(status.scope)}
    rows = ledger.query(_spending(status, rolled=rolled), values)
    found: dict[tuple[str, ...], dict[date, int]] = defaultdict(dict)
    for *subject, day, spent in rows:
        if spent is not None:
            found[tuple(subject)][day] = atto(spent) if status.measure == "usd" else int(spent)
    return found


def _spending(status: BudgetStatus, *, rolled: bool) -> str:
    """From the daily rollups, or from the calls themselves where the rollups do not know a dimension."""
    if rolled:
        source = "rollup_costs" if status.measure == "usd" else "rollup_calls"
        day, when = "day", "day >= CAST($start AS DATE) AND day < CAST($end AS DATE)"
    else:
        lines = " JOIN (SELECT call_id, attempt, cost FROM cost_lines) AS lines USING (call_id, attempt)"
        source = "calls" + (lines if status.measure == "usd" else "")
        day = "CAST(occurred_at AS DATE)"
        when = "occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP)"
    calls = "sum(call_count)" if rolled else "sum(CASE WHEN attempt = 0 THEN call_count ELSE 0 END)"
    spent = {"usd": "sum(cost)", "tokens": f"sum({_TOKENS})"}.get(status.measure, calls)
    subject = [COLUMNS[name] for name, _ in status.per]
    conditions = [
        when,
        *(f"{COLUMNS[name]} IN (SELECT unnest(CAST($scope_{index} AS VARCHAR[])))" for index, (name, _) in enumerate(status.scope)),
        *(f"{column} IS NOT NULL" for column in subject),
    ]
    columns = "".join(f"{column} AS subject_{index}, " for index, column in enumerate(subject))
    return f"SELECT {columns}{day} AS spent_on, {spent} AS spent FROM {source} WHERE {' AND '.join(conditions)} GROUP BY ALL"


def _margins(asked: Asked) -> list[FeatureMargin]:
    """Value and contribution of the features that have a floor, as the P&L has them."""
    floors = {name: feature for name, feature in asked.settings.features.items() if feature.margin_floor is not None}
    found: list[FeatureMargin] = []
    for days in asked.spans if floors else ():
        period = asked.last(days)
        rows = sums(asked.ledger, asked.settings, Question(period, by=("feature",))).rows
        for name, feature in floors.items():
            tally = rows.get((name,), Tally())
            if feature.margin_floor is not None and tally.calls:
                found.append(
                    FeatureMargin(name, feature.owner, feature.margin_floor, tally.value, tally.contribution, tally.calls,
                                  tally.unknown_calls, days, period.name)
                )  # fmt: skip
    return found


def _customers(asked: Asked) -> list[CustomerCost]:
    """Customers whose cost of this month is near the line of a rule or past it; ten thousand of them at most, dearest first."""
    month = month_of(asked.at)
    found: dict[tuple[str, tuple[str, ...]], CustomerCost] = {}
    for rule in asked.rules:
        values = {
            "start": month.start,
            "end": month.end,
            "features": list(rule.features),
            "customers": list(rule.customers),
            "line": amount((rule.line or 0) * REARM // 100),
        }
        for customer, cost, calls, unknown in asked.ledger.query(statement("alert_customers"), values):
            known = CustomerCost(customer, whole(cost), calls, unknown, month.name, rule.features)
            found[customer, rule.features] = known
    return list(found.values())


def _coverage(asked: Asked) -> list[Coverage]:
    """Known cost with and without an owner over recent days, and over as many days before."""
    found: list[Coverage] = []
    for days in asked.spans:
        period = asked.last(days)
        cost, owned, calls = _owned(asked, period)
        cost_before, owned_before, _ = _owned(asked, _before(period))
        found.append(Coverage(cost, owned, calls, days, period.name, cost_before, owned_before, asked.settings.attribution_target))
    return found


def _owned(asked: Asked, period: Period) -> tuple[int, int, int]:
    """Known cost, the part of it that has an owner (as `breakeven owner` has it), and calls that have none."""
    owners = {name for name, feature in asked.settings.features.items() if feature.owner is not None}
    question = Question(period, by=("feature",))
    costs = [(row[0], whole(row[2])) for row in ask(asked.ledger, "costs", question, ("feature",))]
    nobodys = sum(row[1] for row in ask(asked.ledger, "calls", question, ("feature",)) if row[0] not in owners)
    return sum(cost for _, cost in costs), sum(cost for name, cost in costs if name in owners), nobodys


def _before(period: Period) -> Period:
    start = period.start - (period.end - period.start)
    return Period(f"{start:%Y-%m-%d}..{period.start - _DAY:%Y-%m-%d}", start, period.start)


def _unpriced(asked: Asked) -> list[UnpricedModel]:
    """Models without a price, over the longest span that a rule looks back."""
    span = {"start": asked.last(max(asked.spans)).start, "end": asked.last(1).end}
    rows = asked.ledger.query(statement("alert_unpriced"), span)
    return [
        UnpricedModel(provider, model, calls, first, last, tuple(features or ()))
        for provider, model, calls, first, last, features in rows
    ]


def _gaps(asked: Asked) -> list[MeteringGap]:
    """Calls of unknown usage, by provider and day, over the longest span that a rule looks back."""
    span = {"start": asked.last(max(asked.spans)).start, "end": asked.last(1).end}
    rows = asked.ledger.query(statement("alert_gaps"), span)
    return [MeteringGap(provider, day, calls, tuple(features or ())) for provider, day, calls, features in rows]


GATHERERS: Mapping[str, Callable[[Asked], Sequence[object]]] = {
    "budgets": _budgets,
    "forecasts": _forecasts,
    "margins": _margins,
    "customers": _customers,
    "coverage": _coverage,
    "unpriced": _unpriced,
    "gaps": _gaps,
}
"""How each field of the facts is gathered."""
