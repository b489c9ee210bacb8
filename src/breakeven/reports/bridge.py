"""Why did cost or margin move? The change between two periods, divided exactly among its drivers, at any level of a tree.

The leaves are always the finest (feature × plan × provider × model × rung × usage class); levels and filters only choose which of
them are summed. So a drill-down changes no other bar, and the answer for a feature is its branch of the answer for the whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import msgspec

from breakeven.economics.bridge import Bar, Leaf, parts
from breakeven.economics.costdrivers import (
    FEATURE,
    MODEL,
    NEW_AND_ENDED,
    SEGMENT,
    THEME_OF,
    cost_leaves,
    fixed_leaves,
    value_leaves,
)
from breakeven.economics.money import atto, digits
from breakeven.economics.periods import Period
from breakeven.errors import UsageError
from breakeven.reports.bridgefacts import LEVELS, OF_VALUE, Told, narrowed, told, with_value
from breakeven.reports.bridgetree import Node, Piece, ThemeBar, bars_of, tree_of
from breakeven.reports.bridgewords import Moved, detail, sentence
from breakeven.reports.corrections import corrections
from breakeven.reports.pnl import bounded
from breakeven.reports.question import FILTERS, Facts, Question, Remembering
from breakeven.reports.trail import instant, prices
from breakeven.reports.words import count, prose
from breakeven.settings import CURRENCY, Settings

Of = Literal["cost", "margin"]
FORMULA: Mapping[str, str] = {
    "part of a driver": "sum over leaves of L(c1, c0) * (ln(q1 / q0) - ln(p1 / p0)), q its quantity, p the one before; "
    "L(a, b) = (a - b) / ln(a / b) (LMDI-I, Ang 2005)",
    "where signs change": "Shapley value of quantity and rate",
    "new and ended": "what is nothing in one of the periods, whole",
    "chain": "customers x plan x feature x outcomes x calls x billed attempts x rung x model x priced "
    "x characters x tokens per character (or tokens) x class x list price x (1 - discounts)",
}
MARGIN_FORMULA = "value - variable cost - allocated fixed cost"
_ITEM_AT = {FEATURE: 0, SEGMENT: 1, MODEL: 3}
VALUE_VOLUME, COST_OF_VOLUME = "value volume", "cost of volume"
"""What `volume` is called where the amount is a margin: it earns and it costs."""


class Bridge(msgspec.Struct, frozen=True, kw_only=True):
    """The report. Bars are ordered by size; where calls have no price, the last one is `unpriced` with a change of null."""

    of: str
    period: str
    label: str
    versus: str
    versus_label: str
    currency: str
    where: Mapping[str, str | None]
    by: Sequence[str]
    before: str | None
    after: str | None
    change: str | None
    bars: Sequence[ThemeBar]
    tree: Sequence[Node]
    calls: Sequence[int]
    unpriced_calls: Sequence[int]
    sentence: str
    trail: Mapping[str, Any]


class Asked(NamedTuple):
    """Which amount, at which levels of the tree, how deep; `where` keeps one branch (drilling); `fixed` adds fixed cost to cost."""

    of: Of = "cost"
    by: tuple[str, ...] = LEVELS
    depth: int = 1
    where: Mapping[str, str | None] = {}
    fixed: bool = False

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels that the amount is known at: value and allocated fixed cost are not known per model."""
        return OF_VALUE if self.of == "margin" or self.fixed else LEVELS


def bridge(ledger: Facts, settings: Settings, question: Question, asked: Asked) -> Bridge:
    """The bridge of a question with a comparison. Raises UsageError where there is none, or where levels do not fit the amount."""
    versus = question.versus
    if versus is None:
        raise UsageError("a bridge needs a period to compare with", "Add --vs previous, or --vs PERIOD.")
    _fitting(asked)
    ledger = Remembering(ledger)
    question = bounded(ledger, question)
    both = tuple(_told(ledger, settings, one, asked) for one in (question.over(versus), question))
    pieces = [piece for piece in _pieces(both, asked) if _within(piece.leaf, asked.where)]
    seen = narrowed(both[0], asked.where), narrowed(both[1], asked.where)
    levels = tuple(name for name in asked.by if name not in asked.where)
    bars = bars_of(pieces)
    moved = Moved(asked.of, seen, {bar.name: _atto(bar.change) for bar in bars}, _by_feature(pieces), ledger, question)
    bars = [
        msgspec.structs.replace(
            bar, detail=detail(moved, bar.name, [(p.driver, p.entry, p.item, _atto(p.change)) for p in bar.drivers])
        )
        for bar in bars
    ]
    unpriced = [one.unpriced for one in seen]
    if any(unpriced):
        bars.append(
            ThemeBar(
                "unpriced",
                None,
                f"{count(unpriced[1], 'call')} without a price, {unpriced[0]:,} before: unknown, not in these figures",
                (),
            )
        )
    before, after = (_known(seen[at], sum(piece.amount(at) for piece in pieces), asked.of) for at in (0, 1))
    change = None if before is None or after is None else after - before
    return Bridge(
        of=asked.of,
        period=question.period.name,
        label=question.period.label,
        versus=versus.name,
        versus_label=versus.label,
        currency=CURRENCY,
        where=dict(asked.where),
        by=levels[: asked.depth],
        before=digits(before),
        after=digits(after),
        change=digits(change),
        bars=bars if change is not None else [bar for bar in bars if bar.change is None],
        tree=tree_of(pieces, levels[: asked.depth]) if change is not None else [],
        calls=[one.calls for one in seen],
        unpriced_calls=unpriced,
        sentence=prose(
            sentence(moved, asked.where, (before, after), [(bar.name, bar.change, bar.detail) for bar in bars]),
            *_corrected(ledger, question, versus, asked.where),
        ),
        trail=_trail(ledger, question, asked, len(pieces)),
    )


