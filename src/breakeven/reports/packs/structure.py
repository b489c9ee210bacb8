"""A pack as data: ordered blocks, each with the question it answers, its sentence, its table, its chart and its trail.

HTML, Markdown and JSON are drawn from this one structure, so that they cannot say different things. Cells are as exact as the
report that they come from: money is a string of exact digits, shares are numbers from 0 to 1, unknown is null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from breakeven.reports.trail import Shares

Cell = str | int | float | Sequence[str | float | None] | None
Kind = Literal["text", "count", "money", "change", "share", "factor", "money_range", "share_range", "verdict"]
ChartKind = Literal["pairs", "waterfall", "band"]


class Column(msgspec.Struct, frozen=True):
    """One column: its key in JSON, its head, and what its cells are (which decides how they are written and aligned)."""

    key: str
    title: str
    kind: Kind = "text"


class ChartPoint(msgspec.Struct, frozen=True):
    """One place on a chart. `values`, exact digits: one per series (pairs), the change (waterfall), or point, low, high (band).

    `whole`: a waterfall's bar that stands on zero; `known`: what has happened already, against what is forecast.
    """

    label: str
    values: Sequence[str | None]
    whole: bool = False
    known: bool = True


class Chart(msgspec.Struct, frozen=True):
    """What to draw, and in words what is to be seen for those who do not see it. The table beside it has the same figures."""

    kind: ChartKind
    title: str
    description: str
    series: Sequence[str]
    points: Sequence[ChartPoint]


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """One question and its answer. `rows_printed`: how many rows paper shows at most; JSON has all of them. `more`: the command."""

    id: str
    title: str
    question: str
    sentence: str
    columns: Sequence[Column] = ()
    rows: Sequence[Sequence[Cell]] = ()
    total: Sequence[Cell] | None = None
    rows_printed: int | None = None
    chart: Chart | None = None
    notes: Sequence[str] = ()
    more: str = ""
    trail: Any = None


class Figure(msgspec.Struct, frozen=True):
    """One of the headline figures, with its change against the period before (null: unknown), and which direction is better."""

    name: str
    kind: Kind
    value: Cell
    change: str | None
    better: Literal["up", "down", "neither"]


class Pack(msgspec.Struct, frozen=True, kw_only=True):
    """A report to send to somebody: title, period, headline, badges, blocks by page, and how the figures are made."""

    name: str
    title: str
    reader: str
    period: str
    label: str
    start: str
    end: str
    versus: str | None
    currency: str
    made_at: str
    sentence: str
    figures: Sequence[Figure]
    shares: Shares
    pages: Sequence[Sequence[Block]]
    methods: Mapping[str, str]

    @property
    def blocks(self) -> list[Block]:
        """All blocks in order."""
        return [block for page in self.pages for block in page]
