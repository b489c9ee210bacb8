"""`breakeven demo`: the invented sample company, built, loaded like real data, and its P&L."""

from __future__ import annotations

import itertools
import shlex
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from breakeven.cli.context import load
from breakeven.errors import DataError, UsageError

if TYPE_CHECKING:
    from breakeven.ledger import Ledger
    from breakeven.pricebook import RateCard
    from breakeven.settings import Settings

PERIOD = "2026-10"
KEPT = "input-invented"
INVOICED = ("anthropic", "openai")
"""The vendors that send the firm an invented invoice for October."""
_SECONDS = 5.0
_DOCUMENTS = 300
DOCUMENTS_LEDGER = "document-workflow"


@click.command()
@click.option(
    "--ledger", "ledger_path", type=click.Path(path_type=Path), help="Where to build it. Default: a new folder for temporary files."
)
@click.option("--seed", type=click.IntRange(min=0), help="Another seed writes other calls with the same planted truths.")
@click.option("--keep", is_flag=True, help="Keep the generated input files too, in the folder input-invented of the ledger.")
@click.option(
    "--live/--no-live", default=None, help="Whether to send invented live calls through a gateway. Default: unless --json."
)
@click.option("--seconds", type=click.FloatRange(min=1), help="How long. Default: until Ctrl-C on a terminal, else 5.")
@click.option(
    "--documents",
    type=click.IntRange(min=100),
    help="Also run the document workflow with so many invoices before and after. Default: 300 with live calls.",
)
@click.option("--json", "as_json", is_flag=True, help="The P&L as one JSON document.")
def demo(  # noqa: PLR0917 - one argument per option
    ledger_path: Path | None,
    seed: int | None,
    keep: bool,
    live: bool | None,
    seconds: float | None,
    documents: int | None,
    as_json: bool,
) -> None:
    """Build a year of an invented company in a ledger of its own and print what its AI features earn and cost.

    The generated files are loaded by the same importers as real data. Then a gateway meters invented live calls, which a scripted
    vendor answers, and they are shown as they arrive, at last in the P&L of this month. Before that the document workflow is run in
    a ledger of its own: invoices on the frontier model, then with a handler compiled from that traffic. All of it is invented.
    """
    from breakeven.cli.documentdemo import show_documents
    from breakeven.cli.reports import pnl
    from breakeven.sample import FIRM, INVENTED, SEED

    seed = SEED if seed is None else seed
    folder = ledger_path or Path(tempfile.mkdtemp(prefix="breakeven-demo-"))
    click.echo(f"{FIRM}. {INVENTED}", err=True)
    _build(folder, seed, folder / KEPT if keep else None)
    click.echo("", err=True)
    shown = ["--ledger", str(folder), "--period", PERIOD, "--vs", "previous"]
    pnl.main(args=[*shown, *(["--json"] if as_json else [])], prog_name="breakeven pnl", standalone_mode=False)
    if not as_json:
        _show_governance(folder)
    live = not as_json if live is None else live
    if documents is not None or live:
        show_documents(_unused(folder / DOCUMENTS_LEDGER), documents or _DOCUMENTS, seed)
    if live:
        _show_live(folder, seed, seconds if seconds is not None or sys.stdout.isatty() else _SECONDS)
    click.echo(_next_steps(folder), err=True)


def _unused(folder: Path) -> Path:
    """A folder of this name in which nothing is yet, so that two runs are not counted as one."""
    numbered = (folder.with_name(f"{folder.name}-{number}") for number in itertools.count(2))
    return next(path for path in itertools.chain([folder], numbered) if not path.exists())


