"""Blocks about what was earned and spent: the P&L, cost classes, unit economics against target, adoption, customers, models."""

from __future__ import annotations

from msgspec import UNSET

from breakeven.economics.money import amount, atto
from breakeven.reports.costclasses import cost_classes
from breakeven.reports.customers import customers as customers_report
from breakeven.reports.packs.sources import Sources
from breakeven.reports.packs.structure import Block, Cell, Chart, ChartPoint, Column
from breakeven.reports.pnl import PnlRow, pnl
from breakeven.reports.question import Question
from breakeven.reports.units import UnitRow
from breakeven.reports.units import units as units_report
from breakeven.reports.words import count, dollars

MOST_PRINTED = 8
MOST_CUSTOMERS = 12


def features(sources: Sources) -> Block:
    """What does each feature earn, cost and keep?"""
    found = sources.pnl
    changed = sources.versus is not None
    rows = [*found.rows]
    known = [row for row in rows if row.value is not None or row.cost is not None][:MOST_PRINTED]
    return Block(
        id="features",
        title="P&L by feature",
        question="What does each feature earn, cost and keep?",
        sentence=found.sentence,
        columns=[
            Column("feature", "Feature"),
            Column("owner", "Owner"),
            Column("value", "Value", "money"),
            Column("cost", "Cost", "money"),
            Column("contribution", "Keeps", "money"),
            Column("margin", "Margin", "share"),
            Column("cost_per_outcome", "Per outcome", "money"),
            *([Column("cost_change", "Cost change", "change")] if changed else []),
            Column("verdict", "Verdict", "verdict"),
        ],
        rows=[_pnl_cells(row, changed=changed) for row in rows],
        total=_pnl_cells(found.total, changed=changed),
        rows_printed=MOST_PRINTED,
        chart=Chart(
            "pairs",
            "Value against cost by feature",
            "; ".join(f"{row.label}: {_said(row)}" for row in known),
            ("value", "cost"),
            [ChartPoint(row.label, [row.value, row.cost]) for row in known],
        ),
        more=sources.command("pnl", versus=True),
        trail=found.trail,
    )


def _said(row: PnlRow) -> str:
    value, cost = (None if each is None else dollars(atto(each)) for each in (row.value, row.cost))
    return f"value {value or 'unknown'}, cost {cost or 'unknown'}"


def _pnl_cells(row: PnlRow, *, changed: bool) -> list[Cell]:
    owner = row.owner or ("nobody" if row.kind in ("group", "unattributed") else None)
    change = None if row.cost_change is UNSET else row.cost_change
    verdict = row.verdict or ("no owner" if row.kind == "unattributed" else None)
    cells: list[Cell] = [row.label, owner, row.value, row.cost, row.contribution, row.margin, row.cost_per_outcome]
    return [*cells, *([change] if changed else []), verdict]


def classes(sources: Sources) -> Block:
    """What kind of cost is it?"""
    found = cost_classes(sources.facts, sources.settings, sources.question)
    return Block(
        id="cost-classes",
        title="Cost classes",
        question="What kind of cost is it?",
        sentence=found.sentence,
        columns=[
            Column("feature", "Feature"),
            *(Column(name, name.replace("_", " ").capitalize(), "money") for name in found.classes),
            Column("fixed_cost", "Fixed", "money"),
        ],
        rows=[[row.label, *(row.variable.get(name) for name in found.classes), row.fixed_cost] for row in found.rows],
        total=["Total", *(found.total.variable.get(name) for name in found.classes), found.total.fixed_cost],
        rows_printed=MOST_PRINTED,
        more=sources.command("pnl"),
        trail=found.trail,
    )


def units(sources: Sources) -> Block:
    """What does one outcome cost, and is the target met?"""
    found = units_report(sources.facts, sources.settings, sources.question.over(sources.period))
    return Block(
        id="units",
        title="Unit economics against target",
        question="What does one outcome cost, and is the target met?",
        sentence=found.sentence,
        columns=[
            Column("feature", "Feature"),
            Column("cost_per_outcome", "Cost per outcome", "money"),
            Column("interval", "95% interval", "money_range"),
            Column("cost_per_success", "Per success", "money"),
            Column("margin", "Margin", "share"),
            Column("margin_floor", "Target", "share"),
            Column("target", "Met?", "verdict"),
            Column("price_breakeven", "Breaks even at prices", "text"),
        ],
        rows=[_unit_cells(row, sources) for row in found.rows if row.kind == "group"],
        rows_printed=MOST_PRINTED,
        more=sources.command("units"),
        trail=found.trail,
    )


