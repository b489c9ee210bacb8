"""`breakeven budget`: which limits there are, how they stand, and a new limit for one of them."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from breakeven.cli.acting import acting
from breakeven.cli.context import ledger_options, load, open_facts
from breakeven.cli.edits import edit
from breakeven.cli.reports import _instant, _output, output_options
from breakeven.errors import Unreachable, UsageError

if TYPE_CHECKING:
    from breakeven.accounts import Books
    from breakeven.reports.question import Facts
    from breakeven.settings import Settings


@click.group()
def budget() -> None:
    """Budgets: limits with an owner, how much of them is gone, and when they will be reached."""


@budget.command("list")
@output_options
@ledger_options
def list_(*, as_json: bool, as_csv: bool, ledger_path: Path | None, config: Path | None) -> None:
    """Every limit in words, with file and line."""
    from breakeven.cli.draw_budget import draw_declared
    from breakeven.reports.budgets import declared

    settings, _ = load(config, ledger_path)
    found = declared(settings)
    _output(found, as_json=as_json, as_csv=as_csv, rows=found.rows, drawn=draw_declared)


@budget.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--at", metavar="INSTANT", help="As of then, such as 2026-10-31T23:59:59Z. Default: now, or the end of the latest facts."
)
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="Rows of the table, the fullest first.")
@output_options
@ledger_options
def status(
    *,
    names: tuple[str, ...],
    at: str | None,
    limit: int,
    as_json: bool,
    as_csv: bool,
    ledger_path: Path | None,
    config: Path | None,
) -> None:
    """How each budget (or those NAMED) stands: limit, spent, reserved, when it runs out, what happens next; the fullest first."""
    from breakeven.cli.draw_budget import draw_budgets
    from breakeven.reports.budgets import budgets

    settings, path = load(config, ledger_path)
    unknown = set(names) - {each.id for each in settings.budgets}
    if unknown:
        raise UsageError(f"there is no budget {', '.join(sorted(unknown))}", "See: breakeven budget list")
    books = _books(settings, path)
    try:
        with open_facts(path, settings) as ledger:
            found = budgets(ledger, settings, books if at is None else None, _instant(at) or _present(ledger), names)
    finally:
        if books is not None:
            books.close()
    _output(found, as_json=as_json, as_csv=as_csv, rows=found.rows, drawn=lambda report: draw_budgets(report, limit))


@budget.command("set")
@click.argument("name")
@click.option("--limit", required=True, metavar="AMOUNT", help="As the file has it: '$25,000', '5M tokens', '1000 calls'.")
@click.option("--why", metavar="TEXT", help="The reason, for the decisions log.")
@click.option("--dry-run", is_flag=True, help="Show the difference and write nothing.")
@ledger_options
def set_(*, name: str, limit: str, why: str | None, dry_run: bool, ledger_path: Path | None, config: Path | None) -> None:
    """Give the budget NAME another limit: edits breakeven.yaml in place and shows the difference.

    Comments and formatting stay as they are. It is in force after `breakeven reload`.
    """
    from breakeven.governance.budgets import exact
    from breakeven.settings.editing import with_limit

    settings, ledger = load(config, ledger_path)
    if name not in {each.id for each in settings.budgets if each.kind == "budget"}:
        raise UsageError(f"there is no budget {name!r}", "See: breakeven budget list")
    budget_of = next(each for each in settings.budgets if each.id == name)
    feature = next((values[0] for scope, values in budget_of.scope if scope == "feature" and len(values) == 1), None)
    with acting(settings, ledger, "set budgets", f"budget {name}", feature=feature, why=why) as act:
        path = edit(config, ledger_path, lambda text, file: with_limit(text, file, name, limit.strip()), dry_run=dry_run)
        act.done, act.before, act.after = path is not None, exact(budget_of.measure, budget_of.limit), limit.strip()
    if path is not None:
        click.echo(f"breakeven: commit {path.name}, so that it is reviewed; then run: breakeven reload", err=True)
    elif not dry_run:
        click.echo(f"the limit of {name} is {limit} already")


def _books(settings: Settings, ledger: Path) -> Books | None:
    """The accounts of the gateways; without them the ledger alone answers, and the row says so."""
    from breakeven.accounts import open_books

    books = open_books(settings.gateway.accounts, ledger, os.environ)
    try:
        books.opened()
    except Unreachable as error:
        click.echo(f"breakeven: {error.what}; what the ledger knows is shown instead", err=True)
        books.close()
        return None
    return books


def _present(ledger: Facts) -> datetime:
    """Now; of a ledger whose facts ended in an earlier month, the end of its last day."""
    from breakeven.app import now
    from breakeven.reports.budgets import present

    return present(ledger, now())
