"""Alerts told once over looks, restarts and kills, and kept until a sink takes them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import msgspec
import pytest

from breakeven.governance.alerts import Alert, Crossing, Turn
from breakeven.service.alertbook import FILE, GIVEN_UP_AFTER, AlertBook
from breakeven.service.bookkeeper_spec import BookkeeperSpec
from breakeven.testing import WebhookReceiver

AddCalls = Callable[[Path, Sequence[dict[str, Any]]], Path]
AT = datetime(2026, 10, 20, 12)
LOGGED = "alerts: {every: 1s, sinks: {log: {kind: log, path: told.ndjson}}, rules: [{when: unpriced}]}"

# One look and what the couriers make of it, as the bookkeeper does it; it kills itself where it is told to.
CHILD = """
import os, signal, sys, time
from pathlib import Path
from breakeven.exchange.sinks.lines import LogSink
from breakeven.ledger import open_ledger
from breakeven.ledger.layout import Layout
from breakeven.service import alertbook
from breakeven.service.alerting import Alerting

root, config, fatal = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]

def die(*given, **named):
    os.kill(os.getpid(), signal.SIGKILL)

if fatal == "before remembering":
    alertbook.AlertBook.record = die
elif fatal == "while remembering":
    alertbook.AlertBook._queue = die
elif fatal == "before sending":
    LogSink.send = die
elif fatal == "between sending and noting":
    alertbook.AlertBook.sent = die
alerting = Alerting(Layout(root), config, lambda settings, at: ())
if alerting.due(time.monotonic()):
    with open_ledger(root) as ledger:
        alerting.look(ledger, time.monotonic())
book = alertbook.AlertBook(root / alertbook.FILE)
until = time.monotonic() + 20
while any(each.state == "waiting" for each in book.deliveries()) and time.monotonic() < until:
    time.sleep(0.01)
book.close()
alerting.close()
"""


def run_once(root: Path, config: Path, fatal: str = "never") -> int:
    return subprocess.run([sys.executable, "-c", CHILD, str(root), str(config), fatal], check=False, timeout=60).returncode


def told(config: Path) -> list[str]:
    """The ids of the alerts in the log."""
    path = config.parent / "told.ndjson"
    return [json.loads(line)["id"] for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose only sink is a log file beside it."""
    path = tmp_path / "breakeven.yaml"
    path.write_text(LOGGED)
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fatal", "before", "after"),
    [
        ("before remembering", 0, 1),
        ("while remembering", 0, 1),
        ("before sending", 0, 1),
        ("between sending and noting", 1, 2),
    ],
)
def test_a_kill_loses_no_alert_and_repeats_at_most_one(
    tmp_path: Path, config: Path, add_calls: AddCalls, fatal: str, before: int, after: int
) -> None:
    """Killed at any step, the alert is told after the restart; only between sending and noting twice, with one id."""
    root = add_calls(tmp_path / "ledger", [{"model": "x"}])
    assert run_once(root, config, fatal) == -signal.SIGKILL
    assert len(told(config)) == before
    assert run_once(root, config) == 0
    assert len(told(config)) == after
    assert len(set(told(config))) == 1


@pytest.mark.slow
def test_a_crossing_is_told_once_over_restarts(tmp_path: Path, config: Path, add_calls: AddCalls) -> None:
    """Three processes that look at the same crossing tell of it once; another model is another crossing."""
    root = add_calls(tmp_path / "ledger", [{"model": "x"}])
    for _ in range(3):
        assert run_once(root, config) == 0
    assert len(told(config)) == 1
    add_calls(root, [{"model": "y"}, {"model": "x"}])
    assert run_once(root, config) == 0
    assert len(told(config)) == 2


def alert(name: str = "a") -> Alert:
    return Alert("gap", name, "warning", "what", "next", None, f"gap|{name}", AT, {"calls": 3})


def opened(*alerts: Alert) -> Turn:
    return Turn(tuple(Crossing(each.crossing, each.kind, AT, AT + timedelta(days=1), each) for each in alerts))


@pytest.fixture
def book(tmp_path: Path) -> Any:
    """A book of its own."""
    found = AlertBook(tmp_path / FILE)
    yield found
    found.close()


def test_what_is_remembered_comes_back_as_it_was(book: AlertBook, tmp_path: Path) -> None:
    """A crossing read by another process is the one that was written, with its alert; a silent one has none."""
    silent = Crossing("threshold|b", "threshold", AT)
    turn = Turn((*opened(alert()).opened, silent))
    book.record(turn, [(alert(), ("s", "t"))], AT)
    other = AlertBook(tmp_path / FILE)
    assert other.crossings() == {each.id: each for each in turn.opened}
    assert [(each.alert, each.sink) for each in other.deliveries()] == [(alert(), "s"), (alert(), "t")]
    other.close()
    book.record(Turn(closed=("gap|a",)), [], AT)
    assert list(book.crossings()) == ["threshold|b"]
    assert len(book.deliveries()) == 2


def test_a_sink_that_fails_is_tried_later_and_later_and_at_last_given_up(book: AlertBook) -> None:
    """Pauses double from 5 seconds to an hour; a wish of the receiver is kept; after three days it is given up, visibly."""
    book.record(opened(alert()), [(alert(), ("s",))], AT)
    at, pauses = AT, []
    for _ in range(12):
        [delivery] = book.due("s", at)
        book.failed(delivery, "no", at)
        [waiting] = book.deliveries()
        pauses.append((waiting.next_at - at).total_seconds())
        assert book.due("s", waiting.next_at - timedelta(microseconds=1)) == []
        at = waiting.next_at
    assert pauses == [5.0 * 2**number for number in range(10)] + [3600.0, 3600.0]
    [delivery] = book.due("s", at)
    book.failed(delivery, "no", at, after=7200)
    assert book.next_at("s") == at + timedelta(hours=2)
    book.failed(book.due("s", AT + GIVEN_UP_AFTER)[0], "still no", AT + GIVEN_UP_AFTER + timedelta(seconds=1))
    assert [(each.state, each.fault, each.attempts) for each in book.deliveries()] == [("given_up", "still no", 14)]
    assert book.next_at("s") is None


