"""What a bridge says: the largest movers in business words. Every word is computed from the facts of both periods."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from breakeven.economics import costdrivers as drivers
from breakeven.economics.costdrivers import Used
from breakeven.economics.usage import CLASS_BY_NAME, INPUT_TOKEN_CLASSES
from breakeven.reports.bridgefacts import Told, narrowed
from breakeven.reports.bridgeprices import price_words
from breakeven.reports.question import Facts, Question
from breakeven.reports.words import dollars, percent

MOST_TOLD = 3
LEAST_TOLD = 0.1
"""A bar is told in the sentence if it is at least this share of the largest."""
_MOSTLY = 0.5
_WHOLE_NAMED = 2
Driver = tuple[str, str | None, str | None, int]
"""Driver, new or ended, item, change."""


class Moved(NamedTuple):
    """What the words are about: both periods as asked, the bars, and what each feature adds to each bar."""

    of: str
    seen: tuple[Told, Told]
    bars: Mapping[str, int]
    by_feature: Mapping[str, Mapping[str | None, int]]
    ledger: Facts
    question: Question


def sentence(
    moved: Moved,
    where: Mapping[str, str | None],
    amounts: tuple[int | None, int | None],
    bars: Sequence[tuple[str, str | None, str | None]],
) -> str:
    """What moved the amount: the two or three largest bars. What cannot be said is said."""
    who = ", ".join(value if value is not None else f"no {name}" for name, value in where.items()) or "AI"
    label, versus = moved.question.period.label, (moved.question.versus or moved.question.period).label
    before, after = amounts
    if not any(one.calls or one.used.amounts or one.used.value for one in moved.seen):
        return f"{who} has no calls in {label} nor in {versus}: there is nothing to explain."
    if before is None or after is None:
        unknown = versus if before is None else label
        return f"Why {_what(moved.of)} of {who} moved cannot be said: none of its calls in {unknown} has a price."
    change = after - before
    verb = "cost" if moved.of == "cost" else "kept" if after >= 0 else "lost"
    amount = dollars(after if moved.of == "cost" else abs(after))
    than = ("more", "less") if moved.of == "cost" else ("better", "worse")
    moved_by = f"{dollars(abs(change))} {than[change < 0]} than in {versus}" if change else f"as much as in {versus}"
    head = f"{who} {verb} {amount} in {label}, {moved_by}"
    told = _largest(moved.bars)
    said = {name: words for name, _, words in bars}
    movers = [f"{name} {signed(moved.bars[name])}" + (f" ({said[name]})" if said.get(name) else "") for name in told]
    unpriced = next((words for name, change_of, words in bars if name == "unpriced" and change_of is None), None)
    tail = f" {unpriced[0].upper()}{unpriced[1:]}." if unpriced else ""
    return f"{head}: {_joined(movers)}.{tail}" if movers else f"{head}.{tail}"


def _largest(bars: Mapping[str, int]) -> list[str]:
    ordered = sorted(bars, key=lambda name: -abs(bars[name]))
    return [name for name in ordered[:MOST_TOLD] if bars[name] and abs(bars[name]) >= LEAST_TOLD * abs(bars[ordered[0]])]


def _joined(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _what(of: str) -> str:
    return "the cost" if of == "cost" else "the margin"


def signed(amount: int) -> str:
    """`+$4,900`, with a true minus sign."""
    return dollars(amount) if amount < 0 else f"+{dollars(amount)}"


def detail(moved: Moved, theme: str, parts: Sequence[Driver]) -> str | None:
    """What moved behind one bar. Where several features are meant, the one that moved it most is named; None: nothing to add."""
    words = _WORDS.get(theme)
    if words is None or not parts:
        return None
    if theme in _OF_ALL:
        return words(moved, moved.seen, parts)
    by_feature = moved.by_feature.get(theme, {})
    used = {served.feature for one in moved.seen for served in one.used.attempts}
    if len(used) < _WHOLE_NAMED or not by_feature:
        return words(moved, moved.seen, parts)
    total = sum(by_feature.values())
    feature = max(by_feature, key=lambda name: (by_feature[name] if total >= 0 else -by_feature[name], name or ""))
    said = words(moved, (narrowed(moved.seen[0], {"feature": feature}), narrowed(moved.seen[1], {"feature": feature})), parts)
    return None if said is None else f"{feature if feature is not None else 'unattributed'}: {said}"


def _volume(moved: Moved, seen: tuple[Told, Told], parts: Sequence[Driver]) -> str | None:
    """Outcomes where there is one feature, whose outcomes are alike; else answered calls."""
    del moved, parts
    features = {feature for one in seen for feature, _ in one.used.tasks}
    served = {where.feature for one in seen for where in one.used.attempts}
    tasks = [sum(one.used.tasks.values()) for one in seen]
    if len(features | served) == 1 and all(tasks):
        return _counted(tasks, "outcomes")
    good = [sum(own.good for own in one.used.attempts.values()) for one in seen]
    return _counted(good, "answered calls")


def _counted(both: Sequence[int], noun: str) -> str:
    before, after = both
    if before == after:
        return f"{after:,} {noun} in both"
    return f"{after:,} {noun}, {'up' if after > before else 'down'} from {before:,}"


def _calls_per_outcome(moved: Moved, seen: tuple[Told, Told], parts: Sequence[Driver]) -> str | None:
    del moved, parts
    both = [_ratio(sum(own.good for own in one.used.attempts.values()), sum(one.used.tasks.values())) for one in seen]
    return None if None in both else _arrow(_plain(both[0]), _plain(both[1]), " calls an outcome")


def _failures(moved: Moved, seen: tuple[Told, Told], parts: Sequence[Driver]) -> str | None:
    del moved, parts
    both = []
    for one in seen:
        good = sum(own.good for own in one.used.attempts.values())
        both.append(_ratio(one.calls - good, one.calls))
    return None if None in both else f"billed without an answer {_arrow(_share(both[0]), _share(both[1]), ' of attempts')}"


def _mix(moved: Moved, seen: tuple[Told, Told], parts: Sequence[Driver]) -> str | None:
    """The share that moved most, of the kind of mix that moved most."""
    del moved
    kind = parts[0][0]
    if kind == drivers.CUSTOMER_MIX:
        plans = [{str(plan): count for plan, count in one.used.in_segment.items() if plan is not None} for one in seen]
        return _moved_share(plans, "{} plan's share of customers")
    at = 4 if kind == drivers.RUNG_MIX else 3
    counts: list[dict[str, int]] = [{}, {}]
    for one, into in zip(seen, counts, strict=True):
        for served, own in one.used.attempts.items():
            name = served[at] or "unknown"
            into[name] = into.get(name, 0) + own.counted
    return _moved_share(counts, "{} share of calls")


def _moved_share(counts: Sequence[Mapping[str, int]], words: str) -> str | None:
    totals = [sum(count.values()) for count in counts]
    if not all(totals):
        return None
    shares = [{name: number / total for name, number in count.items()} for count, total in zip(counts, totals, strict=True)]
    names = sorted({*shares[0], *shares[1]})
    # a share that rose is told before one that fell as much
    name = max(names, key=lambda one: (round(abs(shares[1].get(one, 0) - shares[0].get(one, 0)), 9), shares[1].get(one, 0)))
    return f"{words.format(name)} {_arrow(_share(shares[0].get(name, 0)), _share(shares[1].get(name, 0)))}"


def _tokens(moved: Moved, seen: tuple[Told, Told], parts: Sequence[Driver]) -> str | None:
    del moved
    both = [_ratio(_units(one.used, _is_token), one.calls - one.unpriced) for one in seen]  # tokens of unpriced calls are unknown
    total = sum(change for *_, change in parts)
    first = parts[0]
    mostly = f", mostly {_TOKEN_WORDS.get(first[0], first[0])}" if total and first[3] / total >= _MOSTLY else ""
    return None if None in both else f"{_arrow(_tokens_text(both[0]), _tokens_text(both[1]))}{mostly}"


def _is_token(name: str | None) -> bool:
    known = CLASS_BY_NAME.get(name or "")
    return known is not None and known.unit == "tokens"


def _units(used: Used, wanted: Callable[[str | None], bool]) -> int:
    return sum(amounts.quantity for (_, name), amounts in used.amounts.items() if wanted(name))


def _cache(moved: Moved, seen: tuple[Told, Told], parts: Sequence[Driver]) -> str | None:
    del moved, parts
    both = []
    for one in seen:
        read = _units(one.used, lambda name: name in INPUT_TOKEN_CLASSES and CLASS_BY_NAME[name].cache == "read")
        both.append(_ratio(read, _units(one.used, lambda name: name in INPUT_TOKEN_CLASSES)))
    return None if None in both else f"cached share of input {_arrow(_share(both[0]), _share(both[1]))}"


def _prices(moved: Moved, seen: tuple[Told, Told], parts: Sequence[Driver]) -> str | None:
    used = seen[0].used, seen[1].used
    return price_words(moved.ledger, moved.question, used, discounted=parts[0][0] == drivers.DISCOUNTS)


def _entries(moved: Moved, seen: tuple[Told, Told], parts: Sequence[Driver]) -> str | None:
    del moved, seen
    named = [
        f"{entry} {kind} {item} {signed(change)}" if item is not None else f"{entry}, without {kind}: {signed(change)}"
        for kind, entry, item, change in parts[:MOST_TOLD]
    ]
    more = len(parts) - len(named)
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")


def _value(moved: Moved, seen: tuple[Told, Told], parts: Sequence[Driver]) -> str | None:
    del moved, parts
    both = [(sum(one.used.value.values()), sum(one.used.tasks.values())) for one in seen]
    if not all(tasks for _, tasks in both):
        return None
    before, after = (dollars(round(value / tasks)) for value, tasks in both)
    return _arrow(before, after, " an outcome")


def _fixed(moved: Moved, seen: tuple[Told, Told], parts: Sequence[Driver]) -> str | None:
    del moved, parts
    before, after = (dollars(sum(one.used.fixed.values())) for one in seen)
    return _arrow(before, after)


def _priced(moved: Moved, seen: tuple[Told, Told], parts: Sequence[Driver]) -> str | None:
    del moved, parts
    both = [_ratio(one.calls - one.unpriced, one.calls) for one in seen]
    return None if None in both else f"calls with a price {_arrow(_share(both[0]), _share(both[1]))}"


def _arrow(before: str, after: str, unit: str = "") -> str:
    """`38% → 55%`; what reads alike is said once."""
    return f"{before} → {after}{unit}" if before != after else f"about {after}{unit} in both"


def _ratio(part: int, of: int) -> float | None:
    return part / of if of else None


def _share(value: float | None) -> str:
    """A share to the percent; to a tenth where the percent would hide it."""
    return percent(value, 1 if value is not None and 0 < min(value, 1 - value) < 0.1 else 0)  # noqa: PLR2004 - below a tenth


def _plain(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _tokens_text(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value / 1000:.1f}k" if value >= 1000 else f"{value:.0f}"  # noqa: PLR2004 - thousands


_TOKEN_WORDS = {
    drivers.INPUT_CHARACTERS: "longer or shorter input",
    drivers.OUTPUT_CHARACTERS: "longer or shorter answers",
    drivers.TOKENIZER: "the tokenizer",
    drivers.INPUT_TOKENS: "input",
    drivers.OUTPUT_TOKENS: "output",
    drivers.REASONING: "reasoning",
    drivers.TOOLS: "tools and media",
}
_OF_ALL = ("volume", "cost of volume", drivers.NEW_AND_ENDED, "fixed cost", "priced share")
"""Bars whose words are about everything asked for, not about the feature that moved them most."""
_WORDS: Mapping[str, Callable[[Moved, tuple[Told, Told], Sequence[Driver]], str | None]] = {
    "volume": _volume,
    "cost of volume": _volume,
    "value volume": _volume,
    "calls per outcome": _calls_per_outcome,
    "mix": _mix,
    "tokens per call": _tokens,
    "cache rate": _cache,
    "failure rate": _failures,
    "price": _prices,
    "discounts": _prices,
    "priced share": _priced,
    "value per outcome": _value,
    "fixed cost": _fixed,
    drivers.NEW_AND_ENDED: _entries,
}
