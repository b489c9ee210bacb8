"""`breakeven decisions`: who decided what, when, why and from where."""

from __future__ import annotations

from pathlib import Path

import click

from breakeven.cli.context import ledger_options, load
from breakeven.cli.reports import _output, output_options
from breakeven.errors import DataError


@click.command()
@click.option("--subject", metavar="TEXT", help="Only decisions whose subject contains this.")
@click.option("--actor", metavar="NAME", help="Only what this person decided.")
@click.option("--since", metavar="DATE", help="Only from this day on, such as 2026-11-01.")
@output_options
@ledger_options
def decisions(
    *,
    subject: str | None,
    actor: str | None,
    since: str | None,
    as_json: bool,
    as_csv: bool,
    ledger_path: Path | None,
    config: Path | None,
) -> None:
    """Every change of a limit, key, price, policy, route or owner, and every refused one; the latest last.

    The log is append-only and chained: exit code 3 where a decision was changed or taken out.
    """
    from breakeven.cli.draw_decisions import draw_decisions
    from breakeven.ledger.store import locate
    from breakeven.reports.decisions import decision_list

    _, path = load(config, ledger_path)
    found, problems = decision_list(locate(path), subject=subject, actor=actor, since=since)
    _output(found, as_json=as_json, as_csv=as_csv, rows=found.rows, drawn=draw_decisions)
    if problems:
        raise DataError("the decisions log is damaged", "Restore it from a backup.", tuple(problems))
