"""The decisions log: who changed what, in a chain that nobody changes unseen."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from breakeven.cli.main import cli
from breakeven.errors import DataError
from breakeven.governance.decisions import Decision, chained, changes, digest_of, line_of
from breakeven.ledger import open_ledger
from breakeven.ledger.decisions import FILE, append, note_changes, read
from breakeven.ledger.layout import Layout

SOURCE = Path(__file__).parents[2] / "src"


def decision(subject: str = "budget b") -> Decision:
    """Some decision."""
    return Decision("2026-11-23T10:00:00Z", "ann", "finance", "set budgets", subject, "1", "2", "launch", "here")


def run(ledger: Path, *words: str, config: Path | None = None) -> Result:
    """One command on a ledger."""
    place = ["--ledger", str(ledger), *(["--config", str(config)] if config else [])]
    return CliRunner().invoke(cli, [*words, *place])


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """An empty ledger."""
    open_ledger(tmp_path / "ledger", write=True, create=True).close()
    return Layout(tmp_path / "ledger")


@given(st.lists(st.text(max_size=30), min_size=1, max_size=6), st.data())
def test_no_decision_is_changed_or_taken_out_unseen(subjects: list[str], data: st.DataObject) -> None:
    """Whatever line is altered, removed or moved, the chain says where."""
    lines: list[bytes] = []
    for subject in subjects:
        previous = digest_of(lines[-1]) if lines else "0" * 64
        lines.append(line_of(Decision("t", "a", "r", "x", subject, previous=previous)))
    assert not [problem for _, _, problem in chained(lines) if problem]
    at = data.draw(st.integers(0, len(lines) - 1))
    altered = [*lines[:at], lines[at].replace(b'"actor":"a"', b'"actor":"b"'), *lines[at + 1 :]]
    taken_out = [*lines[:at], *lines[at + 1 :]]
    for damaged in (altered, taken_out):
        found = [problem for _, _, problem in chained(damaged) if problem]
        assert bool(found) == (at < len(lines) - 1)


def test_what_is_appended_is_read(layout: Layout) -> None:
    """In order, chained, whole."""
    append(layout, decision("one"), decision("two"))
    append(layout, decision("three"))
    decisions, problems = read(layout)
    assert [each.subject for each in decisions] == ["one", "two", "three"]
    assert problems == []


def test_a_torn_line_stays_and_is_told(layout: Layout) -> None:
    """What a killed writer left does not swallow the next decision."""
    append(layout, decision("one"))
    with (layout.root / FILE).open("ab") as log:
        log.write(b'{"at":"2026')
    append(layout, decision("two"))
    decisions, problems = read(layout)
    assert [each.subject for each in decisions] == ["one", "two"]
    assert [problem.where for problem in problems] == ["decisions.ndjson:2"]


@pytest.mark.slow
def test_writers_killed_while_they_append(layout: Layout) -> None:
    """Several processes append at once and are killed; every decision that one of them told to be done is there."""
    code = (
        "import sys; from breakeven.governance.decisions import Decision; from breakeven.ledger.decisions import append;"
        "from breakeven.ledger.layout import Layout; from pathlib import Path\n"
        "n = 0\n"
        "while True:\n"
        "    append(Layout(Path(sys.argv[1])), Decision('t', 'a', 'r', 'x', f'{sys.argv[2]}-{n}')); print(n, flush=True); n += 1\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(layout.root), name], stdout=subprocess.PIPE, env=environment)
        for name in ("one", "two", "three")
    ]
    time.sleep(1.5)
    told: set[str] = set()
    for name, writer in zip(("one", "two", "three"), writers, strict=True):
        writer.send_signal(signal.SIGKILL)
        said, _ = writer.communicate()
        told |= {f"{name}-{line.decode()}" for line in said.split(b"\n")[:-1]}
    append(layout, decision("last"))
    decisions, problems = read(layout)
    assert len(told) > 3
    assert told <= {each.subject for each in decisions}
    assert len(problems) <= 1


def test_changes_name_what_was_and_what_is() -> None:
    """Added, removed and changed things; equal ones are not mentioned."""
    assert list(changes({"a": "1", "b": "2", "c": "3"}, {"b": "2", "c": "4", "d": "5"})) == [
        ("a", "1", None), ("c", "3", "4"), ("d", None, "5"),
    ]  # fmt: skip


def test_a_changed_configuration_is_noted_once(layout: Layout) -> None:
    """The first time as it stands, then what differs."""
    template = decision()
    assert [note_changes(layout, state, template) for state in ({"x": "1"}, {"x": "1"}, {"x": "2", "y": "3"})] == [1, 0, 2]
    noted = [(each.subject, each.before, each.after) for each in read(layout)[0]]
    assert noted == [("x", None, "1"), ("x", "1", "2"), ("y", None, "3")]


def test_commands_that_change_something_are_in_the_log(layout: Layout, tmp_path: Path) -> None:
    """Keys, limits, owners and tokens: who, what, before, after and why; dry runs are not."""
    config = tmp_path / "breakeven.yaml"
    config.write_text("features: {search: {owner: web}}\nbudgets: {b: {limit: 5, period: day}}\n")
    for words in (
        ["keys", "create", "app"],
        ["keys", "revoke", "app"],
        ["budget", "set", "b", "--limit", "9", "--why", "launch"],
        ["budget", "set", "b", "--limit", "99", "--dry-run"],
        ["owner", "assign", "search", "ann", "--why", "she knows"],
        ["access", "token", "bob"],
    ):
        assert run(layout.root, *words, config=config).exit_code == 0
    found = json.loads(run(layout.root, "decisions", "--json", config=config).stdout)
    assert [(row["action"], row["subject"], row.get("why")) for row in found["rows"]] == [
        ("change keys", "key app", None),
        ("change keys", "key app", None),
        ("set budgets", "budget b", "launch"),
        ("assign owners", "feature search", "she knows"),
        ("manage access", "token of bob", None),
    ]
    assert (found["rows"][2]["before"], found["rows"][2]["after"]) == ("5", "9")
    assert found["sentence"] == "5 decisions; the chain is whole."
    assert "launch" in run(layout.root, "decisions", "--csv", config=config).stdout


def test_a_damaged_log_fails_the_check(layout: Layout) -> None:
    """Both the log's own command and the ledger's verification say where."""
    append(layout, decision("one"), decision("two"))
    path = layout.root / FILE
    path.write_bytes(path.read_bytes().replace(b'"actor":"ann"', b'"actor":"eve"', 1))
    asked = run(layout.root, "decisions")
    assert isinstance(asked.exception, DataError)
    assert "the chain is broken at decisions.ndjson:2" in asked.stdout
    assert run(layout.root, "ledger", "verify").exit_code != 0
