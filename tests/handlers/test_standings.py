"""Records are shared by all workers of a host, survive them, and belong to the handler as it is."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from breakeven.alignment.standing import Standing, Terms, observed
from breakeven.alignment.task import Reply
from breakeven.errors import Unreachable
from breakeven.handlers.duty import Duty
from breakeven.handlers.standings import FILE, Standings, fingerprint
from breakeven.settings.handlers import HandlerSettings

LIVE = Terms("live", floor=0.9)


def test_no_check_of_any_worker_is_lost(tmp_path: Path) -> None:
    """Four processes that add 50 checks each, at once, leave 200."""
    script = (
        "import sys\nfrom pathlib import Path\nfrom breakeven.alignment.standing import Terms\n"
        "from breakeven.handlers.standings import Standings\n"
        "store = Standings(Path(sys.argv[1]))\n"
        "for number in range(50): store.checked('own', 'v1', Terms('live', floor=0.5), [number % 5 > 0])\n"
    )
    workers = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path)]) for _ in range(4)]
    assert [worker.wait(60) for worker in workers] == [0, 0, 0, 0]
    store = Standings(tmp_path)
    found = store.standing("own", "v1")
    store.close()
    assert (found.checks, found.agreements, found.withdrawn) == (200, 160, None)


def test_a_record_outlives_its_process(tmp_path: Path) -> None:
    """What was withdrawn stays so for whoever opens the ledger later, with the sentence and the same figures as in memory."""
    store = Standings(tmp_path)
    agreed = [True] * 40 + [False] * 30
    after = store.checked("own", "v1", LIVE, agreed)
    store.close()
    other = Standings(tmp_path)
    assert other.standing("own", "v1") == after == observed(Standing(), LIVE, agreed)
    assert after.withdrawn is not None
    record = other.record("own", "v1")
    assert record.began_at is not None
    assert record.withdrawn_at is not None
    other.close()


def test_another_worker_hears_of_a_withdrawal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a second."""
    clock = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    one, other = Standings(tmp_path), Standings(tmp_path)
    one.checked("own", "v1", LIVE, [True])
    assert other.standing("own", "v1").withdrawn is None
    one.checked("own", "v1", LIVE, [False] * 50)
    clock[0] += 1.01
    assert other.standing("own", "v1").withdrawn is not None
    one.close()
    other.close()


def test_reinstating_begins_anew(tmp_path: Path) -> None:
    """The old record is gone and its reason is told; a handler that is not withdrawn has nothing to be reinstated."""
    store = Standings(tmp_path)
    why = store.checked("own", "v1", LIVE, [False] * 20).withdrawn
    assert store.reinstate("own", "v1") == why
    assert store.standing("own", "v1") == Standing()
    assert store.reinstate("own", "v1") is None
    store.close()


def test_a_changed_handler_has_no_record(tmp_path: Path) -> None:
    """Another content of its file, function, table or option is another handler; terms are not."""
    file, table = tmp_path / "rules.py", tmp_path / "codes.csv"
    file.write_text("def handle(task): return 'a'", encoding="utf-8")
    table.write_text("a,b\n", encoding="utf-8")
    own = HandlerSettings("own", "function", f"{file}:handle", LIVE)
    look = HandlerSettings("look", "builtin", "lookup", LIVE, options={"table": str(table)})
    before = (fingerprint(own), fingerprint(look))
    assert fingerprint(replace(own, terms=Terms("off"), timeout=9.0)) == before[0]
    assert fingerprint(replace(own, source=f"{file}:other")) != before[0]
    assert fingerprint(replace(look, options={**look.options, "key": "a"})) != before[1]
    file.write_text("def handle(task): return 'b'", encoding="utf-8")
    table.write_text("a,b\n1,2\n", encoding="utf-8")
    assert (fingerprint(own), fingerprint(look)) != before
    assert not {fingerprint(own), fingerprint(look)} & set(before)
    file.unlink()
    assert fingerprint(own) not in before


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    """A store that cannot be used says which file and what is lost by removing it."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / FILE).write_bytes(b"not a database" * 100)
    store = Standings(tmp_path)
    with pytest.raises(Unreachable, match="cannot be used"):
        store.standing("own", "v1")
    with pytest.raises(Unreachable, match="cannot be used"):
        store.checked("own", "v1", LIVE, [True])
    store.close()


def test_a_live_handler_withdraws_itself_and_says_so(tmp_path: Path) -> None:
    """Right answers keep it; once wrong it is withdrawn with one sentence and goes on in the shadow; a new file returns it."""
    file = tmp_path / "rules.py"
    file.write_text("def handle(task): return 'a'", encoding="utf-8")
    own = HandlerSettings("own", "function", f"{file}:handle", Terms("live", checked=0.5, floor=0.95))
    draws, store = Random(2), Standings(tmp_path)
    duty = Duty({"own": own}, store, draws.random)
    told, parts = [], []
    for number in range(300):
        parts.append(duty.part("own"))
        if parts[-1] in {"answer and check", "shadow"}:
            told.append(duty.compared("own", Reply('{"total": 5}'), Reply('{"total": "5.00"}' if number < 150 else '{"total": 6}')))
    said = [sentence for sentence in told if sentence is not None]
    assert len(said) == 1
    assert said[0].startswith("own is withdrawn: of the last ")
    assert set(parts[:150]) == {"answer", "answer and check"}
    assert set(parts[-50:]) == {"none", "shadow"}
    assert duty.part("nobody") == "none"
    file.write_text("def handle(task): return 'b'", encoding="utf-8")
    assert Duty({"own": own}, store, draws.random).part("own") in {"answer", "answer and check"}
    store.close()
