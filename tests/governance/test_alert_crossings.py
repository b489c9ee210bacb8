"""Once per crossing: the state machine of alerts."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from breakeven.governance.alerts import Alert, Crossing, Reading, told_together, turn
from breakeven.governance.alerts.crossings import FORGOTTEN_AFTER, MOST_AT_ONCE
from breakeven.governance.alerts.facts import State, crossing_id

START = datetime(2026, 10, 1)
NAMES = ("threshold|a", "threshold|b", "gap|c", "gap|d")
STATES: tuple[State, ...] = ("crossed", "between", "clear")


def alert(crossing: str, at: datetime) -> Alert:
    return Alert(crossing.partition("|")[0], crossing, "warning", "what", "next", None, crossing, at)


def reading(crossing: str, state: State, at: datetime) -> Reading:
    return Reading(crossing, state, alert(crossing, at) if state == "crossed" else None)


class Crossings(RuleBasedStateMachine):
    """Looks in any order, with restarts and with readings that are left out, against a model of two lines per crossing."""

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, Crossing] = {}
        self.model: set[str] = set()
        self.told: list[Alert] = []
        self.at = START

    @rule(states=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(STATES)))
    def look(self, states: dict[str, State]) -> None:
        """One look: `gap` lists what is crossed, so that what it does not name is clear."""
        self.at += timedelta(seconds=10)
        found = turn(self.known, [reading(name, state, self.at) for name, state in states.items()], {"gap"}, self.at)
        self.told += found.told
        news = {name for name, state in states.items() if state == "crossed"} - self.model
        over = {name for name in self.model if states.get(name) == "clear" or (name.startswith("gap") and name not in states)}
        assert {one.crossing for one in found.told} == news
        self.model = (self.model | news) - over
        self.known = {key: each for key, each in self.known.items() if key not in found.closed} | {
            each.id: each for each in found.opened
        }

    @invariant()
    def open_is_what_was_crossed_and_has_not_cleared(self) -> None:
        """The crossings that are remembered are those of the model, whatever came before."""
        assert set(self.known) == self.model

    @invariant()
    def no_alert_is_told_twice(self) -> None:
        """Each telling has an id of its own."""
        assert len({one.id for one in self.told}) == len(self.told)


TestCrossings = Crossings.TestCase


@given(st.lists(st.sampled_from(STATES), max_size=60))
def test_a_crossing_is_told_once_until_it_clears(states: list[State]) -> None:
    """However a figure trembles between its lines, it is told as often as it was crossed after having been clear."""
    known: dict[str, Crossing] = {}
    told, at = 0, START
    for state in states:
        at += timedelta(minutes=1)
        found = turn(known, [reading(NAMES[0], state, at)], (), at)
        told += len(found.told)
        known = {} if found.closed else known or {each.id: each for each in found.opened}
    steps = [state for state in states if state != "between"]
    assert told == sum(now == "crossed" and before == "clear" for before, now in zip(["clear", *steps], steps, strict=False))


def test_a_crossing_that_nobody_speaks_of_stays_until_its_period_is_over() -> None:
    """A budget whose account cannot be read is not told again when it comes back; with its period its crossing ends."""
    ends = START + timedelta(days=3)
    known = {"threshold|a": Crossing("threshold|a", "threshold", START, ends, None)}
    assert turn(known, [], (), ends - timedelta(seconds=1)).closed == ()
    assert turn(known, [], (), ends).closed == ("threshold|a",)
    forever = {"margin|a": Crossing("margin|a", "margin", START, None, None)}
    assert turn(forever, [], (), START + FORGOTTEN_AFTER).closed == ()
    assert turn(forever, [], (), START + FORGOTTEN_AFTER + timedelta(seconds=1)).closed == ("margin|a",)


def test_the_most_alarming_of_several_readings_counts() -> None:
    """Two rules about the same crossing tell of it once, and one that sees it clear does not hide it."""
    found = turn({}, [reading("margin|a", "clear", START), reading("margin|a", "crossed", START)], (), START)
    assert [one.crossing for one in found.told] == ["margin|a"]


@given(st.lists(st.text(), min_size=1), st.lists(st.text(), min_size=1))
def test_different_subjects_never_share_a_crossing(one: list[str], other: list[str]) -> None:
    """Whatever customers and budgets are called, their crossings are told apart."""
    assert (crossing_id("threshold", *one) == crossing_id("threshold", *other)) == (one == other)


@given(st.integers(0, 3 * MOST_AT_ONCE))
def test_a_flood_is_told_together(count: int) -> None:
    """At most twenty alerts of a kind are told one by one; one more says how many others there are."""
    alerts = [alert(f"customer_cost|{number}", START) for number in range(count)]
    single, summaries = told_together(alerts, START)
    assert len(single) == min(count, MOST_AT_ONCE)
    assert [one.figures["count"] for one in summaries] == ([count - MOST_AT_ONCE] if count > MOST_AT_ONCE else [])
