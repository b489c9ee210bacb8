"""The ledger's figures as gauges for a monitoring system: cost, value and margin by feature, budgets, and what share is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from breakeven.reports.budgets import Budgets
from breakeven.reports.pnl import Pnl, PnlRow


class Gauge(NamedTuple):
    """One sample: name without prefix, labels, and its value as text, exact where it is money."""

    name: str
    labels: Sequence[tuple[str, str]]
    value: str


GAUGES: dict[str, str] = {
    "period_cost_usd": "Variable cost of the current month by feature, in US dollars.",
    "period_value_usd": "Value of the current month by feature, in US dollars; absent where it is unknown.",
    "period_contribution_usd": "Value less variable cost of the current month by feature; absent where it is unknown.",
    "period_calls": "Calls of the current month by feature.",
    "period_unpriced_calls": "Calls of the current month whose cost is unknown in whole or part, by feature.",
    "priced_share": "Share of the current month's calls whose cost is wholly known, 0 to 1.",
    "attributed_share": "Share of the current month's cost that belongs to a feature, 0 to 1.",
    "budget_spent_share": "Spent and reserved of each budget over its limit, 0 to 1 and beyond.",
    "budget_left_usd": "What is left of each budget of money, in US dollars.",
}
"""Every gauge with its help. A figure that is unknown has no sample: it is never 0."""
_MONEY: tuple[tuple[str, Callable[[PnlRow], str | None]], ...] = (
    ("period_cost_usd", lambda row: row.cost),
    ("period_value_usd", lambda row: row.value),
    ("period_contribution_usd", lambda row: row.contribution if row.value is not None else None),
)


def gauges(report: Pnl, budgets: Budgets) -> list[Gauge]:
    """The samples of a month's P&L by feature and of the budgets as they stand."""
    found = [sample for row in report.rows if row.kind in ("group", "unattributed") for sample in _of_feature(row)]
    shares = (("priced_share", report.shares.priced), ("attributed_share", report.shares.attributed))
    found += [Gauge(name, (), repr(share)) for name, share in shares if share is not None]
    for budget in budgets.rows:
        labels = (("budget", budget.budget), ("subject", budget.subject), ("owner", budget.owner or ""))
        if budget.share is not None:
            found.append(Gauge("budget_spent_share", labels, repr(budget.share)))
        if budget.measure == "usd":
            found.append(Gauge("budget_left_usd", labels, budget.left))
    return found


def exposition(samples: Sequence[Gauge]) -> str:
    """Prometheus' text format, one block for each gauge that has samples."""
    return "".join(f"{line}\n" for name, text in GAUGES.items() for line in _block(name, text, samples))


def _block(name: str, text: str, samples: Sequence[Gauge]) -> Iterator[str]:
    own = [sample for sample in samples if sample.name == name]
    if not own:
        return
    yield f"# HELP breakeven_ledger_{name} {text}"
    yield f"# TYPE breakeven_ledger_{name} gauge"
    for sample in own:
        labels = ",".join(f'{label}="{_escaped(value)}"' for label, value in sample.labels)
        yield f"breakeven_ledger_{name}{'{' + labels + '}' if labels else ''} {sample.value}"


def _of_feature(row: PnlRow) -> Iterator[Gauge]:
    labels = (("feature", row.label if row.kind == "group" else ""), ("owner", row.owner or ""))
    for name, figure in _MONEY:
        if (value := figure(row)) is not None:
            yield Gauge(name, labels, value)
    yield Gauge("period_calls", labels, str(row.calls))
    yield Gauge("period_unpriced_calls", labels, str(row.unpriced_calls))


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
