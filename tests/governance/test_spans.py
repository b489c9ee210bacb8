"""Over which time a limit holds: calendars, rolling windows, for ever."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.governance.budgets import (
    LONGEST_KEY,
    Budget,
    Raise,
    Threshold,
    account_key,
    account_of,
    amount_in_words,
    parsed_key,
)
from breakeven.governance.spans import SLICES, UNITS, Calendar, Lifetime, Rolling, in_words

instants = st.floats(0, 4_000_000_000, allow_nan=False)
zones = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo"])


def at(text: str) -> float:
    """Seconds since 1970 of an instant with its zone."""
    return datetime.fromisoformat(text).timestamp()


@given(instants, st.sampled_from(UNITS), zones, st.integers(1, 12))
def test_periods_divide_time(instant: float, unit: str, zone: str, first: int) -> None:
    """Every instant lies in exactly one period, which ends where the next one begins, under another name."""
    span = Calendar(unit, zone, first)  # type: ignore[arg-type] # one of the units
    window = span.window(instant)
    assert window.ends is not None
    assert window.starts <= instant < window.ends
    after = span.window(window.ends)
    assert after.starts == window.ends
    assert after.name != window.name
    assert span.window(window.starts) == span.window((window.starts + window.ends) / 2) == window


@pytest.mark.parametrize(
    ("span", "instant", "starts", "ends"),
    [
        (Calendar("month", "Europe/Berlin"), "2026-10-31T23:30:00+01:00", "2026-10-01T00:00:00+02:00", "2026-11-01T00:00:00+01:00"),
        (Calendar("day", "Europe/Berlin"), "2026-10-25T12:00:00+01:00", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"),
        (Calendar("week"), "2026-11-22T10:00:00+00:00", "2026-11-16T00:00:00+00:00", "2026-11-23T00:00:00+00:00"),
        (Calendar("quarter", first_month=2), "2027-01-31T10:00:00+00:00", "2026-11-01T00:00:00+00:00", "2027-02-01T00:00:00+00:00"),
        (Calendar("year", first_month=4), "2026-03-31T10:00:00+00:00", "2025-04-01T00:00:00+00:00", "2026-04-01T00:00:00+00:00"),
        (Calendar("hour"), "2026-03-31T10:59:59+00:00", "2026-03-31T10:00:00+00:00", "2026-03-31T11:00:00+00:00"),
    ],
)
def test_calendars_follow_the_zone_and_the_fiscal_year(span: Calendar, instant: str, starts: str, ends: str) -> None:
    """Midnights are those of the zone, over changes of the clock too; quarters and years begin in the month that is set."""
    window = span.window(at(instant))
    assert (window.starts, window.ends) == (at(starts), at(ends))


MICROSECOND = 1e-6


@given(instants, st.floats(60, 2_592_000), st.floats(0, 1))
def test_a_rolling_window_covers_at_least_its_length(instant: float, length: float, part: float) -> None:
    """What was spent within the last `length` counts, whenever it was; what is older by more than a slice does not.

    As far as clocks tell: a sum of two floats may lie further from one of them than the other is long.
    """
    span = Rolling(length)
    now = span.window(instant + length)
    spent = instant + length * part
    if instant + length - spent <= length - MICROSECOND:
        assert span.window(spent).slice >= now.since
    assert span.window(instant + length - length * (1 + 2 / SLICES) - 1).slice < now.since


def test_a_lifetime_never_ends() -> None:
    """All time is one window."""
    assert Lifetime().window(0.0) == Lifetime().window(4e9)


def test_spans_in_words() -> None:
    """As people say them."""
    assert in_words(Calendar("month", "Europe/Berlin")) == "month (Europe/Berlin)"
    assert in_words(Calendar("quarter", first_month=2)) == "quarter (fiscal)"
    assert [in_words(Rolling(each)) for each in (60, 604_800, 90)] == [
        "1 minute, rolling",
        "7 days, rolling",
        "90 seconds, rolling",
    ]


def test_a_raise_holds_between_its_instants_and_a_refusing_threshold_lowers_the_limit() -> None:
    """The limit in force: declared, raised for a while, or the share of it at which the budget refuses."""
    raised = Budget("b", "calls", 100, Lifetime(), raises=(Raise(50, "launch", "ann", until=20.0, since=10.0),))
    assert [raised.limit_at(instant) for instant in (9.9, 10.0, 19.9, 20.0)] == [100, 150, 150, 100]
    refusing = Budget("b", "calls", 100, Lifetime(), thresholds=(Threshold(9_000, "refuse"), Threshold(8_000, "notify")))
    assert refusing.limit_at(0.0) == 90


def test_whose_account_it_is() -> None:
    """Each value of `per` has an account; a call without the value, or outside the scope, has none."""
    budget = Budget("b", "calls", 1, Lifetime(), scope=(("feature", ("x", "y")),), per=("customer",))
    assert budget.covers({"feature": "x", "customer": "Acme"})
    assert not budget.covers({"feature": "z", "customer": "Acme"})
    assert not budget.covers({"feature": "x", "customer": None})
    account = account_of(budget, budget.subject({"feature": "x", "customer": "Acme"}), 0.0)
    assert parsed_key(account.key) == (budget.identity, "lifetime", ("Acme",))


def test_what_is_counted_decides_the_account_and_the_amount_does_not() -> None:
    """A new limit goes on with the old account, another scope begins anew."""
    budget = Budget("b", "calls", 1, Lifetime())
    assert budget.identity == Budget("b", "calls", 9, Lifetime(), mode="bounded").identity
    assert budget.identity != Budget("b", "calls", 1, Lifetime(), per=("user",)).identity


@given(st.lists(st.text(max_size=400), min_size=1, max_size=3), st.lists(st.text(max_size=400), min_size=1, max_size=3))
def test_accounts_have_names_of_their_own(one: list[str], other: list[str]) -> None:
    """Different subjects never share an account, however long they are; names are short enough for a journal."""
    clean = [[each.replace("\x1f", "") for each in subject] for subject in (one, other)]
    keys = [account_key("b#1", "w", tuple(subject)) for subject in clean]
    assert (keys[0] == keys[1]) == (clean[0] == clean[1])
    assert all(len(key.encode()) <= LONGEST_KEY + 4 * 3 * 200 for key in keys)


def test_amounts_in_words() -> None:
    """Dollars to the cent, or to where digits begin; counts with their noun."""
    said = [amount_in_words("usd", each) for each in (20_003_100 * 10**15, 0, 29 * 10**12, -5 * 10**17)]
    assert said == ["$20,003.10", "$0.00", "$2.9e-05", "-$0.50"]
    assert amount_in_words("tokens", 5_000_000) == "5,000,000 tokens"
    assert amount_in_words("in_flight", 1) == "1 call at once"
