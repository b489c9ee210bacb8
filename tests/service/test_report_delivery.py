"""Scheduled reports of a real bookkeeper reach real receivers, once per period, over restarts and kills."""

from __future__ import annotations

import email
import email.policy
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import msgspec
import pytest

from breakeven.exchange.sinks.message import encoded, encoded_whole
from breakeven.ledger import open_ledger
from breakeven.ledger.layout import Layout
from breakeven.service.alertbook import FILE, AlertBook
from breakeven.service.bookkeeper_spec import BookkeeperSpec
from breakeven.service.reporting import Reporting
from breakeven.testing import MailReceiver, WebhookReceiver

AddCalls = Callable[[Path, Sequence[dict[str, Any]]], Path]
OCTOBER = {"occurred_at": "2026-10-20T12:00:00Z", "feature": "search"}
NOON = datetime(2026, 11, 2, 12)
LOGGED = """
alerts: {sinks: {log: {kind: log, path: told.ndjson}}, rules: []}
reports: {board: {to: log, format: md}}
"""

# One look at what is due, which kills itself where it is told to.
CHILD = """
import os, signal, sys
from datetime import datetime, timezone
from pathlib import Path
from breakeven.ledger import open_ledger
from breakeven.ledger.layout import Layout
from breakeven.service import alertbook
from breakeven.service.reporting import Reporting

root, config, fatal = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]

def die(*given, **named):
    os.kill(os.getpid(), signal.SIGKILL)

if fatal == "before remembering":
    alertbook.AlertBook.report = die
elif fatal == "while remembering":
    alertbook.AlertBook._queue = die
at = datetime(2026, 11, 2, 12, tzinfo=timezone.utc).timestamp()
Reporting(Layout(root), config, lambda: open_ledger(root), lambda: None, lambda: at).look()
"""


def reporting(root: Path, config: Path, at: datetime) -> Reporting:
    wall = at.replace(tzinfo=UTC).timestamp()
    return Reporting(Layout(root), config, lambda: open_ledger(root), lambda: None, lambda: wall)


def queued(root: Path) -> list[str]:
    """The documents on their way."""
    book = AlertBook(root / FILE)
    found = [each.alert.document.name for each in book.deliveries() if each.alert.document is not None]
    book.close()
    return sorted(found)


def scheduled_before(root: Path, since: datetime, *names: str) -> None:
    """The schedules were known at an earlier instant, as where the service has run since then."""
    book = AlertBook(root / FILE)
    for name in names:
        book.scheduled_since(name, since)
    book.close()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A monthly board report to a log file."""
    path = tmp_path / "breakeven.yaml"
    path.write_text(LOGGED)
    return path


def test_a_report_is_made_once_per_period_from_when_its_schedule_is_new(tmp_path: Path, config: Path, add_calls: AddCalls) -> None:
    """A new schedule does not make up for the past; from then on each due date makes one, and a later hour repeats none."""
    root = add_calls(tmp_path / "ledger", [OCTOBER])
    assert reporting(root, config, NOON).look() == 0
    assert reporting(root, config, datetime(2026, 12, 2, 5, 59)).look() == 0
    assert reporting(root, config, datetime(2026, 12, 2, 6)).look() == 1
    assert reporting(root, config, datetime(2026, 12, 31)).look() == 0
    config.write_text(LOGGED.replace("format: md", 'format: md, at: "22:00"'))
    assert reporting(root, config, datetime(2026, 12, 31)).look() == 0
    assert reporting(root, config, datetime(2027, 3, 5)).look() == 1
    assert queued(root) == ["board-2026-11.md", "board-2027-02.md"]


@pytest.mark.slow
@pytest.mark.parametrize("fatal", ["before remembering", "while remembering"])
def test_a_kill_loses_no_report_and_makes_none_twice(tmp_path: Path, config: Path, add_calls: AddCalls, fatal: str) -> None:
    """Killed before or within the transaction nothing is remembered, and the next process makes the report."""
    root = add_calls(tmp_path / "ledger", [OCTOBER])
    scheduled_before(root, NOON - timedelta(days=40), "board")

    def look(how: str) -> int:
        command = [sys.executable, "-c", CHILD, str(root), str(config), how]
        return subprocess.run(command, check=False, timeout=120).returncode

    assert look(fatal) == -signal.SIGKILL
    assert queued(root) == []
    assert look("never") == 0
    assert reporting(root, config, NOON).look() == 0
    assert queued(root) == ["board-2026-10.md"]


class Serving:
    """A bookkeeper of a ledger in a process of its own."""

    def __init__(self, root: Path, config: Path) -> None:
        spec = msgspec.json.encode(BookkeeperSpec(str(root), str(config))).decode()
        command = [sys.executable, "-W", "error", "-m", "breakeven.service.bookkeeper", spec]
        self.log = config.parent / "bookkeeper.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, env=os.environ, stderr=log)

    @property
    def said(self) -> str:
        """What it has said so far."""
        return self.log.read_text()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_reason: object) -> None:
        self.process.terminate()
        self.process.wait(30)


def until(found: Callable[[], bool], seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while not found() and time.monotonic() < end:
        time.sleep(0.05)
    return found()


@pytest.mark.slow
def test_mail_and_webhook_have_the_report_once_over_restarts(tmp_path: Path, add_calls: AddCalls) -> None:
    """The mail carries the HTML, the webhook signed JSON with the same sentence, and a second process sends neither again."""
    root = add_calls(tmp_path / "ledger", [OCTOBER])
    scheduled_before(root, datetime(2026, 9, 1), "board", "finance")
    config = tmp_path / "breakeven.yaml"
    with WebhookReceiver() as hook, MailReceiver() as mail:
        config.write_text(f"""
