"""The scenario report: drivers from the ledger's history, public figures where it is silent, sentences for what cannot be said."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
import pytest

from breakeven.economics.periods import parse_period
from breakeven.economics.scenario.ranges import declared
from breakeven.errors import DataError, UsageError
from breakeven.pricebook import PricingKey, Quote, QuoteLine
from breakeven.reports.question import Question
from breakeven.reports.scenario import monthly_plan, scenario
from breakeven.reports.scenariocompare import comparison
from breakeven.reports.scenariofacts import default_span
from breakeven.reports.scenariomoves import Prices
from breakeven.reports.scenariorows import ScenarioReport, ScenarioRow
from breakeven.settings import Settings
from breakeven.settings.scenarios import MoveSpec, Scenario, preset_scenarios

Build = Callable[[str], Any]
Read = Callable[[str], Settings]
NOW = datetime(2026, 10, 11)
MONTHS = [f"2025-{month:02}" for month in range(9, 13)] + [f"2026-{month:02}" for month in range(1, 10)]
VALUE = 'features: {a: {owner: x, value: [{id: v, kind: unit_price, price: "0.5"}]}}'


class Book:
    """A price book in which the model `cheap` costs a tenth of a cent a token, and nothing else has a price."""

    def quote(self, key: PricingKey, /) -> Quote:
        """One unit price for input."""
        line = QuoteLine("input", "list", 10**15, "v", "")
        return Quote("cheap", {"input": (line,)}, "v") if key.model == "cheap" else Quote("", problem=_unpriced())


def _unpriced() -> Any:
    from breakeven.errors import Problem  # noqa: PLC0415 - only where it is wanted

    return Problem("x", "no price", "add one")


BOOK = Prices(Book, NOW)


def _ledger(
    price: float = 0.97, tokens: float = 1.02, volume: float = 1.05, *, months: list[str] = MONTHS, rung: str = "mid"
) -> str:
    """A feature whose price, tokens per task and tasks change by these factors every month."""
    calls = ["time  feature  workflow  rung  model  tokens  count  cost"]
    outcomes = ["outcomes", "time  feature  unit  quantity  succeeded"]
    for at, month in enumerate(months):
        count = round(1000 * volume**at)
        units = round(1_000_000 * volume**at * tokens**at)
        cost = units * price**at * 1e-4
        calls.append(f"{month}-01 09:00  a  scan  {rung}  gpt-4o  {units}  {count}  {cost:.12f}")
        calls.append(f"{month}-28 23:00  a  scan  {rung}  gpt-4o  1  0  0.000000000100")
        outcomes.append(f"{month}-05 10:00  a  document  {count}  true")
    return "\n".join([*calls, *outcomes])


@pytest.fixture
def ask(ledger_from_text: Build, settings_from_text: Read) -> Callable[..., ScenarioReport]:
    """Runs a scenario on a ledger in text, from September 2026 on unless another period is asked for."""

    def run(text: str, asked: Scenario | None = None, config: str = VALUE, period: str = "2026-09") -> ScenarioReport:
        return scenario(
            ledger_from_text(text), settings_from_text(config), Question(parse_period(period, NOW)), asked or Scenario("s"), BOOK
        )

    return run


def _row(report: ScenarioReport) -> ScenarioRow:
    assert len(report.rows) == 1
    return report.rows[0]


def _driver(row: ScenarioRow, name: str) -> Any:
    return next(one for one in row.drivers if one.driver == name)


def test_history_is_found(ask: Callable[..., ScenarioReport]) -> None:
    """Prices −3%, tokens per task +2% and tasks +5% a month come out as their yearly changes, from the ledger."""
    row = _row(ask(_ledger()))
    for driver, monthly in (("price:mid", 0.97), ("tokens", 1.02), ("volume", 1.05)):
        found = _driver(row, driver)
        assert found.change.point == pytest.approx(monthly**12 - 1, abs=0.01)
        assert (found.origin, found.rests_on) == ("ledger", "12 monthly changes")
    assert row.stand_still is not None
    assert row.stand_still.point == pytest.approx(1 - 1 / 1.02**12, abs=0.005)
    assert row.price_change is not None
    assert row.price_change.point == pytest.approx(0.97**12 - 1, abs=0.005)
    assert row.waiting_helps is True
    assert "stands still" not in row.sentence
    assert "Prices would have to fall 21.1% a year" in row.sentence
    assert "those it pays have fallen 30.6% a year" in row.sentence


def test_the_month_as_it_is_is_exact(ask: Callable[..., ScenarioReport]) -> None:
    """The path begins with the ledger's own month: its cost, value, unit cost and margin."""
    report = ask(_ledger(1, 1, 1))
    first = _row(report).points[0]
    assert (first.months, first.cost.point, first.tasks) == (0, "100", 1000)
    assert first.value is not None
    assert first.unit_cost is not None
    assert first.margin is not None
    assert (first.value.point, first.unit_cost.point) == ("500", "0.1")
    assert first.margin.point == pytest.approx(0.8)


