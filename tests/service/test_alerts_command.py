"""`breakeven alerts`, as a user runs it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from breakeven.cli.main import run
from breakeven.governance.alerts import Alert, Crossing, Turn
from breakeven.service.alertbook import FILE, AlertBook
from breakeven.testing import WebhookReceiver

AddCalls = Callable[[Path, Sequence[dict[str, Any]]], Path]
AT = datetime(2026, 10, 20, 12)


@pytest.fixture
def ledger(tmp_path: Path, add_calls: AddCalls) -> Path:
    """Calls of two customers and of a model without a price."""
    rows = [{"customer": "Acme", "feature": "A"}, {"customer": "Bolt", "feature": "A"}, {"model": "x", "feature": "A"}]
    return add_calls(tmp_path / "ledger", rows)


def answer(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = run([str(word) for word in words])
    said = capsys.readouterr()
    return code, said.out, said.err


def remember(root: Path, *alerts: Alert, sink: str = "s", fault: str = "") -> None:
    """Crossings that have been told, or that wait because of a fault."""
    book = AlertBook(root / FILE)
    turn = Turn(tuple(Crossing(each.crossing, each.kind, AT, None, each) for each in alerts))
    book.record(turn, [(each, (sink,)) for each in alerts], AT)
    for delivery in book.due(sink, AT):
        if fault:
            book.failed(delivery, fault, AT)
        else:
            book.sent(delivery, AT)
    book.close()


def test_check_shows_what_would_be_told_and_remembers_nothing(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rules of the file are evaluated, with the sinks that would be told; twice gives the same, and no book is made."""
    (ledger / "breakeven.yaml").write_text("""
alerts:
  sinks: {log: {kind: log, path: told.ndjson}, team: {kind: slack, url_env: HOOK}}
  rules: [{when: customer_cost, line: $1, customer: Acme, to: team}, {when: unpriced}]
""")
    code, out, _ = answer(capsys, "alerts", "check", "--ledger", ledger, "--json")
    found = json.loads(out)["alerts"]
    assert code == 0
    assert [(one["kind"], one["subject"], one["told_before"], one["to"]) for one in found] == [
        ("customer_cost", "Acme", False, ["team"]),
        ("unpriced", "openai/x", False, ["log", "team"]),
    ]
    assert found[0]["figures"]["cost"] == "1"
    code, out, _ = answer(capsys, "alerts", "check", "--ledger", ledger)
    assert code == 0
    assert "warning · customer_cost · Acme · owner nobody · to team" in out
    assert "Next: Add a price with `breakeven prices add`" in out
    assert out.endswith("2 alerts crossed now, 2 of them news.\n")
    assert not (ledger / FILE).exists()
    assert not (ledger / "told.ndjson").exists()


def test_check_says_what_was_told_before(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An open crossing is shown as told, and is no news."""
    (ledger / "breakeven.yaml").write_text("alerts: {sinks: {log: {kind: log}}, rules: [{when: unpriced}]}")
    told = Alert("unpriced", "openai/x", "warning", "what", "next", None, "unpriced|openai|x", AT)
    gone = Alert("unpriced", "openai/y", "warning", "what", "next", None, "unpriced|openai|y", AT)
    remember(ledger, told, gone)
    _, out, _ = answer(capsys, "alerts", "check", "--ledger", ledger, "--json")
    found = json.loads(out)
    assert [(one["subject"], one["told_before"], one["to"]) for one in found["alerts"]] == [("openai/x", True, [])]
    assert found["clear"] == ["unpriced|openai|y"]


def test_check_without_configuration_shows_the_usual_rules_also_of_the_past(
    ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody who has configured nothing sees what there would be to see; a year ago there was nothing."""
    _, out, err = answer(capsys, "alerts", "check", "--ledger", ledger)
    assert "no alerts are configured" in err
    assert "coverage · attribution" in out
    past = (datetime.now(UTC) - timedelta(days=400)).date()
    _, out, _ = answer(capsys, "alerts", "check", "--ledger", ledger, "--at", past)
    assert out == "Nothing is crossed.\n"
    assert answer(capsys, "alerts", "check", "--ledger", ledger, "--at", "soon")[0] == 2


def test_list_shows_open_crossings_and_what_no_sink_has_taken(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything was looked at there is nothing; then each crossing, and each delivery that waits, with its reason."""
    assert answer(capsys, "alerts", "list", "--ledger", ledger)[1] == "Nothing is crossed.\n"
    gap = Alert("gap", "openai", "warning", "The usage of 3 calls is unknown.", "See them.", "ops", "gap|openai|2026-10-20", AT)
    remember(ledger, gap, sink="team", fault="the receiver answers 500. Look at the receiver's own log.")
    _, out, _ = answer(capsys, "alerts", "list", "--ledger", ledger)
    assert (
        "warning · gap · openai · owner ops · since 2026-10-20 12:00 UTC\n  The usage of 3 calls is unknown.\n  Next: See them."
        in out
    )
    assert "Not delivered to team (1 attempt, next try 2026-10-20 12:00:05 UTC): gap openai: the receiver answers 500" in out
    found = json.loads(answer(capsys, "alerts", "list", "--ledger", ledger, "--json")[1])
    assert [one["crossing"] for one in found["crossings"]] == [gap.crossing]
    assert [(one["sink"], one["state"], one["attempts"]) for one in found["undelivered"]] == [("team", "waiting", 1)]
    assert answer(capsys, "alerts", "list", "--ledger", ledger, "--kind", "margin")[1] == "Nothing is crossed.\n"


def test_test_sends_a_labelled_alert_and_says_what_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No ledger is needed; a sink that takes it is exit code 0, one that does not 4, one that does not exist 2."""
    config = tmp_path / "breakeven.yaml"
    config.write_text("alerts: {sinks: {team: {kind: slack, url_env: HOOK}, log: {kind: log}}}")
    with WebhookReceiver((200, {}), (404, {})) as receiver:
        monkeypatch.setenv("HOOK", receiver.url)
        assert answer(capsys, "alerts", "test", "team", "--config", config)[0] == 0
        code, _, err = answer(capsys, "alerts", "test", "team", "--config", config)
        assert (code, "does not know this address (404)" in err) == (4, True)
    assert "This is a test of the sink team: nothing has happened." in json.loads(receiver.received[0].body)["text"]
    code, _, err = answer(capsys, "alerts", "test", "tem", "--config", config)
    assert (code, "there is no sink 'tem'" in err, "Sinks: team, log." in err) == (2, True, True)
    monkeypatch.delenv("HOOK")
    assert "the variable HOOK is not set" in answer(capsys, "alerts", "test", "team", "--config", config)[2]


def test_a_damaged_book_is_explained(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is no database is said with what to do, and no traceback."""
    (ledger / FILE).write_bytes(b"this is no database" * 100)
    code, _, err = answer(capsys, "alerts", "list", "--ledger", ledger)
    assert (code, "alerts.sqlite is damaged" in err, "Move" in err) == (3, True, True)