def _show_governance(folder: Path) -> None:
    """What the firm's charter, budgets and policies say about October."""
    from breakeven.cli.budget import status
    from breakeven.cli.policy import policy

    click.echo("\nBudgets at the end of October (breakeven budget status):", err=True)
    at = ["--at", "2026-10-31T23:59:59Z", "--limit", "3"]
    status.main(args=["--ledger", str(folder), *at], prog_name="breakeven budget status", standalone_mode=False)
    click.echo("\nPolicies tried on October (breakeven policy test):", err=True)
    policy.main(args=["test", "--ledger", str(folder), "--period", PERIOD], prog_name="breakeven policy", standalone_mode=False)


def _show_live(folder: Path, seed: int, seconds: float | None) -> None:
    """Live calls as they arrive, then the P&L of the month with them."""
    from breakeven import app
    from breakeven.cli.livedemo import run_live
    from breakeven.cli.reports import pnl

    run_live(folder, seed, seconds)
    month = f"{app.now():%Y-%m}"
    click.echo(f"\nThe live calls are in the ledger now, and so in the P&L of {month}:", err=True)
    pnl.main(args=["--ledger", str(folder), "--period", month], prog_name="breakeven pnl", standalone_mode=False)


def _build(folder: Path, seed: int, kept: Path | None) -> None:
    """Make the ledger, write the files (to stay in `kept`, if given), import them; what is there already is not added again."""
    from breakeven import app
    from breakeven.economics.periods import parse_period
    from breakeven.exchange import ImportRequest, Target, importer
    from breakeven.ledger import open_ledger
    from breakeven.sample import holds_sample, write_configuration, write_facts
    from breakeven.sample.invoices import write_sample_invoice

    if folder.exists() and any(folder.iterdir()) and not holds_sample(folder, seed):
        raise UsageError(
            f"{folder} is in use, and not by the sample company of seed {seed}",
            "Name a new folder with --ledger, so that invented facts do not mix with other ones.",
        )
    open_ledger(folder, write=True, create=True).close()
    if not (folder / "breakeven.yaml").is_file():  # what was decided since, such as a rollout, stays
        write_configuration(folder, seed)
    settings, path = load(None, folder)
    with open_ledger(path, write=True) as ledger, tempfile.TemporaryDirectory(prefix="breakeven-invented-") as files:
        card = app.rate_card(settings, path)
        click.echo("writing a year of invented calls ...", err=True)
        written = write_facts(kept or Path(files), card, seed)
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
        _keep_replays(ledger, settings, card, seed)
        period = parse_period(PERIOD, app.now())
        for vendor in INVOICED:
            write_sample_invoice(path, ledger, vendor, period.start, period.end)


def _keep_replays(ledger: Ledger, settings: Settings, card: RateCard, seed: int) -> None:
    """A few replays with both answers, where the charter keeps bodies."""
    from breakeven import app
    from breakeven.sample import keep_replays
    from breakeven.sample.truth import CONTRACTS

    charter = settings.features.get(CONTRACTS)
    policy = None if charter is None else charter.capture
    with ledger.intake(source="sample:replays", quotes=app.quotes_for(card)) as intake:
        kept = keep_replays(ledger, intake, policy, seed, app.now())
    click.echo(f"kept both answers of {kept} invented replays", err=True)


def _next_steps(folder: Path) -> str:
    command = "breakeven" if shutil.which("breakeven") else sys.argv[0]
    return f"""
All of this is invented. Try next:
  export BREAKEVEN_LEDGER={shlex.quote(str(folder))}
  {command} pnl --period all --by month
  {command} customers --period {PERIOD}
  {command} calls --period {PERIOD} 'feature:"Contract extraction"' --limit 5
  {command} unpriced --period all
  {command} owner list --period {PERIOD}
  {command} audit --period {PERIOD}
  {command} forecast --period {PERIOD}
  {command} reconcile {shlex.quote(str(folder / f"invoice-anthropic-{PERIOD}-invented.csv"))}
  {command} ledger verify
  {command} serve            # then point OPENAI_BASE_URL or ANTHROPIC_BASE_URL at it
Then bring in your own: {command} import claude-code ~/.claude/projects --ledger my-ledger"""