def _corrected(ledger: Facts, question: Question, versus: Period, where: Mapping[str, str | None]) -> list[str]:
    """What of either period's cost corrects a closed month; a branch of the tree that filters cannot name says nothing of it."""
    if not where.keys() <= set(FILTERS):
        return []
    asked = replace(question, filters=(*question.filters, *where.items()))
    both = ((period, corrections(ledger, asked.over(period)).sentence(period.label)) for period in (versus, question.period))
    return [f"{period.label}: {said}" for period, said in both if said]


def _fitting(asked: Asked) -> None:
    wrong = next((name for name in (*asked.by, *asked.where) if name not in asked.levels), None)
    if wrong is not None:
        what = "a margin" if asked.of == "margin" else "fixed cost"
        why = f"{what} is not known by {wrong}" if wrong in LEVELS else f"a bridge has no level {wrong!r}"
        raise UsageError(why, f"Use one or more of: {', '.join(asked.levels)}.")


def _told(ledger: Facts, settings: Settings, question: Question, asked: Asked) -> Told:
    found = told(ledger, question)
    return with_value(found, ledger, settings, question) if asked.of == "margin" or asked.fixed else found


def _pieces(both: Sequence[Told], asked: Asked) -> list[Piece]:
    before, after = (one.used for one in both)
    costs = [*cost_leaves(before, after), *(fixed_leaves(before, after) if asked.of == "margin" or asked.fixed else ())]
    if asked.of == "cost":
        return [_piece(leaf, 1) for leaf in costs]
    return [
        *(_piece(leaf, 1, ("volume", "mix"), VALUE_VOLUME) for leaf in value_leaves(before, after)),
        *(_piece(leaf, -1, ("volume",), COST_OF_VOLUME) for leaf in costs),
    ]


def _piece(leaf: Leaf, sign: int, renamed: Sequence[str] = (), name: str = "") -> Piece:
    found: dict[tuple[str, Bar, str | None], int] = {}
    for bar, part in parts(leaf).items():
        theme = NEW_AND_ENDED if bar.entry else THEME_OF[bar.driver]
        theme = name if theme in renamed else theme
        item = leaf.path[_ITEM_AT[bar.driver]] if bar.entry else None
        found[theme, bar, item] = sign * part
    return Piece(leaf, sign, found)


def _within(leaf: Leaf, where: Mapping[str, str | None]) -> bool:
    return all(leaf.path[LEVELS.index(name)] == value for name, value in where.items())


def _known(seen: Told, amount: int, of: Of) -> int | None:
    """The amount of a period; unknown where there were calls and none of them has a price."""
    unknown = seen.calls > 0 and seen.unpriced == seen.calls and not any(one.cost for one in seen.used.amounts.values())
    return None if unknown and (of == "margin" or not amount) else amount


def _by_feature(pieces: Sequence[Piece]) -> dict[str, dict[str | None, int]]:
    """What each feature adds to each bar: whom the words about a bar are about."""
    found: dict[str, dict[str | None, int]] = {}
    for piece in pieces:
        for (theme, _, _), part in piece.parts.items():
            into = found.setdefault(theme, defaultdict(int))
            into[piece.leaf.path[0]] += part
    return found


def _atto(change: str | None) -> int:
    return 0 if change is None else atto(change)


def _trail(ledger: Facts, question: Question, asked: Asked, leaves: int) -> dict[str, Any]:
    used = {
        version for one in (question, question.over(question.versus or question.period)) for version in prices(ledger, one).versions
    }
    return {
        "formula": {**FORMULA, **({"margin": MARGIN_FORMULA} if asked.of == "margin" else {})},
        "rows": {"leaves": leaves},
        "price_versions": sorted(used),
        "recorded_as_of": instant(question.as_of),
        "as_recorded": question.as_recorded,
        "read_from": "calls, and lines" if question.from_lines else "calls, and rollups",
        "plans": "the latest known plan of each customer, in both periods",
    }
