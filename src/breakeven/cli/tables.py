"""How tables are drawn: numbers to the right, thousands apart, a true minus sign; narrow terminals lose columns, never digits."""

from __future__ import annotations

import csv
import io
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import click

from breakeven.economics.money import shown
from breakeven.reports.words import MINUS, percent, significant

UNKNOWN = "–"
GAP = "  "
PIPED_WIDTH = 10_000
_WHOLE_FROM = 100


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its head, its cells already as text, and how willingly it goes when the terminal is narrow (0 never goes)."""

    head: str
    cells: Sequence[str]
    drop: int = 0
    left: bool = False


def draw(columns: Sequence[Column], *, marked: Mapping[int, str] | None = None) -> None:
    """Print the columns that fit. `marked` gives rows a style: `bad` (red) or `total` (bold); only where colour is welcome."""
    kept = fitted([column for column in columns if any(cell not in ("", UNKNOWN) for cell in column.cells) or column.drop == 0])
    widths = [max(len(column.head), *(len(cell) for cell in column.cells), 0) for column in kept]
    coloured = colour()
    click.echo(
        click.style(_line([column.head for column in kept], kept, widths), bold=True)
        if coloured
        else _line([c.head for c in kept], kept, widths)
    )
    for index in range(len(kept[0].cells)):
        line = _line([column.cells[index] for column in kept], kept, widths)
        style = (marked or {}).get(index)
        click.echo(click.style(line, fg="red" if style == "bad" else None, bold=style == "total") if coloured and style else line)


def fitted(columns: Sequence[Column], width: int | None = None) -> list[Column]:
    """The columns that fit into the terminal, dropping the most willing first; what remains keeps all its digits."""
    kept = list(columns)
    limit = terminal_width() if width is None else width
    while sum(max(len(c.head), *map(len, c.cells), 0) + len(GAP) for c in kept) - len(GAP) > limit:
        most = max(kept, key=lambda column: column.drop)
        if most.drop == 0:
            break
        kept.remove(most)
    return kept


def terminal_width() -> int:
    """Columns of the terminal; unlimited when the output is piped, so that nothing is lost on the way to a file."""
    if os.environ.get("COLUMNS", "").isdigit():
        return int(os.environ["COLUMNS"])
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else PIPED_WIDTH


def colour() -> bool:
    """Whether colour is welcome: a terminal, and no NO_COLOR."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def money(digits: str | None, *, signed: bool = False) -> str:
    """Whole units from 100 on, cents below, three significant digits below one unit; unknown is a dash."""
    if digits is None:
        return UNKNOWN
    value = Decimal(digits)
    size = abs(value)
    text = f"{shown(size, 0):,}" if size >= _WHOLE_FROM else f"{shown(size, 2)}" if size >= 1 else significant(size)
    sign = MINUS if value < 0 else "+" if signed and value > 0 else ""
    return sign + text


def each(digits: str | None) -> str:
    """A unit cost to three significant digits."""
    return UNKNOWN if digits is None else significant(Decimal(digits))


def number(value: int | None) -> str:
    """A count with thousands apart."""
    return UNKNOWN if value is None else f"{value:,}".replace("-", MINUS)


def margin(value: float | None) -> str:
    """A margin in percent."""
    return UNKNOWN if value is None else percent(value)


def text(value: str | None) -> str:
    """A text cell."""
    return UNKNOWN if value in (None, "") else str(value)


ALMOST_WHOLE = 99.9


def badge(share: float | None, word: str) -> str:
    """`priced 96.8%`; a share that is not whole never reads as 100%, so that a gap is never rounded away; `priced –`."""
    if share is None:
        return f"{word} {UNKNOWN}"
    shown = 100 if share == 1 else min(round(share * 100, 1), ALMOST_WHOLE)
    return f"{word} {shown:g}%"


def write_csv(rows: Sequence[Any]) -> None:
    """Rows of structs as CSV to stdout: exact decimals, raw units, empty where unknown."""
    import msgspec

    plain = [_flat(msgspec.to_builtins(row)) for row in rows]
    heads = list(dict.fromkeys(name for row in plain for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, heads, lineterminator="\n")
    writer.writeheader()
    writer.writerows(plain)
    click.echo(out.getvalue(), nl=False)


def _flat(row: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}_")
        else:
            flat[prefix + name] = ";".join(str(item) for item in value) if isinstance(value, list) else value
    return flat


def _line(cells: Sequence[str], columns: Sequence[Column], widths: Sequence[int]) -> str:
    parts = [
        cell.ljust(width) if column.left else cell.rjust(width) for cell, column, width in zip(cells, columns, widths, strict=True)
    ]
    return GAP.join(parts).rstrip()
