"""Laws of the bridge, on arbitrary trees and on arbitrary usage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.economics.bridge import Bar, Leaf, Link, bridge, logarithm, merged, parts
from breakeven.economics.costdrivers import (
    CACHE,
    DISCOUNTS,
    FAILURES,
    LIST_PRICE,
    MODEL,
    MODEL_MIX,
    REASONING,
    RUNG_MIX,
    TASKS_PER_CUSTOMER,
    TOKENIZER,
    UNPRICED,
    VALUE_PER_TASK,
    Amounts,
    Attempts,
    Served,
    Text,
    Used,
    cost_leaves,
    fixed_leaves,
    value_leaves,
)

ATTO = 10**18
COUNT = st.integers(0, 10**12)
MONEY = st.one_of(st.just(0), st.integers(-(10**24), 10**26))
MOVABLE = ("calls", "tasks", "failed", "small", "reasoning")
NAMES = ("customers", "tasks", "calls", "tokens")


@st.composite
def leaves(draw: st.DrawFn) -> Leaf:
    """Any chain between any two amounts, credits, gaps and items included."""
    links = tuple(Link(name, draw(COUNT), draw(COUNT), draw(st.sampled_from(("", "model")))) for name in NAMES)
    path = tuple(draw(st.sampled_from(("a", "b", None))) for _ in range(3))
    return Leaf(path, draw(MONEY), draw(MONEY), links, "price")


@st.composite
def steady(draw: st.DrawFn) -> Leaf:
    """A leaf in which everything is something in both periods."""
    positive = st.integers(1, 10**12)
    links = tuple(Link(name, draw(positive), draw(positive)) for name in NAMES)
    amount = st.integers(1, 10**26)
    return Leaf((), draw(amount), draw(amount), links, "price")


def reversed_in_time(leaf: Leaf) -> Leaf:
    chain = tuple(replace(link, before=link.after, after=link.before) for link in leaf.chain)
    return replace(leaf, before=leaf.after, after=leaf.before, chain=chain)


@given(st.lists(leaves(), max_size=12), st.integers(0, 3))
def test_parts_sum_to_the_change_at_every_level(tree: list[Leaf], depth: int) -> None:
    """Whatever the tree: at each level the parts of a branch sum to its change to the last atto-unit, and branches to the whole."""
    found = bridge(tree, lambda leaf: leaf.path[:depth])
    for path, bars in found.items():
        own = [leaf for leaf in tree if leaf.path[:depth] == path]
        assert sum(bars.values()) == sum(leaf.after - leaf.before for leaf in own)
    whole = bridge(tree, lambda _: ()).get((), {})
    for bar in {bar for bars in found.values() for bar in bars}:
        assert sum(bars.get(bar, 0) for bars in found.values()) == whole.get(bar, 0)


@given(leaves())
def test_exchanging_the_periods_flips_every_sign(leaf: Leaf) -> None:
    """The bridge from October back to September is the other one with all signs flipped; what was new has ended."""
    swapped = {"new": "ended", "ended": "new", "": ""}
    there, back = parts(leaf), parts(reversed_in_time(leaf))
    assert {Bar(bar.driver, swapped[bar.entry]): -part for bar, part in back.items()} == there  # type: ignore[arg-type]


@given(steady(), st.integers(2, 9))
def test_splitting_a_segment_changes_nothing(leaf: Leaf, pieces: int) -> None:
    """A segment cut into equal pieces gives the same bars, but for one atto-unit of rounding per piece."""
    scaled = replace(leaf, before=leaf.before * pieces, after=leaf.after * pieces)
    whole = parts(scaled)
    cut = bridge([leaf] * pieces, lambda _: "all")["all"] if leaf.before != leaf.after or whole else {}
    assert all(abs(whole.get(bar, 0) - cut.get(bar, 0)) <= pieces for bar in {*whole, *cut})


@given(steady(), st.integers(0, 3))
def test_merging_two_drivers_leaves_the_others(leaf: Leaf, dropped: int) -> None:
    """Without one quantity its driver and the next one are one, and no other part moves by a single atto-unit."""
    names = [*NAMES, "price"]
    full = parts(leaf)
    less = parts(replace(leaf, chain=leaf.chain[:dropped] + leaf.chain[dropped + 1 :]))
    gone, into = names[dropped], names[dropped + 1]
    joined = merged(full, lambda bar: Bar(into) if bar.driver == gone else bar)
    assert {bar: part for bar, part in joined.items() if part} == less


@given(st.lists(leaves(), max_size=8), st.randoms())
def test_the_order_of_rows_is_irrelevant(tree: list[Leaf], random: object) -> None:
    """Rows in any order give the same bars."""
    mixed = list(tree)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert bridge(mixed, lambda leaf: leaf.path) == bridge(tree, lambda leaf: leaf.path)


@given(steady())
def test_a_part_is_the_log_mean_times_the_log_of_its_ratio(leaf: Leaf) -> None:
    """Each part is L(c₁, c₀)·ln(x₁/x₀), as Ang writes it, to the digits that floats have."""
    before, after = float(leaf.before), float(leaf.after)
    mean = before if leaf.before == leaf.after else (after - before) / log(after / before)
    quantities = [(1, 1), *((link.before, link.after) for link in leaf.chain), (leaf.before, leaf.after)]
    found = parts(leaf)
    for name, (old, new) in zip((*NAMES, "price"), pairwise(quantities), strict=True):
        expected = mean * (log(new[1] / new[0]) - log(old[1] / old[0]))
        scale = max(before, after) * (1 + abs(log(new[1] / new[0])) + abs(log(old[1] / old[0])))
        assert found.get(Bar(name), 0) == pytest.approx(expected, abs=1e-6 * scale + 2)


@given(st.integers(1, 10**9), st.integers(1, 10**9), st.integers(1, 10**24), st.integers(1, 10**24))
def test_a_credit_is_shared_by_its_shapley_value(q0: int, q1: int, cost: int, credit: int) -> None:
    """Where the amount changes its sign, quantity and rate get the mean over both orders of moving them."""
    found = parts(Leaf((), cost, -credit, (Link("calls", q0, q1),), "price"))
    r0, r1 = Fraction(cost, q0), Fraction(-credit, q1)
    twice = (q1 - q0) * r0 + (q1 - q0) * r1  # the move of the quantity first, and last
    assert abs(found.get(Bar("calls"), 0) - twice / 2) <= 1 + abs(twice) * Fraction(1, 10**14)
    assert sum(found.values()) == -credit - cost


def test_what_is_new_or_ended_is_a_bar_of_its_own() -> None:
    """An item in one period only is a bar of its own; a cache that was switched on is the cache's."""
    model = Link("model mix", 0, 7, "model")
    assert parts(Leaf((), 0, 90, (Link("calls", 5, 9), model), "price")) == {Bar("model", "new"): 90}
    assert parts(reversed_in_time(Leaf((), 0, 90, (Link("calls", 5, 9), model), "price"))) == {Bar("model", "ended"): -90}
    assert parts(Leaf((), 0, 90, (Link("calls", 5, 9), Link(CACHE, 0, 7)), "price")) == {Bar(CACHE): 90}
    assert parts(Leaf((), 0, 0, (), "price")) == {}


