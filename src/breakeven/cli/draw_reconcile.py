"""A reconciliation as a person reads it in a terminal."""

from __future__ import annotations

from decimal import Decimal

import click

from breakeven.cli.tables import UNKNOWN, Column, draw
from breakeven.economics.money import shown
from breakeven.reports.monthbooks import Books, BooksRow
from breakeven.reports.reconcile import CauseRow, Reconciled
from breakeven.reports.words import MINUS, percent


def draw_reconciled(report: Reconciled) -> None:
    """Both sides, each cause with its remedy, and the sentence."""
    click.echo(f"Invoice {report.invoice} · {report.label} · {report.currency}")
    tax = f", {_cents(report.tax, signed=False)} of it tax" if report.tax != "0" else ""
    posted = f" · adjusted {_cents(report.posted)}" if report.posted != "0" else ""
    share = "" if report.share is None else f" ({report.share:.2%}, tolerance {report.tolerance:.2%})"
    click.echo(
        f"metered {_cents(report.metered, signed=False)}{posted} · invoiced {_cents(report.invoiced, signed=False)}{tax}"
        f" · difference {_cents(report.remaining)}{share}"
    )
    if report.rows:
        draw(
            [
                Column("  cause", [f"  {_named(row)}" for row in report.rows], left=True),
                Column("amount", [_cents(row.amount) for row in report.rows]),
                Column("remedy", [f"→ {row.remedy}" for row in report.rows], left=True, drop=1),
            ]
        )
    click.echo(report.sentence)


def draw_books(report: Books) -> None:
    """Vendors' models with what was metered, posted and booked, and how much of it was held against an invoice."""
    click.echo(f"Books · {report.label} · {report.currency}")
    rows = report.rows
    if rows:
        every: list[BooksRow | Books] = [*rows, report]
        draw(
            [
                Column("vendor", [row.provider or UNKNOWN for row in rows] + ["Total"], left=True),
                Column("model", [row.model or UNKNOWN for row in rows] + [""], left=True, drop=2),
                Column("metered", [_cents(row.metered, signed=False) for row in every]),
                Column("posted", [_cents(row.adjusted) if row.adjusted != "0" else UNKNOWN for row in every], drop=1),
                Column("booked", [_cents(row.booked, signed=False) for row in every]),
                Column("held against an invoice", [percent(row.reconciled) for row in every]),
            ],
            marked={len(rows): "total"},
        )
    for each in report.posted:
        click.echo(f"  posted for {each.cause.replace('_', ' ')} {each.provider or ''} {each.model or ''}: {_cents(each.amount)}")
    click.echo(report.sentence)
    if report.open_because:
        click.echo(f"{report.open_because} Next: breakeven reconcile INVOICE", err=True)


def _named(row: CauseRow) -> str:
    where = " ".join(filter(None, (row.model, row.usage_class))) if row.cause in ("price", "unpriced", "unexplained") else ""
    return ": ".join(
        filter(None, (" ".join(filter(None, (row.cause, row.provider))), ", ".join(filter(None, (where, row.detail)))))
    )


def _cents(digits: str, *, signed: bool = True) -> str:
    value = shown(Decimal(digits), 2)
    sign = MINUS if value < 0 else "+" if signed and value > 0 else ""
    return f"{sign}{abs(value):,}"
