"""What every store of accounts does alike: SQLite and Redis against the pure definition and against each other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from breakeven.accounts.port import LEASE_SECONDS, SHARE, Entry
from breakeven.accounts.sqlite import SqliteAccounts
from breakeven.accounts.state import AccountState, exchanged

KEY = "b#1\x1f2026-11-01"
BIG = 10**24
amounts = st.one_of(st.integers(0, 50), st.integers(0, BIG), st.sampled_from([10**15 - 1, 10**15, 10**15 + 1, 2**53 + 1]))


entries = st.builds(
    Entry,
    st.sampled_from([KEY, "b#1\x1f2026-12-01\x1fAcme \u00fc"]),
    st.sampled_from(["w1.1", "w2.1", "w2.2"]),
    number=st.integers(1, 30),
    limit=amounts,
    spent=amounts,
    held=amounts,
    need=amounts,
    want=amounts,
    slice=st.integers(100, 190),
    since=st.integers(90, 130),
    ready=st.booleans(),
    in_flight=st.booleans(),
    expires=st.none(),
)
conversations = st.lists(entries, min_size=1, max_size=12)
"""What three leases say about two accounts, in the order of arrival; late messages among it."""


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(conversations, st.booleans())
def test_every_store_answers_as_the_definition_does(shop: Any, said: list[Entry], opened: bool) -> None:
    """Whatever is said in whatever order, a store grants, counts and refuses exactly what the pure state machine does."""
    fresh = uuid4().hex  # a conversation may be tried again, and the store remembers
    names = {entry.key: entry.key.replace("b#1", f"b#{fresh}") for entry in said}
    if opened:
        shop.books.set_outside("ledger", f"b#{fresh}", {names[said[0].key]: {95: 7, 150: 10**18}})
    states = {name: AccountState() for name in names.values()}
    if opened:
        states[names[said[0].key]].outside["ledger"] = {95: 7, 150: 10**18}
    for entry in said:
        told = entry._replace(key=names[entry.key])
        (granted,) = shop.say("w", told)
        assert granted == exchanged(states[told.key], told, 1.0, opened=opened)


def test_an_account_is_closed_until_its_opening_balance_is_known(shop: Any) -> None:
    """Before the ledger was asked nothing is lent; afterwards what it knows counts as spent."""
    asked = Entry(KEY, "w.1", 1, limit=100, need=10, want=10)
    assert shop.say("w", asked)[0][:4] == (0, 0, 0, True)
    shop.books.set_outside("ledger", "b#1", {KEY: {0: 85}})
    assert shop.say("w", asked._replace(number=2))[0][:4] == (10, 85, 10, False)
    assert shop.say("w", asked._replace(number=3, held=10))[0].granted == 0
    assert shop.books.opened() == {"b#1"}


def test_a_new_opening_balance_takes_the_place_of_the_old(shop: Any) -> None:
    """What a ledger knows is one figure per account and slice, set again; other ledgers' figures and other budgets stay."""
    other = KEY.replace("b#1", "b#10")
    shop.books.set_outside("one", "b#1", {KEY: {0: 5, 1: 6}})
    shop.books.set_outside("two", "b#1", {KEY: {0: 7}})
    shop.books.set_outside("one", "b#10", {other: {0: 9}})
    shop.books.set_outside("one", "b#1", {KEY: {1: 1}})
    (balance,) = shop.books.balances("b#1")
    assert dict(balance.outside) == {0: 7, 1: 1}
    assert [dict(each.outside) for each in shop.books.balances("b#10")] == [{0: 9}]


def test_saying_it_twice_changes_nothing(shop: Any) -> None:
    """An exchange whose answer was lost is said again, and the account stands as if it had been said once."""
    shop.books.set_outside("ledger", "b#1", {})
    first = Entry(KEY, "w.1", 1, limit=100, need=40, want=40)
    assert shop.say("w", first)[0].granted == 40
    assert shop.say("w", first)[0].granted == 0
    assert shop.say("w", first._replace(number=2, spent=30, held=0, need=0))[0][:3] == (0, 30, 0)
    assert shop.say("w", first._replace(number=2, spent=30, held=0, need=0))[0][:3] == (0, 30, 0)