def test_what_the_scenario_says_goes_first(ask: Callable[..., ScenarioReport]) -> None:
    """Declared drivers replace history, which stays beside them; a price of one tier replaces that of all tiers."""
    drivers = {"price:": declared(0.9), "price:mid": declared(0.7), "tokens": declared(1.6)}
    row = _row(ask(_ledger(), Scenario("s", drivers=drivers)))
    assert [_driver(row, name).change.point for name in ("price:mid", "tokens")] == pytest.approx([-0.3, 0.6])
    assert _driver(row, "price:mid").history.point == pytest.approx(0.97**12 - 1, abs=0.01)
    assert row.points[-1].unit_cost is not None
    assert float(row.points[-1].unit_cost.point) / float(
        row.points[0].unit_cost.point if row.points[0].unit_cost else 1
    ) == pytest.approx((0.7 * 1.6) ** 2)


def test_a_short_history_uses_public_figures_and_says_which(ask: Callable[..., ScenarioReport]) -> None:
    """Three months of history are silent: price and tokens come from dated public figures, adoption stays."""
    report = ask(_ledger(months=MONTHS[-3:]))
    row = _row(report)
    assert [_driver(row, name).origin for name in ("price:mid", "tokens", "volume")] == ["public", "public", "held"]
    assert {one.id for one in report.public_figures} == {
        "a16z-2024-11", "epoch-2025-03", "gartner-2026-03", "epoch-2025-04", "openrouter-2025-12",
    }  # fmt: skip
    assert all(one.published and one.source for one in report.public_figures)
    assert row.price_change is None
    assert "too short to say what they do" in row.sentence


def test_the_frontier_does_not_fall_as_a_fixed_capability_does(ask: Callable[..., ScenarioReport]) -> None:
    """Without history the frontier's price stays in the middle, a lower tier's falls 37% a year."""
    found = [
        _driver(_row(ask(_ledger(months=MONTHS[-1:], rung=rung))), f"price:{rung}").change.point for rung in ("frontier", "small")
    ]
    assert found == pytest.approx([0.0, -0.369], abs=0.001)


def test_a_full_history_uses_no_public_figure(ask: Callable[..., ScenarioReport]) -> None:
    """Where the ledger speaks nothing else is used; presets name the figures that they rest on."""
    assert ask(_ledger()).public_figures == []
    preset = ask(_ledger(), preset_scenarios()["agent-drift"])
    assert [one.id for one in preset.public_figures] == ["anthropic-2025-06", "gartner-2026-03-agents", "epoch-2025-04"]


