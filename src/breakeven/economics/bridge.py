"""What moved an amount between two periods: the change divided exactly among drivers (log-mean Divisia, LMDI-I, Ang 2005).

An amount is the sum of *leaves*, and each leaf is the end of a *chain* of quantities, each a part of the one before or caused by
it:

    active customers → those who use the feature → tasks → calls → calls on a model → tokens of a class → list cost → cost

A driver is the ratio of two neighbours (tasks per customer, tokens per call, price per token). Of the change of a leaf from c₀ to
c₁, the chain up to the quantity q explains

    E(q) = L(c₁, c₀) · ln(q₁ / q₀),      L(a, b) = (a − b) / ln(a / b),  L(a, a) = a

and a driver explains E(its quantity) − E(the quantity before). The last quantity is the amount itself, so that E = c₁ − c₀: nothing
is left over and nothing depends on an order of substitution. Running totals are rounded, not parts: so the parts sum to the change
to the last atto-unit, dropping a quantity (merging two drivers) leaves every other part as it was to the last atto-unit, and sums
over leaves are exact at any level of a tree. Exchanging the periods flips all signs.

What is nothing in one of the periods has no ratio. The change then belongs whole to the first quantity that is nothing (the limit
of the formula, Ang and Liu 2007): to an item that is new or ended, where the quantity counts one, or to the driver, such as a
cache that was switched on. An amount that changes its sign (a credit) has no log-mean: its change is shared between quantity and
rate by their Shapley value, (q₁ − q₀)·(r₀ + r₁)/2 and (r₁ − r₀)·(q₀ + q₁)/2, and the part of the quantity among its drivers by
logarithms.

Assumes that the quantities of a chain are measured alike in both periods. Amounts are atto-units; floats are weights only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import atanh, log
from typing import Literal, NamedTuple, TypeVar

Entry = Literal["", "new", "ended"]
Quantity = int | Fraction
Key = TypeVar("Key", bound=Hashable)
_NEARBY = Fraction(2)


class Bar(NamedTuple):
    """What a part is called: a driver, or an item (`driver` says of what kind) that is `new` or `ended`."""

    driver: str
    entry: Entry = ""


@dataclass(frozen=True, slots=True)
class Link:
    """One quantity of a chain in both periods, and the driver that leads to it.

    `item`: what is counted is an item of this kind; where it is nothing in one period, the item is new or ended, which is a bar of
    its own. Otherwise the whole change is the driver's.
    """

    driver: str
    before: Quantity
    after: Quantity
    item: str = ""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One amount in both periods, in atto-units, and the chain that leads to it. `path` says where in the tree it is.

    `last` is the driver between the last quantity of the chain and the amount itself.
    """

    path: tuple[str | None, ...]
    before: int
    after: int
    chain: tuple[Link, ...]
    last: str


Parts = Mapping[Bar, int]


def parts(leaf: Leaf) -> dict[Bar, int]:
    """What each driver adds to the amount of one leaf; the parts sum to `after − before` exactly, those that are 0 are left out."""
    change = leaf.after - leaf.before
    if leaf.before == 0 or leaf.after == 0:
        return {_first_nothing(leaf): change} if change else {}
    if (leaf.before < 0) != (leaf.after < 0):
        return _signs_change(leaf)
    ratio = Fraction(leaf.after, leaf.before)
    explained = _explaining(leaf.after, change, ratio)
    found: dict[Bar, int] = {}
    so_far = 0
    for link in leaf.chain:
        if not _comparable(link):
            continue  # its driver and the next one cannot be told apart here
        total = explained(Fraction(link.after) / Fraction(link.before))
        _add(found, Bar(link.driver), total - so_far)
        so_far = total
    _add(found, Bar(leaf.last), change - so_far)
    return found


def bridge(leaves: Iterable[Leaf], key: Callable[[Leaf], Key]) -> dict[Key, dict[Bar, int]]:
    """The parts of all leaves, summed by `key` of the leaf: any level of the tree, exact at each."""
    sums: dict[Key, dict[Bar, int]] = {}
    for leaf in leaves:
        into = sums.setdefault(key(leaf), defaultdict(int))
        for bar, part in parts(leaf).items():
            into[bar] += part
    return {name: dict(found) for name, found in sums.items()}


def merged(found: Parts, name: Callable[[Bar], Key]) -> dict[Key, int]:
    """Parts under coarser names; no other part moves."""
    sums: dict[Key, int] = defaultdict(int)
    for bar, part in found.items():
        sums[name(bar)] += part
    return dict(sums)


def _add(found: dict[Bar, int], bar: Bar, part: int) -> None:
    if part:
        found[bar] = found.get(bar, 0) + part


def _comparable(link: Link) -> bool:
    """Whether the quantity has a positive ratio between the periods."""
    return link.before * link.after > 0


def _first_nothing(leaf: Leaf) -> Bar:
    """The bar of a leaf that is nothing in one period: the first quantity that is nothing there and something in the other."""
    entry: Entry = "new" if leaf.before == 0 else "ended"
    for link in leaf.chain:
        here, there = (link.before, link.after) if entry == "new" else (link.after, link.before)
        if here == 0 and there != 0:
            return Bar(link.item, entry) if link.item else Bar(link.driver)
    return Bar(leaf.last)


def _explaining(after: int, change: int, ratio: Fraction) -> Callable[[Fraction], int]:
    """E(q) as a function of q₁/q₀, rounded; a quantity that moved like the amount explains the whole change to the last unit."""
    if change == 0:
        return lambda moved: round(after * Fraction(logarithm(moved)))
    whole = logarithm(ratio)
    return lambda moved: round(change * Fraction(logarithm(moved) / whole))


def _signs_change(leaf: Leaf) -> dict[Bar, int]:
    """Shapley value of quantity and rate, where the amount is positive in one period and negative in the other."""
    change = leaf.after - leaf.before
    counted: list[Link] = []
    rate = leaf.last
    for link in leaf.chain:
        if not _comparable(link):
            rate = link.driver
            break
        counted.append(link)
    if not counted:
        return {Bar(rate): change}
    q0, q1 = Fraction(counted[-1].before), Fraction(counted[-1].after)
    share = (q1 - q0) * (leaf.before / q0 + leaf.after / q1) / 2
    weight = share / Fraction(logarithm(q1 / q0)) if q1 != q0 else q0 * (leaf.before / q0 + leaf.after / q1) / 2
    found: dict[Bar, int] = {}
    so_far = 0
    for link in counted:
        total = round(weight * Fraction(logarithm(Fraction(link.after) / Fraction(link.before))))
        _add(found, Bar(link.driver), total - so_far)
        so_far = total
    _add(found, Bar(rate), change - so_far)
    return found


@lru_cache(maxsize=65_536)
def logarithm(ratio: Fraction) -> float:
    """The natural logarithm of a positive ratio. ln(1/x) is −ln(x) to the last bit: exchanging the periods flips signs exactly."""
    above, below = ratio.numerator, ratio.denominator
    if 1 / _NEARBY < ratio < _NEARBY:
        return 2 * atanh((above - below) / (above + below))
    return log(above) - log(below)
