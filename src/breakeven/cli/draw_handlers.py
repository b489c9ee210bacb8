"""Handlers as a person reads them in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from breakeven.cli.tables import UNKNOWN, Column, draw, number
from breakeven.reports.handlers import due
from breakeven.reports.words import percent

if TYPE_CHECKING:
    from breakeven.reports.handlers import HandlerRow, Handlers


def draw_handlers(report: Handlers) -> None:
    """All of them, the withdrawn marked."""
    rows = report.rows
    if rows:
        draw(
            [
                Column("handler", [row.name for row in rows], left=True),
                Column("kind", [row.kind for row in rows], left=True, drop=4),
                Column("mode", ["withdrawn" if row.withdrawn else row.mode for row in rows], left=True),
                Column("share", [_share(row.share) if row.mode in {"shadow", "trial"} else "" for row in rows], drop=3),
                Column("checked", [_share(row.checked) if row.mode in {"trial", "live"} else "" for row in rows], drop=3),
                Column("checks", [number(row.checks) for row in rows], drop=2),
                Column("agreed", [percent(row.agreement) for row in rows], drop=1),
                Column("at least", [percent(row.lower_bound) for row in rows]),
                Column("floor", [percent(row.floor) for row in rows]),
                Column("declared", [row.place for row in rows], left=True, drop=5),
            ],
            marked={place: "bad" for place, row in enumerate(rows) if row.withdrawn},
        )
    click.echo(report.sentence)
    for row in rows:
        if row.withdrawn:
            click.echo(f"! {row.sentence}")
    if rows:
        click.echo(f"Next: breakeven handlers show {rows[0].name}", err=True)


def draw_handler(row: HandlerRow) -> None:
    """One of them."""
    click.echo(f"{row.name} · {row.kind} · {row.source} · {row.place}")
    facts = [
        ("mode", row.mode + (", withdrawn" if row.withdrawn else "")),
        ("share of traffic", _share(row.share)),
        ("checked for ever", _share(row.checked)),
        ("time limit", f"{row.timeout_ms:,.0f} ms"),
        ("checks", f"{row.checks:,}, of which {row.agreements:,} agreed ({percent(row.agreement)})"),
        ("at least", f"{percent(row.lower_bound)} with 95% confidence; floor {percent(row.floor)}"),
        ("due", f"the floor must be proven after {due(row):,} checks"),
        ("recorded since", row.recorded_since or UNKNOWN),
        ("fingerprint", row.fingerprint),
    ]
    for name, told in facts:
        click.echo(f"  {name:<17}{told}")
    click.echo(row.sentence)
    if row.withdrawn:
        click.echo(f"Next: breakeven handlers reinstate {row.name} --why TEXT", err=True)


def _share(share: float) -> str:
    return f"{share * 100:g}%"
