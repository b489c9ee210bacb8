"""Does the invoice tie? Metered against invoiced, the cause of each difference with its remedy, and what to post."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec

from breakeven.economics.money import digits
from breakeven.economics.periods import Period
from breakeven.economics.reconciliation import Compared, InvoiceLine, Metered, Part, Reconciliation, Unknown, plain_model, reconcile
from breakeven.reports.owners import quoted
from breakeven.reports.question import Facts, statement, whole
from breakeven.reports.reconcilewords import remedy, sentence
from breakeven.settings import CURRENCY

FORMULA: Mapping[str, str] = {
    "difference": "invoiced - metered",
    "invoiced": "sum of the invoice's lines, in dollars at the rate of the books",
    "metered": "sum of known cost of the invoice's vendors in the period, without adjustments of invoices",
    "remaining": "difference - tax - posted before",
}
NOT_POSTED = ("tax", "unexplained")
POSTED = "none: it is posted"
_AROUND = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Held:
    """What an invoice is held against: its lines, the period, the tolerance as a share, and what is known of keys and days.

    `given` and `rates`: how the command line is told which invoice it is, and the books' rates of its currencies.
    """

    given: str
    invoice: str
    lines: Sequence[InvoiceLine]
    period: Period
    tolerance: Decimal
    our_keys: Sequence[str] = ()
    shift: int | None = None
    rates: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def providers(self) -> list[str]:
        """The vendors that it bills."""
        return sorted({line.provider for line in self.lines})


def given(what: str, options: Mapping[str, Sequence[object | None]]) -> str:
    """How the command line is told of an invoice with these options; what is None is left out."""
    said = [f" {name} {quoted(str(value))}" for name, values in options.items() for value in values if value is not None]
    return "".join([what, *said])


class CauseRow(msgspec.Struct, frozen=True, kw_only=True):
    """One cause: what it adds to or takes from the metered cost. `remedy` is a command, or what to do."""

    cause: str
    provider: str
    model: str | None
    usage_class: str | None
    detail: str
    first_day: str | None
    last_day: str | None
    quantity: int
    amount: str
    remedy: str


class CellRow(msgspec.Struct, frozen=True, kw_only=True):
    """Both sides of one vendor, model, class, tier and day; null where the invoice does not tell them apart."""

    provider: str
    model: str | None
    usage_class: str | None
    tier: str | None
    day: str | None
    metered: str
    invoiced: str
    difference: str


class Reconciled(msgspec.Struct, frozen=True, kw_only=True):
    """The report. `within`: what remains and what is unexplained are both within the tolerance."""

    invoice: str
    period: str
    label: str
    currency: str
    metered: str
    posted: str
    invoiced: str
    difference: str
    tax: str
    remaining: str
    unexplained: str
    share: float | None
    tolerance: float
    within: bool
    explained: bool
    rows: Sequence[CauseRow]
    cells: Sequence[CellRow]
    sentence: str
    trail: Mapping[str, Any]


def reconciled_with(ledger: Facts, held: Held) -> tuple[Reconciled, Reconciliation]:
    """Hold an invoice against the ledger: the report, and the exact result that `post` shares out."""
    metered = _metered(ledger, held)
    found = reconcile(
        held.lines,
        metered,
        _unknown(ledger, held),
        (held.period.start, held.period.end),
        our_keys=held.our_keys,
        shift=held.shift,
    )
    posted = whole(_ask(ledger, "reconcile_posted", held)[0][0])
    tax = sum(part.amount for part in found.parts if part.cause == "tax")
    remaining = found.difference - tax - posted
    most = abs(found.invoiced) * Fraction(held.tolerance)
    within, explained = abs(remaining) <= most and found.unexplained <= most, found.unexplained <= most
    rows = _rows(found, held, settled=bool(posted) and not remaining)
    report = Reconciled(
        invoice=held.invoice,
        period=held.period.name,
        label=held.period.label,
        currency=CURRENCY,
        metered=digits(found.metered) or "0",
        posted=digits(posted) or "0",
        invoiced=digits(found.invoiced) or "0",
        difference=digits(found.difference) or "0",
        tax=digits(tax) or "0",
        remaining=digits(remaining) or "0",
        unexplained=digits(found.unexplained) or "0",
        share=abs(remaining) / abs(found.invoiced) if found.invoiced else None,
        tolerance=float(held.tolerance),
        within=within,
        explained=explained,
        rows=rows,
        cells=[_cell_row(cell) for cell in found.cells],
        sentence=sentence(found, posted, remaining, held.tolerance, within=within, explained=explained),
        trail={
            "formula": FORMULA,
            "rows": {"invoice_lines": len(held.lines), "metered_hours": len(metered), "cells": len(found.cells)},
            "vendors": held.providers,
            "day_starts": {provider: f"{hours % 24:02d}:00 UTC" for provider, hours in found.shifts.items()},
        },
    )
    return report, found


def _ask(ledger: Facts, name: str, held: Held, around: timedelta = timedelta()) -> list[tuple[Any, ...]]:
    span = {"start": held.period.start - around, "end": held.period.end + around}
    return ledger.query(statement(name), {**span, "providers": held.providers})


def _metered(ledger: Facts, held: Held) -> list[Metered]:
    return [
        Metered(provider, plain_model(model), usage_class, tier, hour, int(quantity), whole(cost), int(unpriced))
        for provider, model, usage_class, tier, hour, quantity, cost, unpriced in _ask(ledger, "reconcile_metered", held, _AROUND)
    ]


def _unknown(ledger: Facts, held: Held) -> list[Unknown]:
    gaps = _ask(ledger, "reconcile_unknown", held)
    if not gaps:
        return []
    largest: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for provider, model, usage_class, quantity in _ask(ledger, "reconcile_largest", held):
        known = largest[provider, plain_model(model)]
        known[usage_class] = max(known.get(usage_class, 0), int(quantity or 0))
    return [
        Unknown(provider, plain_model(model), day, calls, largest[provider, plain_model(model)])
        for provider, model, day, calls in gaps
    ]


def _rows(found: Reconciliation, held: Held, *, settled: bool) -> list[CauseRow]:
    """Causes, the largest first; each price, each key and each unexplained difference is one of its own.

    `settled`: everything that can be posted is.
    """
    groups: dict[tuple[str, ...], list[Part]] = defaultdict(list)
    for part in found.parts:
        apart = part.cause in ("price", "unpriced", "unexplained")
        finer = (part.cell.model or "", part.cell.usage_class or "") if apart else ("", "")
        groups[part.cause, part.cell.provider, part.detail, *finer].append(part)
    rows = [(sum(part.amount for part in parts), key, parts) for key, parts in groups.items()]
    rows.sort(key=lambda row: (-abs(row[0]), row[1]))
    made = [_row(amount, parts, held) for amount, _, parts in rows]
    return [msgspec.structs.replace(row, remedy=POSTED) if settled and row.cause not in NOT_POSTED else row for row in made]


def _row(amount: int, parts: Sequence[Part], held: Held) -> CauseRow:
    first = parts[0]
    models, classes = {part.cell.model for part in parts}, {part.cell.usage_class for part in parts}
    days = sorted(part.cell.day for part in parts if part.cell.day is not None)
    return CauseRow(
        cause=first.cause,
        provider=first.cell.provider,
        model=first.cell.model if len(models) == 1 else None,
        usage_class=first.cell.usage_class if len(classes) == 1 else None,
        detail=first.detail,
        first_day=_text(days[0]) if days else None,
        last_day=_text(days[-1]) if days else None,
        quantity=sum(part.quantity for part in parts),
        amount=digits(amount) or "0",
        remedy=remedy(parts, held.lines, held.period, held.given, held.rates),
    )


def _text(day: date) -> str:
    return day.isoformat()


def _cell_row(compared: Compared) -> CellRow:
    cell = compared.cell
    return CellRow(
        provider=cell.provider,
        model=cell.model,
        usage_class=cell.usage_class,
        tier=cell.tier,
        day=None if cell.day is None else _text(cell.day),
        metered=digits(compared.metered) or "0",
        invoiced=digits(compared.invoiced) or "0",
        difference=digits(compared.invoiced - compared.metered) or "0",
    )
