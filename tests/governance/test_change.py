"""The arithmetic of a change: steps sum exactly, unknown prices stay unknown, and a no-change costs nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from breakeven.governance.change import (
    Cell,
    Group,
    Prices,
    Ratio,
    Replacement,
    Step,
    Traffic,
    UnitPrices,
    assumed,
    nearest,
    price_of,
    steps,
    successors,
)

GROUPS = [Group("openai", "a"), Group("openai", "b"), Group("anthropic", "c", (("processing", "batch"),))]
PRICES = st.fixed_dictionaries({"input": st.integers(0, 10**13), "output": st.integers(0, 10**14)})
CELLS = st.lists(
    st.builds(Cell, st.sampled_from(GROUPS), st.sampled_from(["input", "output"]), st.integers(0, 10**9), st.integers(0, 10**22)),
    max_size=8,
    unique_by=lambda cell: (cell.group, cell.usage_class),
)


def cost_of(found: list[Step]) -> int:
    return sum(step.cost or 0 for step in found)


@given(CELLS, st.dictionaries(st.sampled_from(GROUPS), PRICES))
def test_no_difference_costs_nothing(cells: list[Cell], prices: dict[Group, UnitPrices]) -> None:
    """The same prices, models and prompts on both sides give no step at all, priced or not."""
    assert steps(Traffic(cells), Prices(prices.get, prices.get), {}, 0, lambda _p, _m: Ratio()) == []


@given(CELLS, PRICES, PRICES)
def test_a_price_change_costs_quantity_times_difference(cells: list[Cell], before: UnitPrices, after: UnitPrices) -> None:
    """Whatever was recorded, changed prices move the cost by Σ quantity × difference, exactly."""
    found = steps(Traffic(cells), Prices(lambda _: before, lambda _: after), {}, 0, lambda _p, _m: Ratio())
    assert cost_of(found) == sum(cell.quantity * (after[cell.usage_class] - before[cell.usage_class]) for cell in cells)


@given(CELLS, PRICES)
def test_a_replaced_model_costs_its_price_for_the_same_tokens(cells: list[Cell], prices: UnitPrices) -> None:
    """Recorded cost plus the step of the model is Σ quantity × the new model's price, for the models replaced."""
    moves = {GROUPS[0]: Replacement("openai", "new")}
    found = steps(Traffic(cells), Prices(lambda _: prices, lambda _: prices), moves, 0, lambda _p, _m: Ratio())
    replaced = [cell for cell in cells if cell.group.model == "a"]
    assert cost_of(found) + sum(cell.cost or 0 for cell in replaced) == sum(c.quantity * prices[c.usage_class] for c in replaced)


@given(st.integers(-10_000, 10_000), st.integers(0, 10**6), PRICES)
def test_a_prompt_costs_its_tokens_on_every_request(characters: int, requests: int, prices: UnitPrices) -> None:
    """With uncached input only: requests × characters / 4, to the nearest token, × the input price; negative where it shrank."""
    group = GROUPS[0]
    traffic = Traffic([Cell(group, "input", 100, 0), Cell(group, "output", 7, 0)], {group: requests})
    found = steps(traffic, Prices(lambda _: prices, lambda _: prices), {}, characters, lambda _p, _m: Ratio())
    assert cost_of(found) == nearest(requests * characters, 4) * prices["input"]


def test_added_prompt_tokens_are_cached_as_the_recorded_ones_were() -> None:
    """Three quarters of recorded input came from the cache, so that three quarters of the added tokens cost the cached price."""
    group = GROUPS[0]
    traffic = Traffic([Cell(group, "input", 100, 0), Cell(group, "cache_read", 300, 0)], {group: 10})
    prices = Prices(lambda _: {"input": 8, "cache_read": 2}, lambda _: {"input": 8, "cache_read": 2})
    assert steps(traffic, prices, {}, 16, lambda _p, _m: Ratio()) == [Step("prompt", 10 * 8 + 30 * 2)]


def test_an_unknown_price_makes_its_step_unknown_and_names_the_model() -> None:
    """A model without a price, before or after, is never taken for free."""
    traffic = Traffic([Cell(GROUPS[0], "input", 100, 5)], {GROUPS[0]: 1})
    nobody = Prices(lambda _: None, lambda _: None)
    moves = {GROUPS[0]: Replacement("openai", "new")}
    assert steps(traffic, nobody, moves, 0, lambda _p, _m: Ratio()) == [Step("model", None, "new")]
    assert steps(traffic, nobody, {}, 40, lambda _p, _m: Ratio()) == [Step("prompt", None, "a")]
    vanished = Prices(lambda _: {"input": 1}, lambda _: None)
    assert steps(traffic, vanished, {}, 0, lambda _p, _m: Ratio()) == [Step("prices", None, "a")]


def test_a_batch_does_not_follow_to_another_vendor() -> None:
    """What was served in a vendor's batch is priced as a plain request of the vendor that takes over."""
    asked: list[Group] = []

    def price(group: Group) -> UnitPrices:
        asked.append(group)
        return {"input": 1}

    traffic = Traffic([Cell(GROUPS[2], "input", 100, 5)])
    steps(traffic, Prices(price, price), {GROUPS[2]: Replacement("openai", "new")}, 0, lambda _p, _m: Ratio())
    assert asked == [Group("openai", "new")]


def test_a_class_without_its_own_price_takes_the_plain_one() -> None:
    """Cached input costs what input does, reasoning what output does; anything else without a price is unknown."""
    prices = {"input": 3, "output": 5}
    assert [price_of(prices, name) for name in ("cache_read", "reasoning", "web_search")] == [3, 5, None]


def test_assumed_traffic_is_calls_times_tokens_times_price() -> None:
    """10 calls of 2 × 3 + 4 × 5; unknown without a price of a class that is used."""
    assert assumed(10, {"input": 2, "output": 4}, {"input": 3, "output": 5}) == 260
    assert assumed(10, {"input": 2, "web_search": 1}, {"input": 3}) is None
    assert assumed(10, {"input": 2}, None) is None


def test_who_takes_over_follows_the_place_in_the_list() -> None:
    """A model that is no longer named gives its calls to what stands at its place, or to the last of a shorter list."""
    assert successors(["a", "b"], ["a", "x"]) == {"b": "x"}
    assert successors(["a", "b", "c"], ["a", "b"]) == {"c": "b"}
    assert successors(["a", "b"], ["b"]) == {"a": "b"}
    assert successors([], ["a"]) == successors(["a"], []) == {}


def test_a_class_that_loses_its_price_is_unknown() -> None:
    """A price file that leaves a used class without any price makes the step unknown."""
    traffic = Traffic([Cell(GROUPS[0], "web_search", 3, 30)])
    assert steps(traffic, Prices(lambda _: {"web_search": 10}, lambda _: {"input": 1}), {}, 0, lambda _p, _m: Ratio()) == [
        Step("prices", None, "a")
    ]


def test_a_prompt_of_calls_without_text_input_is_priced_as_plain_input() -> None:
    """Where no text was recorded the added tokens are plain input; without a price of input they are unknown."""
    traffic = Traffic([Cell(GROUPS[0], "input_audio", 100, 0)], {GROUPS[0]: 2})
    plain: UnitPrices = {"input": 7, "input_audio": 1}
    assert steps(traffic, Prices(lambda _: plain, lambda _: plain), {}, 4, lambda _p, _m: Ratio()) == [Step("prompt", 14)]
    audio: UnitPrices = {"input_audio": 1}
    assert steps(traffic, Prices(lambda _: audio, lambda _: audio), {}, 4, lambda _p, _m: Ratio()) == [Step("prompt", None, "a")]
