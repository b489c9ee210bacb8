"""How a cell of a pack is written for people, by what it is: one place for HTML and Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from breakeven.reports.packs.structure import Cell, Figure, Kind
from breakeven.reports.words import MINUS, grouped, percent

UNKNOWN = "–"
TO_THE_LEFT: tuple[Kind, ...] = ("text", "verdict")
VERDICT_MARKS = {"creates": "▲ creates value", "destroys": "▼ destroys value", "met": "▲ met", "missed": "▼ missed"}


def shown(kind: Kind, cell: Cell) -> str:
    """A cell in words and digits: money without currency (the table says it once), `58.7%`, an en dash where unknown."""
    if cell is None:
        return UNKNOWN
    if kind == "verdict":
        return VERDICT_MARKS.get(str(cell), str(cell))
    if kind in ("money_range", "share_range"):
        return _range("money" if kind == "money_range" else "share", cell)
    if isinstance(cell, str):
        return _amount(kind, cell)
    return _number(kind, cell) if isinstance(cell, int | float) else str(cell)


def signed(digits: str) -> str:
    """A change: always with its sign, `±0` where there is none."""
    value = Decimal(digits)
    return "±0" if value == 0 else f"{MINUS if value < 0 else '+'}{grouped(abs(value))}"


def moved(figure: Figure) -> str:
    """The change of a headline figure in words: colour is never the only carrier."""
    if figure.change is None:
        return "change unknown"
    value = Decimal(figure.change)
    if value == 0:
        return "unchanged"
    arrow = "▲" if value > 0 else "▼"
    if figure.better == "neither":
        return f"{arrow} {signed(figure.change)}"
    return f"{arrow} {signed(figure.change)}, {'better' if (value > 0) == (figure.better == 'up') else 'worse'}"


def _number(kind: Kind, number: float) -> str:
    if kind == "share":
        return percent(float(number))
    return f"{number:,.2f} ×" if kind == "factor" else f"{number:,}"


def _amount(kind: Kind, text: str) -> str:
    if kind == "change":
        return signed(text)
    if kind != "money":
        return text
    value = Decimal(text)
    return f"{MINUS if value < 0 else ''}{grouped(abs(value))}"


def _range(kind: Kind, cell: Cell) -> str:
    if isinstance(cell, str) or not isinstance(cell, Sequence):
        return shown(kind, cell)
    ends = [shown(kind, end) for end in cell]
    return UNKNOWN if all(end is None for end in cell) else ends[0] if len(set(ends)) == 1 else " to ".join(ends)
