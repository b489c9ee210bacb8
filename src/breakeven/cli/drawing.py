"""Each report as a person reads it in a terminal: head line, table, and what to try next."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import click
import msgspec

from breakeven.cli.tables import UNKNOWN, Column, badge, draw, each, margin, money, number, text
from breakeven.reports.calls import CallList
from breakeven.reports.callspread import CallSpread
from breakeven.reports.customers import Customers
from breakeven.reports.plan import PLAN
from breakeven.reports.pnl import Pnl, PnlRow, dimension_titles
from breakeven.reports.receipt import Attempt, Receipt
from breakeven.reports.today import Today
from breakeven.reports.trace import Trace
from breakeven.reports.trail import Shares
from breakeven.reports.unpriced import Unpriced
from breakeven.reports.words import count

_SMALL_LOSS = Decimal(0)


def badges(shares: Shares) -> str:
    """What is known: priced, attributed, reconciled."""
    reconciled = "not reconciled" if shares.reconciled is None else badge(shares.reconciled, "reconciled")
    if isinstance(shares.reconciled_through, str):
        through = date.fromisoformat(shares.reconciled_through)
        reconciled = f"reconciled to {through.day} {through:%b}"
    return f"{badge(shares.priced, 'priced')} · {badge(shares.attributed, 'attributed')} · {reconciled}"


def heading(title: str, label: str, currency: str, shares: Shares | None = None) -> None:
    """`Feature P&L · October 2026 · USD        priced 100% · attributed 96.8% · not reconciled`."""
    click.echo(f"{title} · {label} · {currency}" + (f"        {badges(shares)}" if shares else ""))


def draw_pnl(report: Pnl) -> None:
    """The P&L as a table, its sentence, and the next command."""
    heading(f"{dimension_titles(report.by)} P&L", report.label, report.currency, report.shares)
    rows = [*report.rows, report.total]
    several = sum(row.outcomes is not None for row in report.rows) > 1
    columns = [
        Column("", [row.label for row in rows], left=True),
        Column("value", [money(row.value) for row in rows], drop=2),
        Column("cost", [money(row.cost) for row in rows]),
        Column("keeps", [money(row.contribution) for row in rows], drop=1),
        Column("margin", [margin(row.margin) for row in rows], drop=3),
        Column("outcomes", ["" if row.kind == "total" and several else number(row.outcomes) for row in rows], drop=8),
        Column("per outcome", ["" if row.kind == "total" and several else each(row.cost_per_outcome) for row in rows], drop=4),
        Column(
            "per success",
            ["" if row.kind == "total" and several else each(row.cost_per_successful_outcome) for row in rows],
            drop=6,
        ),
        Column("calls", [number(row.calls) for row in rows], drop=7),
        Column("per call", [each(row.cost_per_call) for row in rows], drop=9),
        Column("fixed cost", [money(row.fixed_cost) if row.fixed_cost != "0" else UNKNOWN for row in rows], drop=5),
        Column("avoided", [money(row.avoided_cost) for row in rows], drop=6),
    ]
    if report.versus is not None:
        columns.append(Column("cost change", [_changed(row) for row in rows], drop=3))
    columns.append(Column("owner", [text(row.owner) if row.kind == "group" else "" for row in rows], drop=5, left=True))
    columns.append(Column("verdict", [_remark(row) for row in rows], drop=2, left=True))
    draw(columns, marked={index: _mark(row) for index, row in enumerate(rows) if _mark(row)})
    click.echo(report.sentence)
    for note in report.trail.notes:
        click.echo(f"Note: {note}.")
    click.echo(f"Next: {_next(report)}", err=True)


def _changed(row: PnlRow) -> str:
    return UNKNOWN if isinstance(row.cost_change, msgspec.UnsetType) else money(row.cost_change, signed=True)


def _remark(row: PnlRow) -> str:
    unknown = f"{count(row.unpriced_calls, 'call')} unpriced" if row.unpriced_calls and row.kind != "total" else ""
    said = {"creates": "creates value", "destroys": "destroys value", None: ""}.get(row.verdict, row.verdict or "")
    if row.kind == "unattributed":
        said = "no owner" if row.calls else ""
    return ", ".join(part for part in (said, unknown) if part)


def _mark(row: PnlRow) -> str:
    if row.kind == "total":
        return "total"
    lost = row.value is not None and row.contribution is not None and Decimal(row.contribution) < _SMALL_LOSS
    return "bad" if row.verdict == "destroys" or lost else ""


def _next(report: Pnl) -> str:
    if report.total.calls == 0:
        return "breakeven import calls FILE, or breakeven demo for a sample company"
    if report.total.unpriced_calls:
        return "breakeven unpriced"
    if report.versus not in (None, PLAN):
        return f"breakeven why cost{_mover(report)} --period {report.period} --vs {report.versus}"
    worst = min(
        (row for row in report.rows if row.kind == "group" and _mark(row)),
        key=lambda row: Decimal(row.contribution or 0),
        default=None,
    )
    if worst is not None and isinstance(worst.feature, str) and report.by == ("feature",):
        return f"breakeven pnl --feature {shlex.quote(worst.feature)} --by model --period {report.period}"
    return f"breakeven calls --period {report.period} for the dearest calls, breakeven why CALL_ID for a receipt"


def _mover(report: Pnl) -> str:
    """The feature whose cost moved most, as a filter; nothing where features are not rows."""
    moved = [row for row in report.rows if isinstance(row.feature, str) and isinstance(row.cost_change, str)]
    if report.by != ("feature",) or not moved:
        return ""
    most = max(moved, key=lambda row: abs(Decimal(row.cost_change or 0)))
    return f" --feature {shlex.quote(str(most.feature))}"


def draw_customers(report: Customers) -> None:
    """Customers as a table, dearest first."""
    heading("Customers", report.label, report.currency, report.shares)
    rows = [*report.rows, report.total]
    draw(
        [
            Column("", [row.label for row in rows], left=True),
            Column("plan", [text(row.plan) if row.label != "Total" else "" for row in rows], drop=4, left=True),
            Column("revenue", [money(row.revenue) for row in rows], drop=1),
            Column("cost to serve", [money(row.cost) for row in rows]),
            Column("keeps", [money(row.keeps) for row in rows], drop=1),
            Column("margin", [margin(row.margin) for row in rows], drop=2),
            Column("AI value", [money(row.value) for row in rows], drop=5),
            Column("calls", [number(row.calls) for row in rows], drop=3),
            Column("unpriced", [number(row.unpriced_calls) if row.unpriced_calls else "" for row in rows], drop=6),
        ],
        marked={len(rows) - 1: "total"}
        | {i: "bad" for i, row in enumerate(report.rows) if row.keeps and row.keeps.startswith("-")},
    )
    click.echo(report.sentence)
    hidden = report.customers - sum(row.customer is not None for row in report.rows)
    if hidden > 0:
        click.echo(f"{count(hidden, 'more customer')}: raise --limit, or use --csv for all.", err=True)
    click.echo("Next: breakeven calls customer:NAME for one customer's calls", err=True)


def draw_calls(report: CallList) -> None:
    """One page of calls."""
    rows = report.rows
    if rows:
        draw(
            [
                Column("time (UTC)", [row.occurred_at[:19].replace("T", " ") for row in rows], left=True, drop=3),
                Column("feature", [text(row.feature) for row in rows], left=True, drop=2),
                Column("customer", [text(row.customer) for row in rows], left=True, drop=5),
                Column("model", [text(row.model) for row in rows], left=True, drop=1),
                Column("status", [text(row.status) for row in rows], left=True, drop=6),
                Column("in", [number(row.input_tokens) for row in rows], drop=8),
                Column("cached", [number(row.cache_read_tokens) for row in rows], drop=9),
                Column("out", [number(row.output_tokens) for row in rows], drop=8),
                Column("reasoning", [number(row.reasoning_tokens) for row in rows], drop=10),
                Column("ms", [number(row.latency_ms) for row in rows], drop=7),
                Column("cost", [("≥" if row.partly_unpriced and row.cost else "") + each(row.cost) for row in rows]),
                Column("call", [row.call_id for row in rows], left=True),
            ]
        )
    click.echo(report.sentence)
    if report.next:
        click.echo(f"Next page: --after {report.next}", err=True)
    if rows:
        click.echo(f"Next: breakeven why {rows[0].call_id}", err=True)


def draw_spread(report: CallSpread) -> None:
    """The histogram: one line a bar, as long as its share of the largest."""
    heading("Cost of a call", report.label, report.currency)
    most = max((bar.attempts for bar in report.bars), default=0)
    if report.bars:
        draw(
            [
                Column("from", [each(bar.low) for bar in report.bars]),
                Column("below", [each(bar.high) for bar in report.bars]),
                Column("attempts", [number(bar.attempts) for bar in report.bars]),
                Column("cost", [money(bar.cost) for bar in report.bars], drop=1),
                Column("", ["█" * max(1, round(30 * bar.attempts / most)) for bar in report.bars], left=True, drop=2),
            ]
        )
    click.echo(report.sentence)


def draw_receipt(report: Receipt) -> None:
    """The receipt: attribution, then every line of every attempt."""
    click.echo(f"Receipt · call {report.call_id} · {report.currency}")
    known = [one for one in report.attribution if one.value is not None]
    for one in known:
        click.echo(f"  {one.dimension:<12}{one.value}  (by {one.source or 'unknown source'})")
    if not known:
        click.echo("  attributed to nobody")
    for attempt in report.attempts:
        _draw_attempt(attempt)
    click.echo(report.sentence)
    for problem in report.problems:
        click.echo(f"Problem: {problem}")


def _draw_attempt(attempt: Attempt) -> None:
    context = " ".join(f"{name}={value}" for name, value in attempt.context.items())
    heads = [
        f"attempt {attempt.attempt}",
        attempt.occurred_at,
        f"{text(attempt.provider)} {text(attempt.model)}",
        text(attempt.status),
        text(attempt.state),
    ]
    click.echo(" · ".join(heads) + (f" · {context}" if context else ""))
    lines = attempt.lines
    draw(
        [
            Column("line", [str(line.line) for line in lines] + [""]),
            Column("what", [text(line.usage_class) for line in lines] + ["sum"], left=True),
            Column("kind", [text(line.kind) for line in lines] + [""], left=True, drop=2),
            Column("quantity", [number(line.quantity) for line in lines] + [""]),
            Column("unit price", [_exact(line.unit_price) for line in lines] + [""]),
            Column("cost", [_exact(line.cost) for line in lines] + [_exact(attempt.cost)]),
            Column("state", [text(line.state) for line in lines] + [""], left=True, drop=3),
            Column("price version", [text(line.price_version) for line in lines] + [""], left=True, drop=1),
            Column("remark", [_adjustment(line.adjustment_of, line.reason) for line in lines] + [""], left=True, drop=4),
        ],
        marked={len(lines): "total"},
    )


def _exact(digits: str | None) -> str:
    """All digits: a receipt is not rounded."""
    return UNKNOWN if digits is None else f"{Decimal(digits):,f}".replace("-", "−")


def _adjustment(of: int | None, reason: str | None) -> str:
    return " ".join(part for part in (f"adjusts line {of}" if of is not None else "", reason or "") if part)


def draw_trace(report: Trace) -> None:
    """Steps in order of time with running cost."""
    rows = report.rows
    click.echo(f"Trace {report.trace} · {report.currency}")
    draw(
        [
            Column("+ms", [number(row.offset_ms) for row in rows]),
            Column("feature", [text(row.feature) for row in rows], left=True, drop=3),
            Column("model", [text(row.model) for row in rows], left=True),
            Column("try", [str(row.attempt) for row in rows], drop=4),
            Column("status", [text(row.status) for row in rows], left=True, drop=2),
            Column("ms", [number(row.latency_ms) for row in rows], drop=5),
            Column("tokens", [number(row.tokens) for row in rows], drop=3),
            Column("cost", [each(row.cost) for row in rows]),
            Column("so far", [each(row.cumulative) for row in rows]),
            Column("", ["bought nothing" if row.bought_nothing else "" for row in rows], left=True, drop=1),
            Column("call", [row.call_id for row in rows], left=True, drop=6),
        ],
        marked={index: "bad" for index, row in enumerate(rows) if row.bought_nothing},
    )
    click.echo(report.sentence)


def draw_unpriced(report: Unpriced) -> None:
    """The work list, with its remedies below."""
    rows = report.rows
    click.echo(f"Unpriced · {report.period}")
    if rows:
        draw(
            [
                Column("provider", [text(row.provider) for row in rows], left=True, drop=2),
                Column("model", [text(row.model) for row in rows], left=True),
                Column("state", [row.state for row in rows], left=True, drop=1),
                Column("calls", [number(row.calls) for row in rows]),
                Column("quantity", [number(row.quantity) for row in rows], drop=3),
                Column("from", [row.first_day for row in rows], drop=4),
                Column("to", [row.last_day for row in rows], drop=4),
                Column("reason", [row.reason for row in rows], left=True),
            ]
        )
    click.echo(report.sentence)
    for remedy in _distinct([row.remedy for row in rows]):
        click.echo(f"Next: {remedy}", err=True)


def draw_today(report: Today) -> None:
    """Today's answer: the sentence, the figures, and what needs attention."""
    heading("AI", report.label, report.currency, report.shares)
    figures = {
        "value": money(report.value),
        "cost": money(report.cost),
        "keeps": money(report.contribution),
        "margin": margin(report.margin),
    }
    click.echo(" · ".join(f"{name} {figure}" for name, figure in figures.items() if figure != UNKNOWN) or "no figures yet")
    click.echo(report.sentence)
    for one in report.attention:
        click.echo(f"! {one.what}\n  → {one.next}")
    if not report.attention:
        click.echo(
            "Nothing needs attention." if report.cost is not None else "Next: breakeven import FORMAT FILE, or breakeven demo."
        )


def _distinct(items: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(items))
