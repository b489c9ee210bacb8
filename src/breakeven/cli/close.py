"""`breakeven close`: lock a month with its prices, sign off its statement, and see what was signed off."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from breakeven.cli.acting import acting, actor
from breakeven.cli.context import ledger_options, load, open_for_reading
from breakeven.cli.reports import _output, now, output_options
from breakeven.errors import PolicyFailed, UsageError

if TYPE_CHECKING:
    from breakeven.ledger.closing import Close
    from breakeven.ledger.layout import Layout
    from breakeven.reports.closing import ShownClose
    from breakeven.settings import Settings


@click.command()
@click.argument("period", required=False)
@click.option("--list", "listing", is_flag=True, help="Every closed period.")
@click.option("--show", "showing", is_flag=True, help="What was signed off for PERIOD, and what has changed since.")
@click.option("--unreconciled", is_flag=True, help="Close it although some of its cost was held against no invoice.")
@click.option("--why", metavar="TEXT", help="A remark, for the statement and the decisions log.")
@output_options
@ledger_options
def close(  # noqa: PLR0913 - one argument per option
    *,
    period: str | None,
    listing: bool,
    showing: bool,
    unreconciled: bool,
    why: str | None,
    as_json: bool,
    as_csv: bool,
    ledger_path: Path | None,
    config: Path | None,
) -> None:
    """Lock the month PERIOD (like 2026-10) with its price versions, and write its signed-off statement.

    From then on restatements and invoices book what concerns it at the start of the next open period, where it is seen. Takes the
    role finance. Exit code 1 where cost is not reconciled, or where a signed-off period has changed.
    """
    from breakeven.ledger.closing import closes
    from breakeven.ledger.store import locate

    settings, path = load(config, ledger_path)
    layout = locate(path)
    if listing or (period is None and not showing):
        _list(closes(layout), as_json=as_json, as_csv=as_csv)
        return
    if period is None:
        raise UsageError("which period?", "Name it, such as: breakeven close 2026-10 --show.")
    if showing:
        _show(layout, period, as_json=as_json, as_csv=as_csv)
        return
    _close(settings, layout, period, why, unreconciled=unreconciled, as_json=as_json, as_csv=as_csv)


def _close(
    settings: Settings, layout: Layout, name: str, why: str | None, *, unreconciled: bool, as_json: bool, as_csv: bool
) -> None:
    """Sign a period off; the statement is on the disk before the decision that has its digest."""
    from breakeven.ledger import open_ledger
    from breakeven.ledger.closing import digest
    from breakeven.reports.signoff import ACTION, SignOff, month_to_close, signed_off

    month = month_to_close(name, now(), layout)
    with (
        acting(settings, layout.root, ACTION, f"period {month.name}", why=why) as act,
        open_ledger(layout.root, write=True) as ledger,
    ):
        act.done = False
        by = SignOff(actor(settings, layout.root), now(), why, unreconciled)
        made, statement = signed_off(ledger, settings, layout, month, by)
        act.done, act.after = True, digest(made)
    if statement.unknown_lines:
        click.echo(f"breakeven: {statement.unknown_lines:,} cost lines have no known cost: breakeven unpriced", err=True)
    place = layout.root / "closes" / f"{month.name}.md"
    _output(statement, as_json=as_json, as_csv=as_csv, rows=statement.pnl.rows, drawn=lambda found: click.echo(found.sentence))
    click.echo(f"breakeven: {month.label} is closed; the statement: {place}", err=True)


def _list(found: list[Close], *, as_json: bool, as_csv: bool) -> None:
    from breakeven.ledger.closing import digest

    rows: list[dict[str, Any]] = [
        {"period": each.period, "closed_at": each.closed_at, "by": each.by, "role": each.role, "cost": each.statement["cost"],
         "digest": digest(each)}
        for each in found
    ]  # fmt: skip
    sentence = f"{len(rows)} periods are closed." if len(rows) != 1 else "1 period is closed."
    _output({"rows": rows, "sentence": sentence}, as_json=as_json, as_csv=as_csv, rows=rows, drawn=_draw_list)


def _draw_list(found: dict[str, Any]) -> None:
    from breakeven.cli.tables import Column, draw, money

    rows = found["rows"]
    if rows:
        draw(
            [
                Column("period", [row["period"] for row in rows], left=True),
                Column("cost", [money(row["cost"]) for row in rows]),
                Column("closed", [row["closed_at"] for row in rows], left=True, drop=1),
                Column("by", [f"{row['by']} ({row['role']})" for row in rows], left=True, drop=2),
                Column("digest", [row["digest"][:12] for row in rows], left=True, drop=3),
            ]
        )
    click.echo(found["sentence"])


def _show(layout: Layout, name: str, *, as_json: bool, as_csv: bool) -> None:
    from breakeven.economics.periods import parse_period
    from breakeven.ledger.closing import closes
    from breakeven.ledger.decisions import read
    from breakeven.reports.closing import shown_close
    from breakeven.reports.signoff import ACTION

    period = parse_period(name, now())
    made = next((each for each in closes(layout) if each.span == (period.start, period.end)), None)
    if made is None:
        raise UsageError(f"{period.label} is not closed", "See which are: breakeven close --list.")
    decided = [each.after for each in read(layout)[0] if each.action == ACTION and each.allowed]
    with open_for_reading(layout.root) as ledger:
        found = shown_close(ledger, made, decided, period)
    _output(found, as_json=as_json, as_csv=as_csv, rows=found.statement["pnl"]["rows"], drawn=_draw_shown)
    if not (found.unchanged and found.logged):
        raise PolicyFailed(found.sentence, "What came later: breakeven calls, or import it into the period that is open.")


def _draw_shown(found: ShownClose) -> None:
    click.echo(found.statement["sentence"])
    click.echo(f"{found.sentence} SHA-256 {found.digest}.")