def test_what_is_lent_at_once_is_a_part_of_the_room(shop: Any) -> None:
    """A worker that wants more than it needs gets at most an eighth of the room, and never less than it needs."""
    shop.books.set_outside("ledger", "b#1", {})
    assert shop.say("w", Entry(KEY, "w.1", 1, limit=800, need=1, want=10**9))[0].granted == 800 // SHARE
    assert shop.say("v", Entry(KEY, "v.1", 1, limit=800, need=600, want=600))[0].granted == 600
    assert shop.say("u", Entry(KEY, "u.1", 1, limit=800, need=101, want=101))[0].granted == 0
    assert shop.say("u", Entry(KEY, "u.1", 2, limit=800, need=100, want=200))[0].granted == 100


def test_all_accounts_of_a_call_are_asked_in_one_exchange(shop: Any) -> None:
    """One message may speak of many accounts, and of one twice; each is answered as it stands then."""
    shop.books.set_outside("ledger", "b#1", {})
    other = KEY + "\x1fAcme"
    said = [Entry(KEY, "w.1", 1, 100, need=60, want=60), Entry(other, "w.2", 1, 50, need=60), Entry(KEY, "w.3", 1, 100, need=60)]
    assert [grant.granted for grant in shop.say("w", *said)] == [60, 0, 0]


def test_a_store_that_was_begun_anew_does_nothing_for_who_knows_another(shop: Any) -> None:
    """A worker that names another generation is told the present one, and nothing is counted."""
    shop.say("w", Entry(KEY, "w.1", 1, limit=100))
    answers: list[Any] = []
    shop.store.exchange("late", "another", [Entry(KEY, "late.1", 1, 100, spent=50)], lambda *answer: answers.append(answer))
    shop.run()
    assert answers == [(None, shop.generation)]
    assert "late" not in shop.books.workers()
    assert shop.books.generation()[0] == shop.generation
    assert shop.books.generation()[1] >= 0
    assert shop.say("w", Entry(KEY, "w.1", 2, limit=100))[0].spent == 0


def test_a_denial_is_noticed_by_everybody(shop: Any) -> None:
    """The count of denials grows with each, so that whoever holds idle room gives it back."""
    shop.books.set_outside("ledger", "b#1", {})
    before = shop.denials()
    shop.say("w", Entry(KEY, "w.1", 1, limit=10, need=5, want=5))
    assert shop.denials() == before
    shop.say("v", Entry(KEY, "v.1", 1, limit=10, need=6, want=6))
    assert shop.denials() == before + 1


def test_workers_are_remembered(shop: Any) -> None:
    """Who has ever exchanged anything is known, because the ledger's sum leaves out what these have counted."""
    shop.say("w1", Entry(KEY, "w1.1", 1, limit=10))
    shop.say("w2", Entry(KEY, "w2.1", 1, limit=10))
    assert {"w1", "w2"} <= shop.books.workers()


def test_slices_fade_and_say_when_there_is_room_again(shop: Any) -> None:
    """A rolling account counts the slices since its start, and names the one whose fading makes room."""
    key = "r#1\x1frolling"
    for number, (place, spent) in enumerate(((100, 30), (110, 60), (120, 100)), start=1):
        shop.say("w", Entry(key, "w.1", number, 100, spent=spent, slice=place, since=60, ready=True))
    asked = Entry(key, "w.1", 9, 100, spent=100, slice=125, since=65, ready=True, need=35, want=35)
    assert shop.say("w", asked)[0][:5] == (0, 100, 0, False, 110)
    assert shop.say("w", asked._replace(number=10, since=111))[0].granted == 35


