"""Two copies of a ledger side by side: counts, exact sums, and both month by month."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from breakeven.errors import Problem
from breakeven.ledger.clickhouse.facts import explained
from breakeven.ledger.schema import FACTS, TIME_COLUMN
from breakeven.ledger.seals import SUMS, UNDATED, Manifest

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_ROLLUPS = {"rollup_costs": ("cost_lines", ("quantity", "cost")), "rollup_calls": ("calls", ("input_tokens", "output_tokens"))}
"""What a rollup's sums must be equal to, month by month."""
_AGAIN = "Nothing was changed over; remove what is there and export again."


@dataclass(slots=True)
class Month:
    """The facts of one table in one month: how many rows, and the exact sums of known values."""

    rows: int = 0
    sums: dict[str, Decimal] = field(default_factory=dict)


Months = Mapping[tuple[str, str], Month]
"""By table and month (`2026-10`, or `undated`)."""


def sealed_months(manifests: Iterable[Manifest]) -> Months:
    """What the record says: the sums in the manifests of sealed segments."""
    found: dict[tuple[str, str], Month] = {}
    for file in (file for manifest in manifests for file in manifest.files):
        month = PurePosixPath(file.path).parent.name.removeprefix("month=")
        cell = found.setdefault((file.table, month), Month())
        cell.rows += file.rows
        for name, text in file.sums.items():
            cell.sums[name] = cell.sums.get(name, Decimal(0)) + Decimal(text or 0)
    return found


def shipped_months(client: Client, place: str) -> Months:
    """What ClickHouse holds, summed there."""
    found: dict[tuple[str, str], Month] = {}
    with explained(place):
        for table in FACTS:
            for month, rows, *sums in client.query(_summed(table, TIME_COLUMN[table], SUMS[table])).result_rows:
                found[table, month or UNDATED] = Month(rows, _exact(SUMS[table], sums))
    return found


def rolled_months(client: Client, place: str) -> Months:
    """The sums of the rollups, under the names of the tables that they sum up; rows are not told."""
    found: dict[tuple[str, str], Month] = {}
    with explained(place):
        for rollup, (table, names) in _ROLLUPS.items():
            for month, _, *sums in client.query(_summed(rollup, "day", names)).result_rows:
                found[table, month or UNDATED] = Month(0, _exact(names, sums))
    return found


def differences(wanted: Months, found: Months, *, rolled: bool = False) -> Iterator[Problem]:
    """Where two copies differ; of rollups only the sums that they have are compared."""
    tables = {table for table, _ in _ROLLUPS.values()}
    for table, month in sorted(wanted.keys() | found.keys()):
        if rolled and table not in tables:
            continue
        expected, held = wanted.get((table, month), Month()), found.get((table, month), Month())
        what = f"the rollup of {table}" if rolled else table
        if not rolled and expected.rows != held.rows:
            yield Problem(f"{what} of {month}", f"it holds {held.rows} rows, the sealed files hold {expected.rows}", _AGAIN)
        for name, total in (held if rolled else expected).sums.items():
            other = (expected if rolled else held).sums.get(name, Decimal(0))
            if total != other:
                yield Problem(
                    f"{what} of {month}", f"its sum of {name} differs from that of the sealed files by {total - other:f}", _AGAIN
                )


def _summed(table: str, time: str, names: Iterable[str]) -> str:
    sums = "".join(f", sum({name})" for name in names)
    return (
        f"SELECT if({time} IS NULL, NULL, formatDateTime({time}, '%Y-%m')) AS month, count(){sums} FROM {table} GROUP BY month"
        " ORDER BY month"
    )


def _exact(names: Iterable[str], sums: Iterable[Decimal | int | None]) -> dict[str, Decimal]:
    return {name: Decimal(total or 0) for name, total in zip(names, sums, strict=True)}