def _unit_cells(row: UnitRow, sources: Sources) -> list[Cell]:
    declared = sources.settings.features.get(row.feature or "")
    floor = None if declared is None or declared.margin_floor is None else float(declared.margin_floor)
    met = None if floor is None or row.margin is None else "met" if row.margin >= floor else "missed"
    outcome, success, edge = row.per_outcome, row.per_success, row.breakeven.get("price")
    at = None if edge is None or edge.factor is None else f"{edge.side} {edge.factor:,.2f} × today's"
    interval = None if outcome is None or outcome.low is None else [outcome.low, outcome.high]
    cost = None if outcome is None else outcome.cost
    return [row.label, cost, interval, None if success is None else success.cost, row.margin, floor, met or "no target", at]


def adoption(sources: Sources) -> Block:
    """Which features are used, and do the popular ones pay?"""
    found = sources.portfolio
    return Block(
        id="adoption",
        title="Adoption",
        question="Which features are used, and do the popular ones pay?",
        sentence=found.sentence,
        columns=[
            Column("feature", "Feature"),
            Column("customers", "Customers", "count"),
            Column("adoption", "Used", "count"),
            Column("unit", "Unit"),
            Column("growth", "Against before", "factor"),
            Column("margin", "Margin", "share"),
            Column("place", "Place"),
            Column("pace", "Cost grows"),
        ],
        rows=[
            [row.feature, row.customers, row.adoption, row.unit, row.growth, row.margin, row.place, row.pace] for row in found.rows
        ],
        rows_printed=MOST_PRINTED,
        more=sources.command("portfolio"),
        trail=found.trail,
    )


def to_do(sources: Sources) -> Block:
    """What comes first?"""
    found = sources.portfolio
    return Block(
        id="to-do",
        title="What to do first",
        question="What comes first?",
        sentence=f"{count(len(found.findings), 'finding')} by what {'it is' if len(found.findings) == 1 else 'they are'} worth."
        if found.findings
        else "Nothing stands out.",
        columns=[Column("what", "What"), Column("worth", "Worth in the period", "money_range"), Column("evidence", "Evidence")],
        rows=[[row.what, row.worth, row.evidence] for row in found.findings],
        rows_printed=3,
        more=sources.command("portfolio"),
        trail=found.trail,
    )


def customers(sources: Sources) -> Block:
    """Which customers cost more than they pay?"""
    found = customers_report(sources.facts, sources.settings, sources.question.over(sources.period))
    losing = sorted(
        (row for row in found.rows if row.keeps is not None and atto(row.keeps) < 0), key=lambda row: atto(row.keeps or "0")
    )
    rows = losing or list(found.rows)
    return Block(
        id="customers",
        title="Customers served at a loss" if losing else "Customers",
        question="Which customers cost more than they pay?",
        sentence=found.sentence,
        columns=[
            Column("customer", "Customer"),
            Column("plan", "Plan"),
            Column("calls", "Calls", "count"),
            Column("revenue", "Revenue", "money"),
            Column("cost", "Cost to serve", "money"),
            Column("keeps", "Keeps", "money"),
            Column("margin", "Margin", "share"),
        ],
        rows=[[row.label, row.plan, row.calls, row.revenue, row.cost, row.keeps, row.margin] for row in rows],
        rows_printed=MOST_CUSTOMERS,
        more=sources.command("customers"),
        trail=found.trail,
    )


def models(sources: Sources) -> Block:
    """What was metered by provider and model, as an invoice lists it?"""
    question = Question(sources.period, by=("provider", "model"))
    found = pnl(sources.facts, sources.settings, question)
    rows = sorted(found.rows, key=lambda row: (row.cost is None, -amount(atto(row.cost or "0"))))
    return Block(
        id="models",
        title="Metered cost by provider and model",
        question="What was metered by provider and model, as an invoice lists it?",
        sentence=f"{count(len(rows), 'model')} cost {dollars(atto(found.total.cost))} in {found.label}."
        if found.total.cost is not None
        else f"No cost is known in {found.label}.",
        columns=[
            Column("provider", "Provider"),
            Column("model", "Model"),
            Column("calls", "Calls", "count"),
            Column("unpriced_calls", "Without a price", "count"),
            Column("cost", "Cost", "money"),
            Column("cost_per_call", "Per call", "money"),
        ],
        rows=[[_key(row.provider), _key(row.model), row.calls, row.unpriced_calls, row.cost, row.cost_per_call] for row in rows],
        total=["Total", None, found.total.calls, found.total.unpriced_calls, found.total.cost, found.total.cost_per_call],
        rows_printed=20,
        more=sources.command("pnl --by provider,model"),
        trail=found.trail,
    )


def _key(name: object) -> str | None:
    return name if isinstance(name, str) else None