@pytest.fixture
def clocked(tmp_path: Path) -> tuple[SqliteAccounts, list[float]]:
    """The SQLite store with a clock that the test moves."""
    clock = [1_000.0]
    return SqliteAccounts(tmp_path / "a.sqlite", clock=lambda: clock[0]), clock


def _said(store: SqliteAccounts, entry: Entry) -> Any:
    answers: list[Any] = []
    store.exchange("w", "", [entry], lambda grants, _generation: answers.append(grants))
    return answers[0][0]


def test_what_a_lost_worker_held_counts_as_spent(clocked: tuple[SqliteAccounts, list[float]]) -> None:
    """A worker that is silent for too long may have spent all that it held; if it comes back, what it tells is not added again."""
    store, clock = clocked
    store.set_outside("ledger", "b#1", {})
    _said(store, Entry(KEY, "lost.1", 1, 100, need=40, want=40))
    clock[0] += LEASE_SECONDS + 1
    assert _said(store, Entry(KEY, "w.1", 1, 100, need=61, want=61))[:3] == (0, 40, 0)
    assert _said(store, Entry(KEY, "lost.1", 2, 100, spent=25))[1] == 40
    store.close()


def test_calls_in_flight_of_a_lost_worker_do_not_count(clocked: tuple[SqliteAccounts, list[float]]) -> None:
    """A place among calls at once is free again when the worker that held it is lost."""
    store, clock = clocked
    _said(store, Entry("c#1\x1flifetime", "lost.1", 1, 2, need=2, want=2, ready=True, in_flight=True))
    assert _said(store, Entry("c#1\x1flifetime", "w.1", 1, 2, need=1, want=1, ready=True, in_flight=True)).granted == 0
    clock[0] += LEASE_SECONDS + 1
    assert _said(store, Entry("c#1\x1flifetime", "w.1", 2, 2, need=1, want=1, ready=True, in_flight=True)).granted == 1
    store.close()


def test_a_file_that_was_removed_is_begun_anew(tmp_path: Path) -> None:
    """Deleting the file under a running worker is noticed; the accounts are closed again until the ledger was asked."""
    store = SqliteAccounts(tmp_path / "a.sqlite")
    store.set_outside("ledger", "b#1", {})
    assert _said(store, Entry(KEY, "w.1", 1, 100, need=40, want=40)).granted == 40
    for path in tmp_path.glob("a.sqlite*"):
        path.unlink()
    assert _said(store, Entry(KEY, "w.1", 2, 100, spent=10, held=30, need=5, want=5))[:4] == (0, 10, 30, True)
    store.close()


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    """A damaged file gives no answer to workers, and a message with a remedy to people."""
    path = tmp_path / "a.sqlite"
    path.write_bytes(b"this is no database" * 100)
    store = SqliteAccounts(path)
    answers: list[Any] = []
    store.exchange("w", "", [Entry(KEY, "w.1", 1, 100, need=40, want=40)], lambda *answer: answers.append(answer))
    assert answers == [(None, "")]
    _raises: Callable[[], object] = lambda: store.balances("b#1")  # noqa: E731 - said once
    with pytest.raises(Exception, match=r"cannot be read.*"):
        _raises()


def test_old_accounts_are_dropped(tmp_path: Path) -> None:
    """Accounts whose window ended more than 40 days ago are forgotten; those without an end stay."""
    store = SqliteAccounts(tmp_path / "a.sqlite", wall=lambda: 50 * 86_400.0)
    for key, expires in (("old#1\x1fa", 9 * 86_400.0), ("new#1\x1fa", 11 * 86_400.0), ("life#1\x1fa", None)):
        _said(store, Entry(key, f"w.{key}", 1, 100, ready=True, expires=expires))
    assert store.prune() == 1
    assert [len(store.balances(identity)) for identity in ("old#1", "new#1", "life#1")] == [0, 1, 1]
    store.close()
