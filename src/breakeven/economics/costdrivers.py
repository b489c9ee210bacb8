"""What drives the variable cost of AI features: the chain of quantities from customers to dollars, for the bridge.

    active customers × share of them in the segment × share of those who use the feature × tasks per customer × calls per task
    × billed attempts per good call × share of the rung × share of the model × share that has a price
    × characters per call × tokens per character × share of the class among input tokens (the cache)   [or tokens per call]
    × list price × (1 − discounts)

per feature, customer segment, rung, model and usage class; of value: customers … tasks × value per task, per feature and segment.
Each quantity counts facts of one period; ratios are of sums. A task is an outcome. A good call is an attempt that was answered
(also by a rung that bills nothing); failed, refused and cut-off attempts that are billed raise the attempts per good call: that
is the failure rate's part. What is not known on both sides is left out, and its driver and the next one are then one, under a
name that says so (calls per customer where tasks are not known).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple, TypeVar

from breakeven.economics.bridge import Leaf, Link, Quantity
from breakeven.economics.usage import CLASS_BY_NAME, INPUT_TOKEN_CLASSES

CUSTOMERS, CUSTOMER_MIX, ADOPTION = "customers", "customer mix", "feature adoption"
TASKS, TASKS_PER_CUSTOMER, CALLS, CALLS_PER_CUSTOMER, CALLS_PER_TASK = (
    "tasks", "tasks per customer", "calls", "calls per customer", "calls per task",
)  # fmt: skip
FAILURES, RUNG_MIX, MODEL_MIX, UNPRICED = "failure rate", "rung mix", "model mix", "priced share"
INPUT_CHARACTERS, OUTPUT_CHARACTERS, TOKENIZER = "input characters per call", "output characters per call", "tokens per character"
INPUT_TOKENS, OUTPUT_TOKENS, REASONING, CACHE, TOOLS = (
    "input tokens per call", "output tokens per call", "reasoning tokens per call", "cache rate", "tools and media per call",
)  # fmt: skip
LIST_PRICE, STATED, DISCOUNTS, FIXED = "list price", "stated cost per call", "discounts", "fixed cost"
VALUE_PER_TASK, VALUE_PER_CUSTOMER, VALUE = "value per task", "value per customer", "value"
FEATURE, SEGMENT, MODEL = "feature", "customer segment", "model"
"""Kinds of items that may be new or ended."""

THEMES: Mapping[str, tuple[str, ...]] = {
    "volume": (CUSTOMERS, ADOPTION, TASKS, TASKS_PER_CUSTOMER, CALLS, CALLS_PER_CUSTOMER),
    "calls per outcome": (CALLS_PER_TASK,),
    "mix": (CUSTOMER_MIX, RUNG_MIX, MODEL_MIX),
    "tokens per call": (INPUT_CHARACTERS, OUTPUT_CHARACTERS, TOKENIZER, INPUT_TOKENS, OUTPUT_TOKENS, REASONING, TOOLS),
    "cache rate": (CACHE,),
    "failure rate": (FAILURES,),
    "price": (LIST_PRICE, STATED),
    "discounts": (DISCOUNTS,),
    "priced share": (UNPRICED,),
    "value per outcome": (VALUE_PER_TASK, VALUE_PER_CUSTOMER, VALUE),
    "fixed cost": (FIXED,),
}
"""The bars that belong together; new and ended items are a bar of their own."""
NEW_AND_ENDED = "new and ended"
THEME_OF: Mapping[str, str] = {driver: theme for theme, drivers in THEMES.items() for driver in drivers}
TOLD_LEAST = Fraction(1, 2)
"""Characters stand for a model's calls where at least this share of its attempts tells them, in both periods."""

Segment = str | None
Pair = tuple[Quantity, Quantity]
_NOT_KNOWN = (None, None, None, None)
Side = TypeVar("Side")
Figure = TypeVar("Figure")


class Served(NamedTuple):
    """Who was served by what: one segment of the ledger."""

    feature: str | None
    segment: Segment
    provider: str | None
    model: str | None
    rung: str | None


class Text(NamedTuple):
    """Characters of the attempts that tell them, the tokens of the same attempts, and how many attempts that were."""

    characters: int = 0
    tokens: int = 0
    attempts: int = 0


class Attempts(NamedTuple):
    """Attempts of one segment: answered; answered or billed; and of these with a known cost."""

    good: int = 0
    counted: int = 0
    known: int = 0
    read: Text = Text()
    written: Text = Text()


class Amounts(NamedTuple):
    """One usage class of one segment: priced quantity, its cost at list prices, and its cost after discounts; atto-units."""

    quantity: int = 0
    listed: int = 0
    cost: int = 0


