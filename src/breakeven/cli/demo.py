"""`breakeven demo`: the invented sample company, built, loaded like real data, and its P&L."""

from __future__ import annotations

import shlex
import shutil
import sys
import tempfile
from pathlib import Path

import click

from breakeven.cli.context import load
from breakeven.errors import DataError

PERIOD = "2026-10"


@click.command()
@click.option(
    "--ledger", "ledger_path", type=click.Path(path_type=Path), help="Where to build it. Default: a new folder for temporary files."
)
@click.option("--seed", type=int, help="Another seed writes other calls with the same planted truths.")
@click.option("--json", "as_json", is_flag=True, help="The P&L as one JSON document.")
def demo(ledger_path: Path | None, seed: int | None, as_json: bool) -> None:
    """Build a year of an invented company in a ledger of its own and print what its AI features earn and cost.

    The generated files are loaded by the same importers as real data; all of it is invented and says so.
    """
    from breakeven.cli.reports import pnl
    from breakeven.sample import FIRM, INVENTED

    folder = ledger_path or Path(tempfile.mkdtemp(prefix="breakeven-demo-"))
    click.echo(f"{FIRM}. {INVENTED}", err=True)
    _build(folder, seed)
    click.echo("", err=True)
    shown = ["--ledger", str(folder), "--period", PERIOD, "--vs", "previous"]
    pnl.main(args=[*shown, *(["--json"] if as_json else [])], prog_name="breakeven pnl", standalone_mode=False)
    click.echo(_next_steps(folder), err=True)


def _build(folder: Path, seed: int | None) -> None:
    """Make the ledger, write the files, import them; what is there already is not added again."""
    from breakeven import app
    from breakeven.exchange import ImportRequest, Target, importer
    from breakeven.ledger import open_ledger
    from breakeven.sample import SEED, write_configuration, write_facts

    open_ledger(folder, write=True, create=True).close()
    write_configuration(folder)
    settings, path = load(None, folder)
    with open_ledger(path, write=True) as ledger, tempfile.TemporaryDirectory(prefix="breakeven-invented-") as files:
        card = app.rate_card(settings, path)
        click.echo("writing a year of invented calls ...", err=True)
        written = write_facts(Path(files), card, SEED if seed is None else seed)
        target = Target(ledger, app.quotes_for(card), settings.cost_classes)
        for name, paths in written.items():
            report = importer(name).run(ImportRequest(files=paths, now=app.now()), target)
            if report.rejected:
                raise DataError(
                    f"{report.rejected} invented rows of {name} were rejected",
                    "This is a fault of Breakeven.",
                    tuple(report.problems),
                )
            added = report.result.calls_added or sum(report.result.facts_added.values())
            click.echo(
                f"imported {len(paths)} files of {name}: {added:,} added, {report.result.duplicates:,} were there already", err=True
            )


def _next_steps(folder: Path) -> str:
    command = "breakeven" if shutil.which("breakeven") else sys.argv[0]
    return f"""
All of this is invented. Try next:
  export BREAKEVEN_LEDGER={shlex.quote(str(folder))}
  {command} pnl --period all --by month
  {command} customers --period {PERIOD}
  {command} calls --period {PERIOD} 'feature:"Contract extraction"' --limit 5
  {command} unpriced --period all
  {command} ledger verify
Then bring in your own: {command} import claude-code ~/.claude/projects --ledger my-ledger"""
