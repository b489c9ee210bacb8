"""`breakeven ledger`: verify, rebuild, seal, describe, move; `privacy.py` has what it forgets."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from breakeven.cli.acting import acting
from breakeven.cli.context import echo_json, find_config, ledger_options, load, open_for_reading
from breakeven.cli.hosts import collect_command, not_where_shipped, ship_command
from breakeven.cli.privacy import erase_command, pseudonym_command, retain_command
from breakeven.economics.money import digits
from breakeven.errors import LedgerDamaged, UsageError

if TYPE_CHECKING:
    from breakeven.ledger.clickhouse.moving import Moved
    from breakeven.ledger.verify import VerifyReport
    from breakeven.settings.files import Edit

JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document.")


@click.group()
def ledger() -> None:
    """The record itself: verify its sums and hashes, rebuild the database, seal live segments, describe it, move it."""


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
            for table in ("calls", "cost_lines", "outcomes", "revenue", "customers", "replays")
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


@ledger.command()
@click.option("--to", "target", required=True, metavar="PLACE", help="clickhouse://user@host:8123/database, or a new directory.")
@click.option(
    "--retention-days", type=click.IntRange(1), help="ClickHouse only: keep single facts this long; sums are kept for good."
)
@click.option("--flip", is_flag=True, help="ClickHouse only: when all is equal, let reports ask it (edits breakeven.yaml).")
@JSON
@ledger_options
def export(
    *, target: str, retention_days: int | None, flip: bool, as_json: bool, ledger_path: Path | None, config: Path | None
) -> None:
    """Move the record to ClickHouse or to another directory, and prove counts, exact sums and sums by month there.

    May be run again at any time: what is there already is not sent twice. Exit 3 where the two differ; nothing is flipped then.
    """
    from breakeven.ledger.clickhouse import moving
    from breakeven.ledger.clickhouse.connection import connected
    from breakeven.settings.clickhouse import is_clickhouse, parse_address

    settings, path = load(config, ledger_path)
    if not is_clickhouse(target):
        if flip or retention_days is not None:
            raise UsageError("--flip and --retention-days are about ClickHouse", "Leave them out, or name a clickhouse:// address.")
        moved = moving.to_directory(moving.settle(path), Path(target))
        _moved(moved, f"the ledger {path} is also at {target}", as_json=as_json)
        return
    address = parse_address(target)
    edit = _flipped(find_config(config, ledger_path), path, target) if flip else None
    layout = moving.settle(path)
    with closing(connected(address, create=True)) as client:
        days = retention_days or (settings.clickhouse.retention_days if settings.clickhouse else None)
        moved = moving.to_clickhouse(layout, client, str(address), days)
    if edit is not None:
        with acting(settings, path, "move the ledger", f"answers from {address}"):
            edit.write()
    _moved(moved, f"the ledger {path} is also at {address}{'; reports ask it from now on' if flip else ''}", as_json=as_json)


@ledger.command("import")
@click.option("--from", "source", required=True, metavar="ADDRESS", help="clickhouse://user@host:8123/database.")
@JSON
@ledger_options
def import_(*, source: str, as_json: bool, ledger_path: Path | None, config: Path | None) -> None:
    """Make the ledger anew, in a new directory, from ClickHouse, and prove counts, exact sums and sums by month against it.

    The directory gets its name only when all is equal. Exit 3 where it is not.
    """
    from breakeven.ledger.clickhouse import moving
    from breakeven.ledger.clickhouse.connection import connected
    from breakeven.settings.clickhouse import parse_address

    _, path = load(config, ledger_path)
    address = parse_address(source)
    with closing(connected(address)) as client:
        moved = moving.from_clickhouse(client, str(address), path)
    _moved(moved, f"the ledger of {address} is also at {path}", as_json=as_json)


def _flipped(config: Path | None, ledger: Path, address: str) -> Edit:
    """The edit of the configuration by which reports ask ClickHouse."""
    from breakeven.settings.editing import with_clickhouse
    from breakeven.settings.files import Edit

    if config is None:
        raise UsageError(
            "there is no breakeven.yaml to flip",
            f"Write one with `ledger: {{path: {ledger}, clickhouse: ..., answers: clickhouse}}`.",
        )
    text = config.read_text("utf-8")
    return Edit(config, text, with_clickhouse(text, str(config), str(ledger.resolve()), address))


def _moved(moved: Moved, what: str, *, as_json: bool) -> None:
    sums = {f"{table}.{name}": digits(total) for table, names in moved.sums.items() for name, total in names.items()}
    if as_json:
        echo_json(
            {
                "equal": True,
                "segments": moved.segments,
                "added": moved.added,
                "rows": moved.rows,
                "sums": sums,
                "months": moved.months,
            }
        )
        return
    click.echo(f"Equal in every count, exact sum and month: {what}. {moved.segments} segments, {moved.added} of them new there.")
    for table, count in moved.rows.items():
        totals = ", ".join(f"{name} {digits(total)}" for name, total in moved.sums.get(table, {}).items())
        click.echo(f"  {count:>14,}  {table}{': ' if totals else ''}{totals}")


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