def test_a_tier_without_history_of_its_own_takes_that_of_all_features(ask: Callable[..., ScenarioReport]) -> None:
    """Work that moves to a tier this feature has not used follows the price that other features pay there."""
    other = _ledger(0.95, rung="small").replace("  a  ", "  b  ")
    calls, outcomes = (text.split("\noutcomes\n") for text in (_ledger(), other))
    text = f"{calls[0]}\n" + "\n".join(outcomes[0].splitlines()[1:]) + f"\noutcomes\n{calls[1]}"
    move = MoveSpec("small", workflow="scan", feature="a", saves=0.5)
    report = ask(text, Scenario("s", moves=(move,)))
    row = next(one for one in report.rows if one.feature == "a")
    assert _driver(row, "price:small").origin == "all features"
    assert _driver(row, "price:small").change.point == pytest.approx(0.95**12 - 1, abs=0.01)


def test_the_same_seed_gives_the_same_report(ask: Callable[..., ScenarioReport]) -> None:
    """A report is reproducible to the last digit."""
    first, again = (msgspec.json.encode(ask(_ledger(), Scenario("s", seed=9))) for _ in range(2))
    assert first == again


MIXED = """
time              feature  workflow  rung      model   tokens  count  cost
2026-09-01 09:00  a        clauses   frontier  gpt-4o  90000   100    90
2026-09-01 10:00  a        clauses   mid       gpt-4o  10000   100    10
2026-09-02 09:00  a        headers   frontier  gpt-4o  40000   50     40
2026-09-28 09:00  a        headers   frontier  gpt-4o  10000   50     10
outcomes
time              feature  unit      quantity  succeeded
2026-09-05 10:00  a        document  300       true
"""


@pytest.mark.parametrize(
    ("move", "saves"),
    [
        (MoveSpec("small", workflow="headers", saves=0.8), 40),
        (MoveSpec("handler", workflow="headers"), 50),
        (MoveSpec("handler", workflow="headers", saves=0.9), 45),
        (MoveSpec("mid", workflow="clauses", tier="frontier"), 80),
        (MoveSpec("mid", workflow="clauses", tier="frontier", share=0.5), 40),
        (MoveSpec("mid", tier="frontier"), 80 + 50 - 100 * 0.1 * (0.5 / 0.7)),
        (MoveSpec("small", workflow="headers", model="openai/cheap"), 50 - 50_000 * 0.001),
    ],
)
def test_moves_in_money(ask: Callable[..., ScenarioReport], move: MoveSpec, saves: float) -> None:
    """What a move saves: as declared, all without a model, by like calls there, in proportion, or by the price book."""
    row = _row(ask(MIXED, Scenario("s", moves=(move,))))
    assert row.act is not None
    assert row.act.declared
    assert float(row.act.saves_per_month) == pytest.approx(saves, abs=1e-6)


@pytest.mark.parametrize(
    ("moves", "fault"),
    [
        ((MoveSpec("small", workflow="nothing", where="f.yaml:9"),), "f.yaml:9: this move finds no work"),
        ((MoveSpec("small", workflow="headers", where="f.yaml:9"),), "f.yaml:9: no call of a ran on 'small'"),
        (
            (MoveSpec("small", workflow="headers", model="openai/unknown", where="f:9"),),
            "f:9: the model 'openai/unknown' cannot be priced",
        ),
        ((MoveSpec("small", workflow="headers", model="cheap", where="f:9"),), "write it as vendor/model"),
        (
            (MoveSpec("mid", workflow="headers", saves=0.5, share=0.6), MoveSpec("x", workflow="headers", saves=0.5, where="f:9")),
            "f:9: more than all",
        ),
    ],
)
def test_a_move_that_cannot_be_made_is_explained(
    ask: Callable[..., ScenarioReport], moves: tuple[MoveSpec, ...], fault: str
) -> None:
    """Work that is not there, a price that nobody knows, more than everything: said with the place in the file."""
    with pytest.raises(DataError) as raised:
        ask(MIXED, Scenario("s", moves=moves))
    assert fault in str(raised.value)


