"""`breakeven alerts`: what is crossed, what would be told now, and whether a sink works."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from breakeven.cli.acting import acting
from breakeven.cli.context import echo_json, ledger_options, load, open_facts
from breakeven.errors import Unreachable, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from breakeven.governance.alerts import Crossing
    from breakeven.service.alertbook import Delivery
    from breakeven.settings import Settings

NOWHERE = "no sink"


@click.group()
def alerts() -> None:
    """What is crossed, what would be told now, and whether a sink works.

    Rules and sinks stand in breakeven.yaml under `alerts`; `breakeven serve` evaluates them.
    """


@alerts.command(name="list")
@click.option("--kind", help="Only alerts of this kind, such as threshold.")
@click.option("--json", "as_json", is_flag=True, help="Crossings and deliveries as JSON.")
@ledger_options
def list_(kind: str | None, as_json: bool, ledger_path: Path | None, config: Path | None) -> None:
    """The crossings that are open, and alerts that are on their way or could not be delivered."""
    from breakeven.cli.draw_alerts import draw_open
    from breakeven.ledger.store import locate

    _, path = load(config, ledger_path)
    known, deliveries = _remembered(locate(path).root)
    wanted = [each for each in known.values() if kind in (None, each.kind)]
    waiting = [each for each in deliveries if each.state != "sent" and kind in (None, each.alert.kind)]
    if as_json:
        echo_json({"crossings": [_crossing(each) for each in wanted], "undelivered": [_delivery(each) for each in waiting]})
        return
    draw_open(wanted, waiting)


@alerts.command()
@click.option("--at", "instant", metavar="INSTANT", help="As of then, to try rules on the past: 2026-10-15. Default: now.")
@click.option("--json", "as_json", is_flag=True, help="The alerts as JSON.")
@ledger_options
def check(instant: str | None, as_json: bool, ledger_path: Path | None, config: Path | None) -> None:
    """Evaluate the rules now and print what would be told. Nothing is sent and nothing is remembered.

    Budgets are those of now even with --at, because only their present accounts are kept.
    """
    from breakeven.cli.draw_alerts import draw_check
    from breakeven.governance.alerts import run_rate
    from breakeven.reports.alertfacts import Asked
    from breakeven.reports.standing import budget_statuses
    from breakeven.service.alerting import look
    from breakeven.settings.alerts import usual_rules

    settings, path = load(config, ledger_path)
    if not settings.alerts.rules:
        click.echo("breakeven: no alerts are configured; this is what the usual rules would tell", err=True)
        settings = replace(settings, alerts=replace(settings.alerts, rules=usual_rules((NOWHERE,))))
    at = _instant(instant)
    with open_facts(path, settings) as ledger:
        statuses = budget_statuses(settings, path.expanduser().resolve(), at)
        known, _ = _remembered(path.expanduser().resolve())
        asked = Asked(ledger, settings, settings.alerts.rules, at, statuses, run_rate)
        found = look(asked, known, settings.alerts.kinds())
    sinks = {alert.crossing: list(dict.fromkeys(to)) for alert, to in found.told if to != (NOWHERE,)}
    rows = [
        {**_alert(alert), "told_before": crossing in known, "to": sinks.get(crossing, [])}
        for crossing, alert in sorted(found.crossed.items(), key=lambda pair: (pair[1].kind, pair[1].subject))
    ]
    if as_json:
        echo_json({"at": at.isoformat(timespec="seconds") + "Z", "alerts": rows, "clear": sorted(found.turn.closed)})
        return
    draw_check(rows)


@alerts.command()
@click.argument("sink")
@ledger_options
def test(sink: str, ledger_path: Path | None, config: Path | None) -> None:
    """Send a labelled test alert to SINK, at once and without retries."""
    from breakeven.exchange.sinks import open_sink

    settings, path = load(config, ledger_path)
    found = _sink(settings, sink)
    with acting(settings, path, "test alerts", f"sink {sink}"):
        open_sink(found, os.environ).send(_trial(sink, datetime.now(UTC).replace(tzinfo=None)))
    click.echo(f"{sink} has taken the test alert.", err=True)


def _sink(settings: Settings, name: str) -> Any:  # noqa: ANN401 - the settings of one sink
    sinks = settings.alerts.sinks
    if name not in sinks:
        known = f"Sinks: {', '.join(sinks)}." if sinks else "Declare one in breakeven.yaml: `alerts: {sinks: {log: {kind: log}}}`."
        raise UsageError(f"there is no sink {name!r}", known)
    return sinks[name]


def _trial(sink: str, at: datetime) -> Any:  # noqa: ANN401 - an alert
    from breakeven.governance.alerts import Alert

    return Alert(
        "test", sink, "info", f"This is a test of the sink {sink}: nothing has happened.",
        "Nothing to do. It was sent by: breakeven alerts test", None, f"test|{sink}", at,
    )  # fmt: skip


def _remembered(root: Path) -> tuple[Mapping[str, Crossing], list[Delivery]]:
    """What has been told; nothing where no alert was ever looked at."""
    import sqlite3

    from breakeven.service.alertbook import FILE, AlertBook

    if not (root / FILE).exists():
        return {}, []
    try:
        book = AlertBook(root / FILE)
        try:
            return book.crossings(), book.deliveries()
        finally:
            book.close()
    except sqlite3.OperationalError as error:
        raise Unreachable(f"{root / FILE} cannot be read: {error}", "Check its permissions, and the disk.") from error


def _instant(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC).replace(tzinfo=None)
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--at {text!r} is not an instant", "Write 2026-10-15 or 2026-10-15T12:00:00Z.") from None
    return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value


def _alert(alert: Any) -> dict[str, Any]:  # noqa: ANN401 - an alert
    from breakeven.exchange.sinks.message import payload

    return {name: value for name, value in payload(alert).items() if name != "type"}


def _crossing(crossing: Crossing) -> dict[str, Any]:
    return {
        "crossing": crossing.id,
        "kind": crossing.kind,
        "since": crossing.opened_at.isoformat(timespec="seconds") + "Z",
        "alert": None if crossing.alert is None else _alert(crossing.alert),
    }


def _delivery(delivery: Delivery) -> dict[str, Any]:
    return {
        "sink": delivery.sink,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "queued_at": delivery.queued_at.isoformat(timespec="seconds") + "Z",
        "next_at": delivery.next_at.isoformat(timespec="seconds") + "Z" if delivery.state == "waiting" else None,
        "fault": delivery.fault,
        "alert": _alert(delivery.alert),
    }
