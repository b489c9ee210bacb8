"""Charts as SVG, drawn from exact figures by pure functions: no script, so that a file opens from a mail as it was sent.

Each is an image with a title and a description, its colours are the page's (they follow light, dark and print), and what a colour
says is also said by a word or a pattern.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from html import escape
from itertools import pairwise

from breakeven.reports.packs.cells import shown, signed
from breakeven.reports.packs.structure import Chart, ChartPoint

WIDTH = 340
BAR, GAP = 9, 7
LABELS = 108
HEIGHT = 130
_LONGEST_LABEL = 20
_TICKS = 4


def svg(chart: Chart, identity: str) -> str:
    """The chart as one `<svg>` element; `identity` tells its title and description from those of others on the page."""
    height, drawn = _DRAWN[chart.kind](chart.points, chart.series)
    name = escape(identity, quote=True)
    return (
        f'<svg role="img" aria-labelledby="{name}-t {name}-d" viewBox="0 0 {WIDTH} {height}" width="100%">'
        f'<title id="{name}-t">{escape(chart.title)}</title><desc id="{name}-d">{escape(chart.description)}</desc>{drawn}</svg>'
    )


def _pairs(points: Sequence[ChartPoint], series: Sequence[str]) -> tuple[int, str]:
    """Bars beside each other, one per series; what is unknown is hatched and named."""
    known = [_number(value) for point in points for value in point.values]
    place = _scale([0.0, *(value for value in known if value is not None)], LABELS, WIDTH - 52)
    row = BAR * len(series) + GAP
    parts = [_key(series)]
    for index, point in enumerate(points):
        top = 18 + index * row
        parts.append(_text(LABELS - 6, top + BAR * len(series) / 2 + 3, _short(point.label), "end"))
        for number, (value, exact) in enumerate(zip(map(_number, point.values), point.values, strict=True)):
            y = top + number * BAR
            if value is None:
                parts.append(f'<rect class="unknown" x="{place(0):.1f}" y="{y}" width="30" height="{BAR - 1}"/>')
                parts.append(_text(place(0) + 34, y + BAR - 2, "unknown"))
                continue
            parts.append(_bar(place(0), place(value), y, BAR - 1, _colour(series[number])))
            parts.append(_text(max(place(0), place(value)) + 4, y + BAR - 2, shown("money", exact)))
    return 18 + len(points) * row, "".join(parts)


def _waterfall(points: Sequence[ChartPoint], _: Sequence[str]) -> tuple[int, str]:
    """From one whole to the next by steps; each step begins where the one before ended."""
    level, edges = 0.0, [0.0]
    spans: list[tuple[float, float]] = []
    for point in points:
        value = _number(point.values[0]) or 0.0
        start = 0.0 if point.whole else level
        level = value if point.whole else level + value
        spans.append((start, level))
        edges += [start, level]
    place = _scale(edges, LABELS, WIDTH - 52)
    row = BAR + GAP
    parts = []
    for index, (point, (start, end)) in enumerate(zip(points, spans, strict=True)):
        y, exact = 4 + index * row, point.values[0]
        kind = "whole" if point.whole else "rise" if end >= start else "fall"
        parts.append(_text(LABELS - 6, y + BAR - 1, _short(point.label), "end"))
        parts.append(_bar(place(start), place(end), y, BAR, kind))
        words = "unknown" if exact is None else shown("money", exact) if point.whole else signed(exact)
        parts.append(_text(max(place(start), place(end)) + 4, y + BAR - 1, words))
        if index + 1 < len(points):
            x = place(end)
            parts.append(f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{y + BAR}" y2="{y + row}"/>')
    return 4 + len(points) * row, "".join(parts)


def _band(points: Sequence[ChartPoint], series: Sequence[str]) -> tuple[int, str]:
    """A line over time with the band that it lies in; what is known is drawn whole, what is forecast dashed."""
    numbers = [[_number(value) for value in point.values] for point in points]
    known = [value for row in numbers for value in row if value is not None]
    left, right, bottom = 52.0, WIDTH - 8.0, HEIGHT - 18.0
    place = _scale([0.0, *known], bottom, 16.0)
    across = _scale([0.0, max(1.0, len(points) - 1.0)], left, right)
    parts = [
        f'<line class="sample" x1="{LABELS}" x2="{LABELS + 14}" y1="7" y2="7"/>{_text(LABELS + 18, 10, series[0])}',
        f'<rect class="band" x="{LABELS + 80}" y="3" width="14" height="8"/>{_text(LABELS + 98, 10, series[1])}',
    ]
    for step in range(_TICKS + 1):
        value = max([0.0, *known]) * step / _TICKS
        parts.append(f'<line class="grid" x1="{left}" x2="{right}" y1="{place(value):.1f}" y2="{place(value):.1f}"/>')
        parts.append(_text(left - 5, place(value) + 3, shown("money", f"{value:.0f}"), "end"))
    inside = [(at, row[1], row[2]) for at, row in enumerate(numbers) if row[1] is not None and row[2] is not None]
    if inside:
        around = [*((at, high) for at, _, high in inside), *((at, low) for at, low, _ in reversed(inside))]
        parts.append(f'<polygon class="band" points="{_path(around, across, place)}"/>')
    for at, ((one, before), (other, after)) in enumerate(pairwise(zip(points, numbers, strict=True))):
        if before[0] is not None and after[0] is not None:
            kind = "line" if one.known and other.known else "line dashed"
            parts.append(f'<polyline class="{kind}" points="{_path([(at, before[0]), (at + 1, after[0])], across, place)}"/>')
    for at in sorted({0, len(points) // 2, len(points) - 1}) if points else ():
        anchor = "start" if at == 0 else "end" if at == len(points) - 1 else "middle"
        parts.append(_text(across(at), HEIGHT - 5, points[at].label, anchor))
    return HEIGHT, "".join(parts)


_Draw = Callable[[Sequence[ChartPoint], Sequence[str]], tuple[int, str]]
_DRAWN: dict[str, _Draw] = {"pairs": _pairs, "waterfall": _waterfall, "band": _band}


def _number(exact: str | None) -> float | None:
    """A place on paper needs no exact digits; the words beside it have them."""
    return None if exact is None else float(Decimal(exact))


def _scale(values: Sequence[float | None], start: float, end: float) -> Callable[[float], float]:
    known = [value for value in values if value is not None]
    low, high = min(known), max(known)
    size = (high - low) or 1.0
    return lambda value: start + (value - low) / size * (end - start)


def _bar(start: float, end: float, y: float, height: float, kind: str) -> str:
    return (
        f'<rect class="{kind}" x="{min(start, end):.1f}" y="{y:.1f}" width="{max(0.8, abs(end - start)):.1f}" height="{height}"/>'
    )


def _path(places: Sequence[tuple[float, float]], across: Callable[[float], float], up: Callable[[float], float]) -> str:
    return " ".join(f"{across(at):.1f},{up(value):.1f}" for at, value in places)


def _text(x: float, y: float, words: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _key(series: Sequence[str]) -> str:
    """Which colour is what."""
    places = [(LABELS + number * 80, _colour(name), name) for number, name in enumerate(series)]
    return "".join(
        f'<rect class="{kind}" x="{x}" y="3" width="8" height="8"/>{_text(x + 12, 10, name)}' for x, kind, name in places
    )


def _colour(series: str) -> str:
    """What is spent has one colour in every chart, what is got for it, or would do, the other: as in the dashboard."""
    return "s1" if series in {"cost", "paid"} else "s0"


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else label[: _LONGEST_LABEL - 1] + "…"