def test_a_share_goes_one_rung_down(ask: Callable[..., ScenarioReport]) -> None:
    """`down` moves that share of each kind's dearest rung to the next one that the kind runs on; undeclared, all of it is tried."""
    lowered = _row(ask(MIXED, Scenario("s", down=0.5))).act
    tried = _row(ask(MIXED)).act
    assert lowered is not None
    assert tried is not None
    assert (lowered.declared, tried.declared) == (True, False)
    assert [float(one.saves_per_month) for one in (lowered, tried)] == pytest.approx([40, 80])
    assert "unproven" in _row(ask(MIXED)).sentence


def test_acting_against_waiting(ask: Callable[..., ScenarioReport]) -> None:
    """With everything else held, a quarter's wait costs three months of saving and acting lifts the margin at once."""
    still = {name: declared(1.0) for name in ("price:", "tokens", "volume")}
    row = _row(ask(MIXED, Scenario("s", drivers=still, moves=(MoveSpec("handler", workflow="headers"),))))
    assert row.act is not None
    assert row.act.a_quarter_later.point == "150"
    assert row.act.margin_now == pytest.approx(0.0)
    assert row.act.margin_acting_now == pytest.approx(1 / 3)
    assert (row.points[0].cost.point, row.points[1].cost.point) == ("150", "100")


def test_a_feature_on_one_rung_has_nothing_to_move(ask: Callable[..., ScenarioReport]) -> None:
    """Where a feature runs on one rung only, no act is invented."""
    assert _row(ask(_ledger())).act is None


def test_flat_revenue_grows_with_seats_not_with_use(ask: Callable[..., ScenarioReport]) -> None:
    """Value by revenue: more use costs more and earns the same; seats bring revenue; the feature earns up to a factor on usage."""
    text = MIXED + "revenue\nfrom  to  customer  plan  amount\n2026-09-01  2026-10-01  -  -  300\n"
    config = "features: {a: {value: [{id: v, kind: revenue, share: even}]}}"
    held = {name: declared(1.0) for name in ("price:", "tokens")}
    row = _row(ask(text, Scenario("s", drivers={**held, "volume": declared(2.0), "seats": declared(1.5)}), config))
    assert row.points[4].value is not None
    assert (row.points[4].cost.point, row.points[4].value.point) == ("300", "450")
    sides = {one.driver: one.side for one in row.multipliers}
    factors = {one.driver: one.factor for one in row.multipliers}
    assert (sides["usage"], sides["seats"]) == ("up to", "from")
    assert [factors["usage"], factors["seats"]] == pytest.approx([2.0, 0.5])


@pytest.mark.parametrize(
    ("text", "period", "said"),
    [
        ("", "2026-09", "There is nothing to look ahead from"),
        ("time  feature  model  cost\n2026-09-03 09:00  a  gpt-4o  ?", "2026-09", "There is nothing to look ahead from"),
        (
            "time  feature  model  cost\n2026-09-03 09:00  a  gpt-4o  1",
            "2026-09-03",
            "which feature waiting would save cannot be said",
        ),
        (MIXED.replace("300       true", "0         true"), "2026-09", "take a call from"),
        (_ledger(months=[*MONTHS[:6], *MONTHS[8:]]), "2026-09", "too short to say what they do"),
    ],
)
def test_what_cannot_be_said_is_a_sentence(ask: Callable[..., ScenarioReport], text: str, period: str, said: str) -> None:
    """No facts, no price, one day without value, no outcomes, months without calls: a sentence, and never NaN."""
    report = ask(text, None, VALUE if "outcomes" in text else "{}", period)
    encoded = msgspec.json.encode(report).decode()
    assert said in report.sentence
    assert re.search(r"\b(nan|inf|infinity)\b", encoded, re.IGNORECASE) is None