def test_what_waits_for_a_sink_that_is_gone_is_given_up(book: AlertBook) -> None:
    """A sink that left the configuration is said, and the others go on."""
    book.record(opened(alert()), [(alert(), ("s", "t"))], AT)
    book.abandon(("t",), AT)
    assert {(each.sink, each.state) for each in book.deliveries()} == {("s", "given_up"), ("t", "waiting")}


# --- the bookkeeper itself --------------------------------------------------------------------------------------------------------


def until(found: Callable[[], bool], seconds: float = 30) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found():
            return True
        time.sleep(0.05)
    return found()


class Serving:
    """A bookkeeper of a ledger in a process of its own."""

    def __init__(self, root: Path, config: Path, **environment: str) -> None:
        spec = msgspec.json.encode(BookkeeperSpec(str(root), str(config))).decode()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "breakeven.service.bookkeeper", spec],
            env={**os.environ, **environment},
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_reason: object) -> None:
        self.process.terminate()
        self.said = self.process.communicate(timeout=30)[1]


@pytest.mark.slow
def test_the_bookkeeper_tells_of_budgets_and_models_and_lets_imports_in(tmp_path: Path, add_calls: AddCalls) -> None:
    """A spent budget and an unpriced model reach a webhook, a model that is imported meanwhile too, and nothing comes twice."""
    root = add_calls(tmp_path / "ledger", [{"model": "x"}, {"customer": "Acme"}, {"customer": "Acme"}])
    config = tmp_path / "breakeven.yaml"
    with WebhookReceiver() as receiver:
        config.write_text(f"""
budgets: {{each: {{per: customer, limit: $2, period: lifetime, owner: finance, thresholds: [{{at: 50%}}]}}}}
alerts:
  every: 1s
  sinks: {{hook: {{kind: webhook, url: "{receiver.url}"}}}}
  rules: [{{when: threshold}}, {{when: unpriced}}]
""")

        def subjects() -> list[str]:
            return sorted(json.loads(each.body)["subject"] for each in receiver.received)

        with Serving(root, config):
            assert until(lambda: len(receiver.received) >= 2), subjects()
            add_calls(root, [{"model": "y"}])
            assert until(lambda: len(receiver.received) >= 3), subjects()
            time.sleep(2.5)
        with Serving(root, config):
            time.sleep(2.5)
    assert subjects() == ["each (customer Acme)", "openai/x", "openai/y"]
    [budget] = [one for each in receiver.received if (one := json.loads(each.body))["kind"] == "threshold"]
    assert budget["what"] == "Budget each of customer Acme has spent $2.00 of $2.00 (100.0%), all of it."
    assert budget["owner"] == "finance"


@pytest.mark.slow
def test_a_sink_that_hangs_holds_up_neither_another_sink_nor_the_books(tmp_path: Path, add_calls: AddCalls) -> None:
    """While one receiver does not answer, the other sink has its alerts, and what the hanging one missed is delivered later."""
    root = add_calls(tmp_path / "ledger", [{"model": "x"}])
    config = tmp_path / "breakeven.yaml"
    log = tmp_path / "told.ndjson"
    with WebhookReceiver() as receiver:
        receiver.holding.clear()
        config.write_text(f"""
alerts:
  every: 1s
  sinks: {{hook: {{kind: webhook, url: "{receiver.url}", timeout: 60s}}, log: {{kind: log, path: told.ndjson}}}}
  rules: [{{when: unpriced}}]
""")
        with Serving(root, config) as serving:
            assert receiver.arrived.wait(30)
            assert until(lambda: len(log.read_text().splitlines()) == 1 if log.exists() else False)
            add_calls(root, [{"model": "y"}])
            assert until(lambda: len(log.read_text().splitlines()) == 2)
            assert serving.process.poll() is None
            receiver.holding.set()
            assert until(lambda: len(receiver.received) == 2)


@pytest.mark.slow
def test_a_sink_that_is_down_is_said_and_tried_again(tmp_path: Path, add_calls: AddCalls) -> None:
    """A receiver that fails once has the alert at the second attempt, five seconds later; the log says why it waited."""
    root = add_calls(tmp_path / "ledger", [{"model": "x"}])
    config = tmp_path / "breakeven.yaml"
    with WebhookReceiver((500, {}), (200, {})) as receiver:
        config.write_text("alerts: {every: 1s, sinks: {hook: {kind: webhook, url_env: HOOK}}, rules: [{when: unpriced}]}")
        with Serving(root, config, HOOK=receiver.url) as serving:
            assert until(lambda: len(receiver.received) == 2)
        assert "alerts to hook wait and are tried again: the receiver answers 500" in serving.said
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


@pytest.mark.slow
def test_a_damaged_book_does_not_stop_the_bookkeeper(tmp_path: Path, config: Path, add_calls: AddCalls) -> None:
    """Alerts say what is wrong and what to do; the books are kept."""
    root = add_calls(tmp_path / "ledger", [{"model": "x"}])
    (root / FILE).write_bytes(b"this is no database" * 100)
    with Serving(root, config) as serving:
        time.sleep(2)
        assert serving.process.poll() is None
    assert "alerts.sqlite is damaged" in serving.said
    assert "Move" in serving.said