def test_free_use_that_became_dear_is_price() -> None:
    """What was used in both periods and cost nothing in one of them is a matter of its price."""
    assert parts(Leaf((), 0, 90, (Link("calls", 5, 9),), "price")) == {Bar("price"): 90}


@given(st.fractions(min_value=Fraction(1, 10**9), max_value=10**9))
def test_the_logarithm_of_the_inverse_is_the_negative(ratio: Fraction) -> None:
    """ln(1/x) = −ln(x) to the last bit, and both are logarithms."""
    assert logarithm(1 / ratio) == -logarithm(ratio)
    assert logarithm(ratio) == pytest.approx(log(ratio), rel=1e-12, abs=1e-15)


SERVED = Served("extract", "pro", "openai", "large", "frontier")
SMALL = Served("extract", "pro", "openai", "small", "small")


def used(  # noqa: PLR0913 - one keyword per thing that can move
    calls: int = 100,
    *,
    customers: int = 10,
    tasks: int = 50,
    tokens: int = 1000,
    price: int = ATTO // 1000,
    discount: int = 100,
    failed: int = 0,
    small: int = 0,
    cached: int = 0,
    reasoning: int = 0,
    unpriced: int = 0,
    characters: int = 0,
) -> Used:
    """One feature of one plan: calls on a large and a small model, with everything that can move."""
    known = calls + failed - unpriced
    text = Text(characters * known, tokens * known, known) if characters else Text()
    quantities = {"input": (tokens - cached) * known, "cache_read": cached * known, "reasoning": reasoning * known}
    amounts: dict[tuple[Served, str | None], Amounts] = {
        (SERVED, name): Amounts(n, n * price, n * price * discount // 100) for name, n in quantities.items() if n
    }
    attempts = {SERVED: Attempts(calls, calls + failed, known, text)}
    if small:
        attempts[SMALL] = Attempts(small, small, small)
        amounts[SMALL, "input"] = Amounts(tokens * small, tokens * small * price // 10, tokens * small * price // 10)
    place = ("extract", "pro")
    return Used(customers, {"pro": customers}, {place: customers}, {place: tasks}, attempts, amounts, {place: tasks * ATTO})


def moved(before: Used, after: Used) -> dict[str, int]:
    """Parts in whole currency units by driver, without those under a millionth of the largest."""
    found = bridge(cost_leaves(before, after), lambda _: "all").get("all", {})
    largest = max((abs(part) for part in found.values()), default=0)
    return {bar.driver: part for bar, part in found.items() if abs(part) > largest / 10**6}


@pytest.mark.parametrize(
    ("before", "after", "driver"),
    [
        ({}, {"calls": 200, "tasks": 100}, TASKS_PER_CUSTOMER),
        ({"discount": 100}, {"discount": 90}, DISCOUNTS),
        ({}, {"price": ATTO // 500}, LIST_PRICE),
        ({}, {"failed": 50}, FAILURES),
        ({"reasoning": 10}, {"reasoning": 900}, REASONING),
        ({"unpriced": 50}, {}, UNPRICED),
        ({"characters": 4000}, {"characters": 4000, "tokens": 1450}, TOKENIZER),
    ],
)
def test_one_driver_moves_one_bar(before: dict[str, int], after: dict[str, int], driver: str) -> None:
    """What alone moved is told alone: a tokenizer at the same characters, a discount, failures, reasoning, a missing price."""
    assert set(moved(used(**before), used(**after))) == {driver}


def test_a_cache_that_reads_more_is_the_cache_rate() -> None:
    """Cached input at a tenth of the price: the saving is the cache rate's, token counts being the same."""
    cheap = ATTO // 10_000

    def with_cache(share: int) -> Used:
        amounts: dict[tuple[Served, str | None], Amounts] = {
            (SERVED, "input"): Amounts(100 - share, (100 - share) * ATTO // 1000, (100 - share) * ATTO // 1000)
        }
        amounts[SERVED, "cache_read"] = Amounts(share, share * cheap, share * cheap)
        return replace(used(), amounts=amounts)

    found = moved(with_cache(20), with_cache(80))
    assert set(found) == {CACHE}
    assert found[CACHE] == -60 * (ATTO // 1000 - cheap)


def test_calls_that_move_up_the_ladder_are_rung_mix() -> None:
    """Half of the calls go from the small to the large model, both used before: rung mix, and nothing else."""
    found = moved(used(20, small=80), used(60, small=40))
    assert set(found) == {RUNG_MIX}


def test_a_model_that_was_not_there_is_new() -> None:
    """A second model enters: its cost is a bar of its own, and what it took over from the first is mix."""
    leaves_of = cost_leaves(used(100), used(60, small=40))
    found = bridge(leaves_of, lambda _: "all")["all"]
    assert found[Bar(MODEL, "new")] == 40 * 1000 * ATTO // 10_000
    assert set(found) <= {Bar(MODEL, "new"), Bar(RUNG_MIX), Bar(MODEL_MIX)}


@given(
    st.lists(
        st.dictionaries(st.sampled_from(MOVABLE), st.integers(0, 90)),
        min_size=2,
        max_size=2,
    ),
    st.integers(0, 100),
)
def test_the_bridge_of_any_usage_is_exact(periods: Sequence[dict[str, int]], discount: int) -> None:
    """Whatever was used, empty periods and missing tasks included, cost parts and value parts sum to their changes."""
    before, after = used(**periods[0]), used(**periods[1], discount=discount)
    for leaves_of, amount in ((cost_leaves, _cost), (value_leaves, lambda one: sum(one.value.values()))):
        found = bridge(leaves_of(before, after), lambda _: "all").get("all", {})
        assert sum(found.values()) == amount(after) - amount(before)


def _cost(one: Used) -> int:
    return sum(amounts.cost for amounts in one.amounts.values())


def test_value_and_fixed_cost_have_their_own_drivers() -> None:
    """A better price per document is value per task; fixed cost is its own only driver."""
    dearer = replace(used(), value={("extract", "pro"): 75 * ATTO})
    assert bridge(value_leaves(used(), dearer), lambda _: 0)[0] == {Bar(VALUE_PER_TASK): 25 * ATTO}
    fixed = replace(used(), fixed={("extract", "pro"): 12 * ATTO})
    assert bridge(fixed_leaves(used(), fixed), lambda _: 0)[0] == {Bar("fixed cost"): 12 * ATTO}


def test_without_customers_or_tasks_calls_are_the_volume() -> None:
    """Where neither customers nor outcomes are known, more calls are volume under the name of calls."""

    def plain(calls: int) -> Used:
        return replace(used(calls), customers=0, using={}, tasks={}, in_segment={})

    assert set(moved(plain(100), plain(200))) == {"calls"}