def test_a_feature_in_the_red_is_judged(ask: Callable[..., ScenarioReport]) -> None:
    """A feature that loses money is saved where prices surely fall enough, and not where they stay."""
    losing = VALUE.replace('"0.5"', '"0.08"')
    still, falling = ({"price:": declared(factor), "tokens": declared(1.0), "volume": declared(1.0)} for factor in (1.0, 0.5))
    not_saved, saved = (ask(_ledger(1, 1, 1), Scenario("s", drivers=each), losing) for each in (still, falling))
    assert [_row(one).deflation for one in (not_saved, saved)] == ["not saved", "saved"]
    assert "a is not saved by waiting" in not_saved.sentence


FOUR = """
time              feature  model   tokens  count  cost
2026-09-01 09:00  a        gpt-4o  1000    10     10
2026-09-01 10:00  b        gpt-4o  1000    10     30
2026-09-01 11:00  c        gpt-4o  1000    10     2
outcomes
time              feature  quantity
2026-09-05 10:00  a        10
2026-09-05 10:00  b        10
2026-09-05 10:00  c        10
"""


@pytest.mark.parametrize(
    ("price", "worth", "said"),
    [
        (1.0, (0.9, 2, 1), "Two features lose money now; waiting saves none. b is not saved by waiting"),
        (0.6, (0.9, 0.9, 1), "Two features lose money now; waiting saves one. b is not saved by waiting"),
        (0.6, (0.9, 2.9, 1), "Two features lose money now; waiting saves two. b is saved by waiting"),
        (0.6, (0.9, 9, 1), "One feature loses money now, and waiting saves it."),
        (1.0, (0.9, 9, 1), "One feature loses money now, and waiting does not save it."),
        (1.0, (2, 9, 1), "Every feature with a known value stays profitable in 24 months, if nothing is done."),
        (2.0, (9, 9, 1), "b turns red in 24 months, if nothing is done. b turns red: prices +100% a year"),
    ],
)
def test_the_sentence_counts_who_is_saved(
    ask: Callable[..., ScenarioReport], price: float, worth: tuple[float, float, float], said: str
) -> None:
    """How many features that lose money are saved by waiting, or who turns red, is the first thing said."""
    values = [
        f'{name}: {{value: {{id: {name}, kind: unit_price, price: "{each}"}}}}' for name, each in zip("abc", worth, strict=True)
    ]
    drivers = {"price:": declared(price), "tokens": declared(1.0), "volume": declared(1.0)}
    report = ask(FOUR, Scenario("s", drivers=drivers), f"features: {{{', '.join(values)}}}")
    assert report.sentence.startswith(said)
    assert report.total is not None
    assert report.total.points[0].cost.point == "42"


def test_what_may_be_saved_is_said_to_be_open(ask: Callable[..., ScenarioReport]) -> None:
    """Where the draws do not agree the sentence says that waiting may help."""
    drivers = {"price:": declared(0.95, 0.5, 1.5), "tokens": declared(1.0), "volume": declared(1.0)}
    config = 'features: {a: {value: {id: v, kind: unit_price, price: "0.9"}}, b: {value: {id: w, kind: unit_price, price: "2.6"}}}'
    report = ask(FOUR, Scenario("s", drivers=drivers), config)
    assert report.sentence.startswith("Two features lose money now; waiting saves none and may save two.")
    alone = ask(FOUR, Scenario("s", drivers=drivers), 'features: {a: {value: {id: v, kind: unit_price, price: "0.9"}}}')
    assert alone.sentence.startswith("One feature loses money now, and waiting may save it.")


def test_outcomes_without_cost_have_no_direction(ask: Callable[..., ScenarioReport]) -> None:
    """A feature that earns without any metered cost is told without a cost of a task to follow."""
    report = ask("outcomes\ntime  feature  quantity\n2026-09-05 10:00  a  10")
    assert _row(report).points[0].cost.point == "0"
    assert _row(report).sentence


def test_a_ledger_that_begins_in_the_middle_of_a_month_has_no_whole_month(ask: Callable[..., ScenarioReport]) -> None:
    """The first month counts as history only where the ledger knew it from its first days on."""
    late = _ledger().replace("2025-09-01", "2025-09-20")
    late = late.replace("2025-09-05", "2025-09-21")
    assert _driver(_row(ask(late)), "volume").rests_on == "11 monthly changes"


