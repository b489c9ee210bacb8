"""`breakeven audit replays`: both answers of each replay beside each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from breakeven.cli.audit import audit
from breakeven.cli.context import echo_json, ledger_options, load
from breakeven.errors import UsageError

if TYPE_CHECKING:
    from breakeven.reports.sidebyside import Pair

_MARKS = {"before": ("[-", "-]"), "again": ("{+", "+}"), "both": ("", "")}


@audit.command()
@click.argument("task_class", metavar="CLASS")
@click.option("--feature", metavar="NAME", help="Whose class it is. Needed where two features have it.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many at most.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document with both answers and the pieces that differ.")
@ledger_options
def replays(
    task_class: str, *, feature: str | None, limit: int, as_json: bool, ledger_path: Path | None, config: Path | None
) -> None:
    """What the dear and the cheap rung answered to the same tasks of CLASS, those that differ first.

    Only what is kept: `audit run` keeps answers where the feature's charter says `capture:`. [-so-] is what only the first
    answer says, {+so+} what only the cheaper rung's says.
    """
    from breakeven.ledger import open_ledger
    from breakeven.reports.sidebyside import side_by_side

    _, path = load(config, ledger_path)
    with open_ledger(path) as ledger:
        sql = "SELECT DISTINCT feature FROM replays WHERE task_class = CAST($class AS VARCHAR) AND feature IS NOT NULL ORDER BY ALL"
        owners = [row[0] for row in ledger.query(sql, {"class": task_class}) if feature in (None, row[0])]
        if len(owners) != 1:
            known = f"features that have it: {', '.join(owners)}" if owners else "no replay of it is known"
            raise UsageError(
                f"it is not clear whose class {task_class!r} is ({known})", "Say --feature NAME, or run: breakeven audit list"
            )
        found = side_by_side(ledger, ledger.layout, owners[0], task_class, limit)
    if as_json:
        echo_json(found)
        return
    for pair in found.pairs:
        click.echo(_drawn(pair) + "\n")
    click.echo(found.sentence)


def _drawn(pair: Pair) -> str:
    verdict = "same" if pair.agreed else "differs"
    head = f"{verdict}: {pair.call_id}, {pair.from_model or pair.from_rung} against {pair.to_model or pair.to_rung}"
    text = "".join(piece.text.join(_MARKS[piece.found_in]) for piece in pair.pieces)
    return f"{head}\n  asked: {' '.join(pair.asked.split())[:200]}\n  {text}"
