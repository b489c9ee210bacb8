"""Why an amount moved, as a person reads it in a terminal."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from decimal import Decimal

import click

from breakeven.cli.tables import UNKNOWN, Column, draw, money
from breakeven.reports.bridge import Bridge
from breakeven.reports.bridgetree import Node, ThemeBar

_MOST_BARS = 6


def draw_bridge(report: Bridge, *, drivers: bool = False) -> None:
    """The amounts, a line per bar, the branches below, the sentence."""
    who = " · ".join(name or f"no {level}" for level, name in report.where.items())
    title = f"Why {report.of} moved" + (f" · {who}" if who else "")
    click.echo(f"{title} · {report.label} against {report.versus_label} · {report.currency}")
    click.echo(f"{money(report.before)} → {money(report.after)}  ({money(report.change, signed=True)})")
    if report.bars:
        _draw_bars(report.bars, drivers=drivers)
    if report.tree:
        _draw_tree(report)
    click.echo(report.sentence)
    click.echo(f"Next: {_next(report)}", err=True)


def _draw_bars(bars: Sequence[ThemeBar], *, drivers: bool) -> None:
    lines = list(_lines(bars, drivers=drivers))
    widths = [max(len(line[at]) for line in lines) for at in (0, 1)]
    for name, change, words in lines:
        click.echo(f"  {name.ljust(widths[0])}  {change.rjust(widths[1])}  {words}".rstrip())


def _lines(bars: Sequence[ThemeBar], *, drivers: bool) -> Iterator[tuple[str, str, str]]:
    for bar in bars:
        yield bar.name, UNKNOWN if bar.change is None else money(bar.change, signed=True), bar.detail or ""
        for part in bar.drivers if drivers else ():
            item = f" {part.item or 'unknown'}" if part.entry else ""
            yield f"  {part.entry + ' ' if part.entry else ''}{part.driver}{item}", money(part.change, signed=True), ""


def _draw_tree(report: Bridge) -> None:
    """Branches with their largest bars as columns; the rest of the bars in a column of their own, so that each row sums."""
    nodes = list(_nodes(report.tree, 0))
    names = [bar.name for bar in report.bars if bar.change is not None][:_MOST_BARS]
    rest = len([bar for bar in report.bars if bar.change is not None]) > len(names)
    columns = [
        Column(" > ".join(report.by), ["  " * depth + node.label for depth, node in nodes], left=True),
        Column("before", [money(node.before) for _, node in nodes], drop=2),
        Column("after", [money(node.after) for _, node in nodes], drop=2),
        Column("change", [money(node.change, signed=True) for _, node in nodes]),
    ]
    for index, name in enumerate(names):
        columns.append(Column(name, [_cell(node, [name]) for _, node in nodes], drop=3 + index))
    if rest:
        columns.append(Column("other", [_cell(node, names, others=True) for _, node in nodes], drop=3 + len(names)))
    draw(columns)


def _nodes(tree: Sequence[Node], depth: int) -> Iterator[tuple[int, Node]]:
    for node in tree:
        yield depth, node
        yield from _nodes(node.children, depth + 1)


def _cell(node: Node, names: list[str], *, others: bool = False) -> str:
    own = [Decimal(bar.change) for bar in node.bars if bar.change is not None and (bar.name in names) is not others]
    return money(f"{sum(own):f}", signed=True) if own else ""


def _next(report: Bridge) -> str:
    first = report.tree[0] if report.tree else None
    about = "".join(f" --{level} {shlex.quote(name or 'none')}" for level, name in report.where.items())
    if first is not None:
        deeper = f" --{first.level} {shlex.quote(first.name or 'none')}"
        return f"breakeven why {report.of}{about}{deeper} --period {report.period} --drivers"
    return f"breakeven pnl --period {report.period} --vs {report.versus}"
