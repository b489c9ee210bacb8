"""The shared database: what was read stays good until somebody writes, and is worked out once for all who ask."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from breakeven.service.books import Books
from breakeven.settings import Settings
from breakeven.web.desk import Desk
from breakeven.web.warming import overview

Adding = Callable[..., Path]


def _clock() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def test_letting_go_forgets_nothing(tmp_path: Path, add_calls: Adding) -> None:
    """A database that was closed and opened again without anything new is the same version."""
    books = Books(add_calls(tmp_path / "ledger", [{"identity": "a"}]))
    with books.reading():
        before = books.version
    books.let_go()
    with books.reading():
        assert books.version == before
    books.let_go()


def test_what_others_wrote_meanwhile_is_noticed(tmp_path: Path, add_calls: Adding) -> None:
    """An import while the database was let go of makes another version, and so does a file beside it."""
    root = add_calls(tmp_path / "ledger", [{"identity": "a"}])
    books = Books(root)
    with books.reading():
        before = books.version
    books.let_go()
    add_calls(root, [{"identity": "b"}])
    with books.reading():
        after_import = books.version
    books.let_go()
    (root / "rollouts.json").write_text("{}")
    with books.reading():
        after_file = books.version
    books.let_go()
    assert before < after_import < after_file


def test_a_question_under_way_is_not_asked_twice(tmp_path: Path, add_calls: Adding) -> None:
    """Of many who ask the same at once one has it worked out, and all get that answer."""
    desk = Desk(Books(add_calls(tmp_path / "ledger", [{"identity": "a"}])), tmp_path / "ledger", None, _clock)
    begun, go_on = threading.Event(), threading.Event()
    asked: list[int] = []
    answers: list[object] = []

    def report(_ledger: object, _settings: Settings) -> object:
        asked.append(1)
        begun.set()
        assert go_on.wait(30)
        return object()

    threads = [threading.Thread(target=lambda: answers.append(desk.answer("it", report))) for _ in range(4)]
    threads[0].start()
    assert begun.wait(30)
    for thread in threads[1:]:
        thread.start()
    go_on.set()
    for thread in threads:
        thread.join(30)
    desk.books.let_go()  # type: ignore[attr-defined] # the real one
    assert (len(asked), len(answers), len(set(map(id, answers)))) == (1, 4, 1)


def test_a_fault_is_not_remembered(tmp_path: Path, add_calls: Adding) -> None:
    """Whoever asks after a report has failed has it tried again."""
    desk = Desk(Books(add_calls(tmp_path / "ledger", [{"identity": "a"}])), tmp_path / "ledger", None, _clock)

    def failing(_ledger: object, _settings: Settings) -> object:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        desk.answer("it", failing)
    assert desk.answer("it", lambda _ledger, _settings: "found") == "found"
    desk.books.let_go()  # type: ignore[attr-defined] # the real one


def test_the_first_overview_asks_what_is_prepared(tmp_path: Path, add_calls: Adding) -> None:
    """Once the first overview is prepared, the addresses that the front page asks are answered from memory."""
    from litestar.testing import TestClient  # noqa: PLC0415 - takes long to import

    from breakeven.web.application import application  # noqa: PLC0415 - as above

    desk = Desk(Books(add_calls(tmp_path / "ledger", [{"identity": "a"}])), tmp_path / "ledger", None, _clock)
    for ask in overview(desk):
        ask()
    prepared = set(desk._answers)  # noqa: SLF001 - what it remembers is what this is about
    asked: dict[str, dict[str, Any]] = {
        "today": {},
        "pnl": {"vs": "previous", "by": "feature"},
        "portfolio": {},
        "bridge/cost": {"vs": "previous", "by": "feature"},
        "forecast": {},
        "budgets": {},
    }
    with TestClient(application(desk, "127.0.0.1")) as client:
        for path, query in asked.items():
            assert client.get(f"/api/v1/{path}", params=query, headers={"host": "127.0.0.1"}).status_code == 200
        for more in ({}, {"feature": "none"}):
            found = client.get("/api/v1/pnl", params={"period": "all", "by": "month", **more}, headers={"host": "127.0.0.1"})
            assert found.status_code == 200
    assert set(desk._answers) == prepared  # noqa: SLF001 - as above
    desk.books.let_go()  # type: ignore[attr-defined] # the real one