def test_an_unknown_feature_is_refused_with_the_nearest(ask: Callable[..., ScenarioReport]) -> None:
    """A scenario about a feature that has no facts names the nearest one."""
    with pytest.raises(UsageError, match="no feature 'aa'"):
        ask(_ledger(), Scenario("s", features=("aa",)))


def test_scenarios_side_by_side(ask: Callable[..., ScenarioReport]) -> None:
    """A comparison has a row per feature and scenario, the change against the first, and a sentence."""
    found = comparison([ask(_ledger(), one) for one in preset_scenarios().values()][:3])
    assert [row.scenario for row in found.rows] == ["discipline", "pass-through", "newest-frontier"]
    assert found.rows[0].contribution_change == "0"
    assert found.rows[2].contribution_change is not None
    assert found.rows[2].contribution_change.startswith("-")
    assert found.sentence.startswith("discipline: a margin of ")


def test_a_scenario_on_nothing_compares_to_nothing(ask: Callable[..., ScenarioReport]) -> None:
    """Without facts the comparison says so."""
    found = comparison([ask("", config="{}")] * 2)
    assert found.sentence.startswith("There is nothing to compare")


def test_a_plan_has_every_feature_and_month(ledger_from_text: Build, settings_from_text: Read) -> None:
    """What is adopted goes month by month from the next one on, for the features of the scenario and all others alike."""
    text = MIXED.replace("outcomes\n", "2026-09-03 09:00  -        -         mid       gpt-4o  10000   10     7\noutcomes\n")
    asked = Scenario(
        "s", features=("a",), years=1, drivers={"price:": declared(1.0), "tokens": declared(1.0), "volume": declared(2.0)}
    )
    found = monthly_plan(ledger_from_text(text), settings_from_text(VALUE), Question(parse_period("2026-09", NOW)), asked, BOOK)
    assert set(found) == {"a", None}
    assert found["a"].cost.shape == (1, 12)
    assert found["a"].cost[0, 11] == pytest.approx(300)


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (("2026-08-01", "2026-09-30"), "2026-09"),
        (("2026-08-01", "2026-10-10"), "2026-09"),
        (("2026-09-20", "2026-10-10"), "2026-10"),
        (("2026-10-05", "2026-10-10"), "2026-10"),
    ],
)
def test_the_usual_month_is_the_last_whole_one(ledger_from_text: Build, days: tuple[str, str], expected: str) -> None:
    """The month that runs is taken only where there is no whole month before it."""
    text = "time  feature  model  cost\n" + "\n".join(f"{day} 09:00  a  gpt-4o  1" for day in days)
    assert default_span(ledger_from_text(text), NOW).name == expected
    assert default_span(ledger_from_text(""), NOW).name == "2026-10"


def test_a_month_that_runs_is_brought_to_a_whole_one(ask: Callable[..., ScenarioReport]) -> None:
    """Ten days of a first month count as a third of it, and the trail says so."""
    report = ask(
        "time  feature  model  cost\n2026-10-01 09:00  a  gpt-4o  5\n2026-10-10 09:00  a  gpt-4o  5", config="{}", period="2026-10"
    )
    assert float(_row(report).points[0].cost.point) == pytest.approx(10 * 30.4375 / 10)
    assert report.trail["brought_to_a_month"] is True


def test_the_report_is_json(ask: Callable[..., ScenarioReport]) -> None:
    """Money is digits, changes are numbers, and the trail has formula, history and unknown shares."""
    found = json.loads(msgspec.json.encode(ask(_ledger())))
    assert isinstance(found["rows"][0]["points"][0]["cost"]["point"], str)
    assert found["trail"]["history"] == {"start": "2025-09-01", "end": "2026-10-01"}
    assert set(found["trail"]) >= {"formula", "rows", "price_versions", "share_unpriced", "share_unattributed"}
