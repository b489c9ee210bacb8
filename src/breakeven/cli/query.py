"""`breakeven query`: a question in SQL of one's own."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import click

from breakeven.cli.context import echo_json, ledger_options, load, open_for_reading
from breakeven.errors import UsageError

_MOST_DRAWN = 1000


@click.command()
@click.argument("sql", required=False)
@click.option("--views", is_flag=True, help="List the views that may be asked, with their columns.")
@click.option("--limit", type=click.IntRange(1), help=f"Rows at most. Default: all, {_MOST_DRAWN:,} in a table.")
@click.option("--json", "as_json", is_flag=True, help="JSON: money as strings of exact digits, null where unknown.")
@click.option("--csv", "as_csv", is_flag=True, help="CSV: exact decimals, empty where unknown.")
@ledger_options
def query(
    *,
    sql: str | None,
    views: bool,
    limit: int | None,
    as_json: bool,
    as_csv: bool,
    ledger_path: Path | None,
    config: Path | None,
) -> None:
    """Ask the ledger in SQL (DuckDB's): one SELECT over its views, read-only. `-` reads the query from stdin.

    For example: breakeven query "SELECT model, sum(cost) FROM cost_lines GROUP BY model ORDER BY 2 DESC"
    """
    if as_json and as_csv:
        raise UsageError("--json and --csv exclude each other", "Choose one of them.")
    if views:
        _views(as_json=as_json)
        return
    text = sys.stdin.read() if sql == "-" else sql
    if not text or not text.strip():
        raise UsageError("there is no query", 'Write one, such as: breakeven query "SELECT count(*) FROM calls".')
    from breakeven.ledger.reading import asked

    _, path = load(config, ledger_path)
    with open_for_reading(path) as ledger, asked(ledger, text) as (names, found):
        rows = islice(found, limit)
        if as_json:
            echo_json([dict(zip(names, map(_plain, row), strict=True)) for row in rows])
        elif as_csv:
            _write_csv(names, rows)
        else:
            _draw(names, rows, limit)


def _views(*, as_json: bool) -> None:
    from breakeven.ledger.reading import VIEWS

    if as_json:
        echo_json(VIEWS)
        return
    for view, columns in VIEWS.items():
        click.echo(f"{view}\n  " + "\n  ".join(f"{name:<20}{kind}" for name, kind in columns.items()))


def _write_csv(names: Sequence[str], rows: Iterator[tuple[Any, ...]]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_plain(value) for value in row] for row in rows)


def _draw(names: Sequence[str], rows: Iterator[tuple[Any, ...]], limit: int | None) -> None:
    from breakeven.cli.tables import UNKNOWN, Column, draw

    shown = list(islice(rows, limit or _MOST_DRAWN))
    cells = [[UNKNOWN if value is None else str(_plain(value)) for value in row] for row in shown]
    numeric = [any(isinstance(row[place], int | float | Decimal) for row in shown) for place in range(len(names))]
    draw([Column(name, [row[place] for row in cells], left=not numeric[place]) for place, name in enumerate(names)])
    if limit is None and next(rows, None) is not None:
        click.echo(f"The first {_MOST_DRAWN:,} rows; --limit, --json or --csv give more.", err=True)


def _plain(value: object) -> object:
    """A value as JSON and CSV have it: decimals as exact digits, instants in ISO 8601, whatever else is strange as its text."""
    if isinstance(value, Decimal):
        from breakeven.economics.money import digits

        return digits(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
