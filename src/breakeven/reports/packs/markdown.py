"""A pack as Markdown: the same sentences and tables, for a wiki, a pull request or a mail without pictures."""

from __future__ import annotations

from collections.abc import Sequence

from breakeven.reports.packs.cells import TO_THE_LEFT, moved, shown
from breakeven.reports.packs.html import badges
from breakeven.reports.packs.structure import Block, Cell, Column, Figure, Pack

_MARKS = frozenset("\\`*_[]<>|#&!~")


def markdown_of(pack: Pack) -> str:
    """The whole text. What comes from the ledger is escaped: a name makes no link, no heading and no cell."""
    against = f" against {plain(pack.versus)}" if pack.versus else ""
    lines = [
        f"# {plain(pack.title)}",
        f"{plain(pack.label)}{against}, in {pack.currency} · {' · '.join(badges(pack))}",
        f"**{plain(pack.sentence)}**",
        "\n".join(_figure(figure) for figure in pack.figures),
    ]
    for block in pack.blocks:
        lines += _block(block)
    lines += ["## How the figures are made", "\n".join(f"- {plain(name)}: {plain(words)}" for name, words in pack.methods.items())]
    lines.append(f"Made {pack.made_at} by Breakeven. An en dash is unknown, never nothing.")
    return "\n\n".join(line for line in lines if line) + "\n"


def plain(text: str) -> str:
    """A text that Markdown shows as it is, on one line."""
    return "".join(f"\\{each}" if each in _MARKS else each for each in _one_line(text))


def _one_line(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text)


def _figure(figure: Figure) -> str:
    change = "" if figure.kind == "share" else f" ({moved(figure)})"
    return f"- {plain(figure.name)}: {plain(shown(figure.kind, figure.value))}{change}"


def _block(block: Block) -> list[str]:
    notes = [plain(note) for note in block.notes]
    more = [f"More: `{_one_line(block.more).replace('`', '')}`"] if block.more else []
    return [f"## {plain(block.title)}", f"*{plain(block.question)}*", plain(block.sentence), _table(block), *notes, *more]


def _table(block: Block) -> str:
    if not block.rows and block.total is None:
        return ""
    most = len(block.rows) if block.rows_printed is None else block.rows_printed
    sides = " | ".join("---" if column.kind in TO_THE_LEFT else "---:" for column in block.columns)
    rows = [_row(block.columns, row) for row in block.rows[:most]]
    total = [] if block.total is None else [_row(block.columns, block.total)]
    left = len(block.rows) - most
    more = [f"\n{left:,} more rows are not shown here."] if left > 0 else []
    return "\n".join((f"| {' | '.join(plain(column.title) for column in block.columns)} |", f"| {sides} |", *rows, *total, *more))


def _row(columns: Sequence[Column], row: Sequence[Cell]) -> str:
    return f"| {' | '.join(plain(shown(column.kind, cell)) for column, cell in zip(columns, row, strict=True))} |"
