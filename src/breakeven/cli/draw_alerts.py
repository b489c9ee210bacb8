"""Alerts as a person reads them in a terminal: one block each, sentence and next step in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from breakeven.cli.tables import colour
from breakeven.governance.alerts import Crossing
from breakeven.reports.words import count
from breakeven.service.alertbook import Delivery

COLOURS = {"critical": "red", "warning": "yellow", "info": None}


def draw_check(rows: Sequence[Mapping[str, Any]]) -> None:
    """What is crossed now, news first."""
    for row in sorted(rows, key=lambda each: bool(each["told_before"])):
        told = "told before" if row["told_before"] else f"to {', '.join(row['to']) or 'no sink by itself'}"
        _block(
            row["severity"],
            f"{row['kind']} · {row['subject']} · owner {row['owner'] or 'nobody'} · {told}",
            row["what"],
            row["next"],
        )
    news = sum(not row["told_before"] for row in rows)
    click.echo(f"{count(len(rows), 'alert')} crossed now, {news:,} of them news." if rows else "Nothing is crossed.")


def draw_open(crossings: Sequence[Crossing], waiting: Sequence[Delivery]) -> None:
    """Open crossings, then alerts that no sink has taken yet."""
    for crossing in crossings:
        alert, since = crossing.alert, f"since {crossing.opened_at:%Y-%m-%d %H:%M} UTC"
        if alert is None:
            _block(
                "info",
                f"{crossing.kind} · {crossing.id} · {since}",
                "Crossed together with a higher threshold, which was told.",
                "",
            )
        else:
            title = f"{crossing.kind} · {alert.subject} · owner {alert.owner or 'nobody'} · {since}"
            _block(alert.severity, title, alert.what, alert.next_step)
    click.echo(f"{count(len(crossings), 'crossing')} open." if crossings else "Nothing is crossed.")
    for delivery in waiting:
        state = "given up" if delivery.state == "given_up" else f"next try {delivery.next_at:%Y-%m-%d %H:%M:%S} UTC"
        fault = f": {delivery.fault}" if delivery.fault else ""
        tried = count(delivery.attempts, "attempt")
        click.echo(f"Not delivered to {delivery.sink} ({tried}, {state}): {delivery.alert.kind} {delivery.alert.subject}{fault}")


def _block(severity: str, title: str, what: str, then: str) -> None:
    mark = click.style(severity, fg=COLOURS.get(severity), bold=True) if colour() else severity
    click.echo(f"{mark} · {title}\n  {what}" + (f"\n  Next: {then}" if then else "") + "\n")