@dataclass(frozen=True, slots=True)
class Used:
    """What one period used. `customers` is None where segments are single customers: their number then drives nothing."""

    customers: int | None = 0
    in_segment: Mapping[Segment, int] = field(default_factory=dict)
    using: Mapping[tuple[str | None, Segment], int] = field(default_factory=dict)
    tasks: Mapping[tuple[str | None, Segment], int] = field(default_factory=dict)
    attempts: Mapping[Served, Attempts] = field(default_factory=dict)
    amounts: Mapping[tuple[Served, str | None], Amounts] = field(default_factory=dict)
    value: Mapping[tuple[str | None, Segment], int] = field(default_factory=dict)
    fixed: Mapping[tuple[str | None, Segment], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums of a period over its segments, for the quantities in the middle of the chain."""

    good: Mapping[Hashable, int]
    counted: Mapping[Hashable, int]
    of_rung: Mapping[Hashable, int]
    input_tokens: Mapping[Hashable, int]
    present: frozenset[Hashable]


def cost_leaves(before: Used, after: Used) -> list[Leaf]:
    """The leaves of the cost of two periods; `path` is (feature, segment, provider, model, rung, usage class)."""
    sums = _sums(before), _sums(after)
    cells = sorted({*before.amounts, *after.amounts}, key=repr)
    return [_leaf(cell, (before, after), sums) for cell in cells]


def value_leaves(before: Used, after: Used) -> list[Leaf]:
    """The leaves of the value of two periods, by feature and segment: value is not known per model."""
    sums = _sums(before), _sums(after)
    found = []
    for feature, segment in sorted({*before.value, *after.value}, key=repr):
        where = Served(feature, segment, None, None, None)
        chain = _people(where, (before, after), sums)
        drivers = {link.driver for link in chain}
        last = VALUE_PER_TASK if drivers & {TASKS, TASKS_PER_CUSTOMER} else VALUE_PER_CUSTOMER if ADOPTION in drivers else VALUE
        old, new = (one.value.get((feature, segment), 0) for one in (before, after))
        found.append(Leaf((feature, segment, *_NOT_KNOWN), old, new, tuple(chain), last))
    return found


def fixed_leaves(before: Used, after: Used) -> list[Leaf]:
    """The leaves of the allocated fixed cost of two periods: nothing but itself drives it."""
    return [
        Leaf(
            (feature, segment, *_NOT_KNOWN),
            before.fixed.get((feature, segment), 0),
            after.fixed.get((feature, segment), 0),
            (),
            FIXED,
        )
        for feature, segment in sorted({*before.fixed, *after.fixed}, key=repr)
    ]


def _leaf(cell: tuple[Served, str | None], used: tuple[Used, Used], sums: tuple[_Sums, _Sums]) -> Leaf:
    served, usage_class = cell
    old, new = (one.amounts.get(cell, Amounts()) for one in used)
    chain = (*_volume(served, used, sums), *_serving(served, used, sums), *_usage(cell, used, sums))
    price = STATED if usage_class is None else LIST_PRICE
    return Leaf((*served, usage_class), old.cost, new.cost, (*chain, Link(price, old.listed, new.listed)), DISCOUNTS)


def _volume(served: Served, used: tuple[Used, Used], sums: tuple[_Sums, _Sums]) -> list[Link]:
    """Customers → those of the segment → those who use the feature → tasks → good calls → attempts."""
    where = served.feature, served.segment
    item = _absent_item(served, sums)
    users = _both(used, lambda one: one.using.get(where, 0))
    tasks = _both(used, lambda one: one.tasks.get(where, 0))
    to_calls = CALLS_PER_TASK if all(tasks) else CALLS_PER_CUSTOMER if all(users) else CALLS
    return [
        *_people(served, used, sums),
        _link(to_calls, _both(sums, lambda one: one.good.get(where, 0)), item),
        _link(FAILURES, _both(sums, lambda one: one.counted.get(where, 0)), item),
    ]


def _people(served: Served, used: tuple[Used, Used], sums: tuple[_Sums, _Sums]) -> list[Link]:
    """Customers → those of the segment → those who use the feature → tasks, as far as they are known."""
    where = served.feature, served.segment
    item = _absent_item(served, sums)
    users = _both(used, lambda one: one.using.get(where, 0))
    tasks = _both(used, lambda one: one.tasks.get(where, 0))
    customers = used[0].customers, used[1].customers
    links = []
    if customers[0] is not None and customers[1] is not None and any(users):
        links.append(_link(CUSTOMERS, (customers[0], customers[1]), item))
        links.append(_link(CUSTOMER_MIX, _both(used, lambda one: one.in_segment.get(served.segment, 0)), item))
    if any(users):
        links.append(_link(ADOPTION, users, item))
    if all(tasks):
        links.append(_link(TASKS_PER_CUSTOMER if all(users) else TASKS, tasks, item))
    return links


def _serving(served: Served, used: tuple[Used, Used], sums: tuple[_Sums, _Sums]) -> list[Link]:
    """Attempts → those on the rung → those on the model → those that have a price."""
    item = _absent_item(served, sums)
    rung = (served.feature, served.segment, served.rung)
    links = [
        _link(RUNG_MIX, _both(sums, lambda one: one.of_rung.get(rung, 0)), item),
        _link(MODEL_MIX, _both(used, lambda one: _attempts(one, served).counted), item),
    ]
    if item:  # also where another model did part of the work of an attempt, and counts no attempt of its own
        links.append(_link(MODEL_MIX, _both(sums, lambda one: int(_model(served) in one.present)), item))
    return [*links, _link(UNPRICED, _both(used, lambda one: _known(served, one)))]


def _known(served: Served, used: Used) -> int:
    """Attempts whose cost is known; where each has a part without a price beside one with, all of them."""
    own = _attempts(used, served)
    if own.known or not own.counted:
        return own.known
    priced = any(used.amounts.get((served, name), Amounts()).cost for name in (None, *CLASS_BY_NAME))
    return own.counted if priced else 0


def _usage(cell: tuple[Served, str | None], used: tuple[Used, Used], sums: tuple[_Sums, _Sums]) -> list[Link]:
    """Attempts → characters → tokens → those of the class; one link for what is no token."""
    served, name = cell
    if name is None:
        return []  # a cost that the vendor stated for the whole call
    quantity = _both(used, lambda one: one.amounts.get(cell, Amounts()).quantity)
    own = _both(used, lambda one: _attempts(one, served))
    if name in INPUT_TOKEN_CLASSES:
        tokens = _both(sums, lambda one: one.input_tokens.get(served, 0))
        text = _text((own[0].read, own[1].read), own, tokens)
        first = [_link(INPUT_CHARACTERS, text), _link(TOKENIZER, tokens)] if text else [_link(INPUT_TOKENS, tokens)]
        return [*first, _link(CACHE, quantity)]
    if name == "output":
        text = _text((own[0].written, own[1].written), own, quantity)
        if text:
            return [_link(OUTPUT_CHARACTERS, text), _link(TOKENIZER, quantity)]
    usage_class = CLASS_BY_NAME.get(name)
    is_output = usage_class is not None and usage_class.direction == "output" and usage_class.unit == "tokens"
    return [_link(REASONING if name == "reasoning" else OUTPUT_TOKENS if is_output else TOOLS, quantity)]


def _text(texts: tuple[Text, Text], own: tuple[Attempts, Attempts], tokens: tuple[int, int]) -> Pair | None:
    """Characters behind the tokens, by the characters per token of the attempts that tell; None where too few do in a period."""
    told = all(
        text.tokens > 0 and text.characters > 0 and count > 0 and text.attempts >= TOLD_LEAST * attempts.known
        for text, attempts, count in zip(texts, own, tokens, strict=True)
    )
    if not told:
        return None
    before, after = (count * Fraction(text.characters, text.tokens) for text, count in zip(texts, tokens, strict=True))
    return before, after


def _absent_item(served: Served, sums: tuple[_Sums, _Sums]) -> str:
    """What is in one period only: the feature, the customer segment, or else the model within the feature; nothing otherwise."""
    levels = (
        (FEATURE, (FEATURE, served.feature)),
        (SEGMENT, (SEGMENT, served.segment)),
        (MODEL, _model(served)),
    )
    return next((kind for kind, key in levels if (key in sums[0].present) != (key in sums[1].present)), "")


def _attempts(used: Used, served: Served) -> Attempts:
    return used.attempts.get(served, Attempts())


def _both(sides: tuple[Side, Side], figure: Callable[[Side], Figure]) -> tuple[Figure, Figure]:
    """One figure in both periods."""
    return figure(sides[0]), figure(sides[1])


def _link(driver: str, both: Pair, item: str = "") -> Link:
    return Link(driver, *both, item)


def _model(served: Served) -> Hashable:
    return (MODEL, served.feature, served.provider, served.model)


def _sums(used: Used) -> _Sums:
    good, counted, of_rung, tokens = (defaultdict[Hashable, int](int) for _ in range(4))
    for served, own in used.attempts.items():
        where = served.feature, served.segment
        good[where] += own.good
        counted[where] += own.counted
        of_rung[*where, served.rung] += own.counted
    for (served, name), amounts in used.amounts.items():
        if name in INPUT_TOKEN_CLASSES:
            tokens[served] += amounts.quantity
    found = [served for served, own in used.attempts.items() if own.counted]
    found.extend(served for (served, _), amounts in used.amounts.items() if amounts.cost)
    return _Sums(good, counted, of_rung, tokens, _present(found))


def _present(found: Iterable[Served]) -> frozenset[Hashable]:
    return frozenset(key for one in found for key in ((FEATURE, one.feature), (SEGMENT, one.segment), _model(one)))
