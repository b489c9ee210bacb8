"""From the reading of an answer to its cost lines: what `ledger/costing.py` does in SQL for imports, for one live attempt.

A property test holds the two equal, line by line and to the last digit.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple, Protocol

from breakeven.economics.usage import CLASSES, INPUT_TOKEN_CLASSES, UsageClass
from breakeven.gateway.facts import Line, money
from breakeven.ledger import numbering
from breakeven.pricebook.rating import PricingKey, Quote
from breakeven.providers.reading import Reading

WEAKEST_FIRST = ("usage_missing", "unpriced", "estimated", "stated", "metered", "invoiced", "not_billed")
_RANK = {state: rank for rank, state in enumerate(WEAKEST_FIRST)}
UNSAID = "the source does not say what was used"
_NOTHING_USED = {CLASSES[0].name: 0}
_MOST_TABLES = 4096


class Costs(NamedTuple):
    """What one attempt costs: its lines, their sum in atto-dollars (None as soon as one is unknown), the weakest state of all."""

    lines: list[Line]
    total: int | None
    state: str


NO_COSTS = Costs([], None, "usage_missing")
"""What is known of costs before anything is."""


class Card(Protocol):
    """The price book, as live costing asks it."""

    thresholds: tuple[int, ...]

    def quote(self, key: PricingKey) -> Quote:
        """The unit prices of one model at one instant."""


class _Priced(NamedTuple):
    """One price of one usage class, ready to be multiplied."""

    place: int
    kind: str
    unit_price: int
    unit_price_text: str
    version: str
    note: str | None


class _Table(NamedTuple):
    """The prices of one model in one context: by usage class, and why a class that is not there has none."""

    classes: Mapping[str, tuple[_Priced, ...]]
    model: str
    problem: str | None
    dearest: tuple[int, int] | None


class Rater:
    """Prices readings. The prices of a model are looked up once a second: they change at whole seconds at most."""

    def __init__(self, card: Card) -> None:
        self._card = card
        self._thresholds = card.thresholds
        self._second: datetime | None = None
        self._tables: dict[tuple[object, ...], _Table] = {}

    def costs(self, reading: Reading, at: datetime) -> Costs:
        """The cost lines of one reading at the prices of `at`, a whole second, naive UTC."""
        if reading.state == "not_billed":
            return Costs([Line(numbering.NOT_BILLED, reading.model, state="not_billed", cost="0")], 0, "not_billed")
        lines: list[Line] = []
        known: int | None = 0
        if reading.state == "usage_missing":
            lines.append(Line(numbering.USAGE_MISSING, reading.model, state="usage_missing", reason=UNSAID))
            known = None
        else:
            for number, part in enumerate(reading.parts):
                cost = self._add(lines, number, part.model, part.usage or _NOTHING_USED, reading, at)
                known = None if known is None or cost is None else known + cost
        if reading.stated_cost is not None:
            return _stated(lines, reading, reading.stated_cost)
        return Costs(lines, known, "metered" if known is not None else weakest(lines))

    def dearest(self, provider: str, model: str, context: Mapping[str, str], tokens: int, at: datetime) -> tuple[int, int] | None:
        """The highest price of an input token and of an output token, in atto-dollars; None where either has none."""
        return self._table(provider, model, context, tokens, at).dearest

    def _add(
        self, lines: list[Line], number: int, model: str, usage: Mapping[str, int], reading: Reading, at: datetime
    ) -> int | None:
        """Add the lines of one model iteration; returns their sum, None as soon as one is unknown."""
        tokens = 0
        for name, quantity in usage.items():
            if name in INPUT_TOKEN_CLASSES:
                tokens += quantity
        table = self._table(reading.provider, model, reading.context, tokens, at)
        base = number * numbering.PART
        total: int | None = 0
        for usage_class, quantity in usage.items():
            found = table.classes.get(usage_class)
            if found is None:
                total = None
                reason = table.problem or f"{table.model} has no price for {usage_class}"
                place = base + numbering.SLOTS[usage_class] * numbering.ORDINALS
                lines.append(Line(place, model, number, "list", "unpriced", usage_class, quantity, reason=reason))
                continue
            for priced in found:
                cost = quantity * priced.unit_price
                total = None if total is None else total + cost
                lines.append(
                    Line(
                        base + priced.place,
                        model,
                        number,
                        priced.kind,
                        "metered",
                        usage_class,
                        quantity,
                        priced.unit_price_text,
                        money(cost),
                        priced.version,
                        priced.note,
                    )
                )
        return total

    def _table(self, provider: str, model: str, context: Mapping[str, str], tokens: int, at: datetime) -> _Table:
        if at != self._second or len(self._tables) >= _MOST_TABLES:
            self._second = at
            self._tables.clear()
        key = (provider, model, bisect_left(self._thresholds, tokens), tuple(context.items()))
        table = self._tables.get(key)
        if table is None:
            quote = self._card.quote(PricingKey(provider, model, at, tuple(sorted(context.items())), tokens))
            table = self._tables[key] = _table_of(quote)
        return table


def _table_of(quote: Quote) -> _Table:
    classes = {
        name: tuple(
            _Priced(
                numbering.SLOTS[name] * numbering.ORDINALS + ordinal,
                line.kind,
                line.unit_price,
                _digits(line.unit_price),
                line.price_version,
                line.note or None,
            )
            for ordinal, line in enumerate(priced)
        )
        for name, priced in quote.lines.items()
        if name in numbering.SLOTS
    }
    return _Table(classes, quote.model, quote.problem.what if quote.problem else None, _dearest(classes))


def _dearest(classes: Mapping[str, tuple[_Priced, ...]]) -> tuple[int, int] | None:
    highest: dict[str, int] = {}
    for each in CLASSES:
        if each.unit == "tokens" and each.name in classes:
            price = sum(priced.unit_price for priced in classes[each.name])
            highest[each.direction] = max(price, highest.get(each.direction, 0))
    if "input" not in highest:
        return None
    return highest["input"], highest.get("output", 0)


_digits = lru_cache(maxsize=4096)(money)


def _stated(lines: list[Line], reading: Reading, stated: int) -> Costs:
    """Where the vendor states what it bills, one line carries the difference to list, so that lines sum to the stated cost."""
    listed = sum(_atto(line.cost) for line in lines if line.cost is not None)
    complete = all(line.cost is not None for line in lines)
    for line in lines:
        line.state = "stated"
    if stated != listed or not complete:
        reason = "vendor's stated cost less list" if complete else "vendor's stated cost; no list price"
        lines.append(
            Line(numbering.STATED, reading.model, kind="stated", state="stated", cost=money(stated - listed), reason=reason)
        )
    return Costs(lines, stated, "stated")


def _atto(text: str) -> int:
    whole, _, fraction = text.partition(".")
    return int(whole + fraction.ljust(18, "0"))


def weakest(lines: Sequence[Line]) -> str:
    """The state of a call: the weakest among those of its lines."""
    return min((line.state for line in lines), key=_RANK.__getitem__, default="not_billed")


def tokens_of(reading: Reading) -> tuple[int, int, int, int, int] | None:
    """Tokens over all parts and modalities: uncached input, cache reads, cache writes, visible output, reasoning. None: unknown."""
    if reading.state != "metered":
        return None
    counts = [0, 0, 0, 0, 0]
    for part in reading.parts:
        for name, quantity in part.usage.items():
            column = _COLUMN.get(name)
            if column is not None:
                counts[column] += quantity
    return counts[0], counts[1], counts[2], counts[3], counts[4]


def _column(usage_class: UsageClass) -> int | None:
    if usage_class.unit != "tokens":
        return None
    if usage_class.name == "reasoning":
        return 4
    if usage_class.direction == "output":
        return 3
    return {"none": 0, "read": 1, "write": 2}[usage_class.cache]


_COLUMN: Mapping[str, int] = {each.name: column for each in CLASSES if (column := _column(each)) is not None}