alerts:
  rules: []
  sinks:
    hook: {{kind: webhook, url: "{hook.url}"}}
    mail: {{kind: email, host: 127.0.0.1, port: {mail.port}, security: none, from: a@example.com, to: [cfo@example.com]}}
reports:
  board: {{to: mail}}
  finance: {{to: [hook], format: json}}
""")
        with Serving(root, config) as serving:
            assert until(lambda: len(hook.received) >= 1 and len(mail.received) >= 1)
            assert serving.process.poll() is None
        with Serving(root, config):
            time.sleep(4)
    assert serving.said == ""
    [posted], [got] = hook.received, mail.received
    told = json.loads(posted.body)
    month = (datetime.now(UTC).replace(day=1) - timedelta(days=1 if datetime.now(UTC).day >= 2 else 32)).strftime("%Y-%m")
    assert (told["type"], told["kind"]) == ("breakeven.report", "report")
    assert told["document"]["name"] == f"finance-{month}.json"
    assert json.loads(told["document"]["content"])["sentence"] == told["what"]
    message = email.message_from_bytes(got.content, policy=email.policy.default)
    assert message["subject"].startswith("Breakeven: AI unit economics: board report, ")
    [attached] = list(message.iter_attachments())
    assert (attached.get_content_type(), attached.get_filename()) == ("text/html", f"board-{month}.html")
    assert "<title>AI unit economics: board report" in attached.get_content()
    body = message.get_body()
    assert body is not None
    assert told["what"] in " ".join(body.get_content().split())
    assert "Owner:" not in body.get_content()


@pytest.mark.slow
def test_a_report_that_cannot_be_made_is_said_and_the_books_are_kept(tmp_path: Path, add_calls: AddCalls) -> None:
    """A faulty configuration stops no commit; the log says what is wrong with the reports."""
    root = add_calls(tmp_path / "ledger", [OCTOBER])
    config = tmp_path / "breakeven.yaml"
    config.write_text("reports: {board: {to: nobody}}")
    with Serving(root, config) as serving:
        assert until(lambda: "reports are made again" in serving.said), serving.said
        assert serving.process.poll() is None


def test_the_log_has_a_line_without_the_document(tmp_path: Path, config: Path, add_calls: AddCalls) -> None:
    """What is queued holds the whole report; the log and the list of alerts only name it."""
    root = add_calls(tmp_path / "ledger", [OCTOBER])
    scheduled_before(root, NOON - timedelta(days=40), "board")
    assert reporting(root, config, NOON).look() == 1
    book = AlertBook(root / FILE)
    [delivery] = book.deliveries()
    book.close()
    line, whole = json.loads(encoded(delivery.alert)), json.loads(encoded_whole(delivery.alert))
    assert line["document"] == {"name": "board-2026-10.md", "media_type": "text/markdown"}
    assert whole["document"]["content"].startswith("# AI unit economics: board report")
    assert line["what"] == whole["what"]
    with sqlite3.connect(root / FILE) as connection:
        assert connection.execute("SELECT id FROM reports").fetchall() == [("board|board|2026-10",)]
    connection.close()
