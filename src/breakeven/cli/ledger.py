"""`breakeven ledger`: verify, rebuild, seal, describe; `privacy.py` has what it forgets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from breakeven.cli.context import echo_json, ledger_options, load, open_for_reading
from breakeven.cli.hosts import collect_command, not_where_shipped, ship_command
from breakeven.cli.privacy import erase_command, pseudonym_command, retain_command
from breakeven.economics.money import digits
from breakeven.errors import LedgerDamaged

if TYPE_CHECKING:
    from breakeven.ledger.verify import VerifyReport

JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document.")


@click.group()
def ledger() -> None:
    """The record itself: verify its sums and hashes, rebuild the database, seal live segments, describe it."""


@ledger.command()
@JSON
@ledger_options
def verify(as_json: bool, ledger_path: Path | None, config: Path | None) -> None:
    """Prove the ledger: hashes, counts and exact sums of files, tables and rollups. Exit 3 where something is damaged."""
    from breakeven.ledger.verify import verify as verified

    _, path = load(config, ledger_path)
    open_for_reading(path).close()  # a ledger that is not there is told as such, not as damage
    _print(verified(path), path, as_json=as_json)


@ledger.command()
@JSON
@ledger_options
def rebuild(as_json: bool, ledger_path: Path | None, config: Path | None) -> None:
    """Make the database anew from the sealed files, to the same sums."""
    from breakeven.ledger.rebuild import rebuild as rebuilt

    _, path = load(config, ledger_path)
    _print(rebuilt(path), path, as_json=as_json)


@ledger.command()
@JSON
@ledger_options
def seal(as_json: bool, ledger_path: Path | None, config: Path | None) -> None:
    """Commit live segments and turn the closed ones into sealed files."""
    from breakeven.ledger import open_ledger
    from breakeven.ledger.live import seal_closed

    settings, path = load(config, ledger_path)
    not_where_shipped(settings)
    with open_ledger(path, write=True) as opened:
        segments = seal_closed(opened)
    if as_json:
        echo_json({"segments": segments})
    else:
        click.echo(f"{len(segments)} segments sealed")


@ledger.command()
@JSON
@ledger_options
def info(as_json: bool, ledger_path: Path | None, config: Path | None) -> None:
    """What the ledger holds: facts, time span, segments, size."""
    _, path = load(config, ledger_path)
    with open_for_reading(path) as opened:
        facts = {
            table: opened.query(f"SELECT count(*) FROM {table}")[0][0]
            for table in ("calls", "cost_lines", "outcomes", "revenue", "customers")
        }
        first, last = opened.query("SELECT min(occurred_at), max(occurred_at) FROM calls")[0]
        sources = opened.query("SELECT source, count(*) FROM sealed.segments GROUP BY source ORDER BY source")
        root = opened.layout.root
    size = sum(file.stat().st_size for file in root.rglob("*") if file.is_file())
    if as_json:
        span = {"from": first and first.isoformat(), "to": last and last.isoformat()}
        echo_json({"ledger": str(root), "facts": facts, **span, "segments": dict(sources), "bytes": size})
        return
    click.echo(f"{root}\n{size / 1e6:,.1f} MB, calls from {first or 'never'} to {last or 'never'} (UTC)")
    for name, count in (*facts.items(), *((f"segments of {source}", count) for source, count in sources)):
        click.echo(f"  {count:>14,}  {name}")


ledger.add_command(ship_command)
ledger.add_command(collect_command)
ledger.add_command(erase_command)
ledger.add_command(retain_command)
ledger.add_command(pseudonym_command)


def _print(report: VerifyReport, path: Path, *, as_json: bool) -> None:
    sums = {f"{table}.{name}": digits(total) for table, names in report.sums.items() for name, total in names.items()}
    problems = [{"where": problem.where, "what": problem.what, "remedy": problem.remedy} for problem in report.problems]
    if as_json:
        echo_json(
            {
                "holds": report.holds,
                "segments": report.segments,
                "files": report.files,
                "rows": report.rows,
                "sums": sums,
                "problems": problems,
            }
        )
    elif report.holds:
        click.echo(f"The ledger {path} holds: {report.segments} segments, {report.files} files, every hash, count and sum.")
        for table, count in report.rows.items():
            totals = ", ".join(f"{name} {digits(total)}" for name, total in report.sums[table].items())
            click.echo(f"  {count:>14,}  {table}{': ' if totals else ''}{totals}")
    if not report.holds:
        raise LedgerDamaged(f"the ledger {path} does not hold: {len(report.problems)} faults", problems=report.problems)
