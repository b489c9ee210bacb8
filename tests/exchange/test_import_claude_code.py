"""Claude Code's logs: one call for each vendor message, however often and wherever its lines stand."""

from __future__ import annotations

import gzip
import json
import random
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from breakeven.exchange.importers.claude_code import Logs, project_names, read_log

NOW = datetime(2026, 11, 20)
CLASSES = ("input", "output", "cache_write_5m", "cache_write_1h", "cache_read")
BY_CLASS = "SELECT usage_class, sum(quantity)::BIGINT FROM cost_lines GROUP BY ALL"


def line(message: str = "m1", output: int = 10, **fields: Any) -> dict[str, Any]:
    usage = {"input_tokens": 100, "output_tokens": output, **fields.pop("usage", {})}
    model = fields.pop("model", "claude-sonnet-4-5-20250929")
    said = {"role": "assistant", "type": "message", "id": message, "model": model, "usage": usage}
    usual = {"type": "assistant", "sessionId": "s1", "requestId": f"r-{message}", "uuid": f"u-{message}-{output}"}
    return {**usual, "timestamp": "2026-03-01T10:00:00Z", "cwd": "/home/me/shop", "message": said, **fields}


def log(*lines: dict[str, Any]) -> str:
    return "".join(json.dumps(each) + "\n" for each in lines)


def test_the_real_logs(desk: Any, shared_data: Path) -> None:
    """1,063 lines with usage are 543 calls and $28.61467055, with the token sums of each class; a second import adds nothing."""
    figures = json.loads((shared_data / "expected.json").read_text())["claude_code"]
    answer = desk.bring("claude-code", shared_data / "imports" / "claude_code")
    assert (answer.code, answer.summary["calls_added"]) == (0, figures["distinct_calls"])
    assert answer.summary["cost"] == figures["usd_at_list_assumed"]
    assert "1,063 lines with usage are 543 calls" in answer.told
    sums = dict(desk.rows(BY_CLASS))
    expected = {name: figures.get(name, figures.get(f"{name}_tokens")) for name in CLASSES}
    assert {name: sums[name] for name in CLASSES} == expected
    again = desk.bring("claude-code", shared_data / "imports" / "claude_code")
    assert (again.summary["calls_added"], again.summary["duplicates"]) == (0, 543)
    assert desk.holds()


def test_logs_split_otherwise(desk: Any, shared_data: Path) -> None:
    """The same lines, shuffled and cut into other files of one command, are the same calls and the same bill."""
    files = sorted((shared_data / "imports" / "claude_code").glob("*.gz"))
    lines = [line for path in files for line in gzip.decompress(path.read_bytes()).splitlines(keepends=True)]
    random.Random(7).shuffle(lines)
    for number in range(3):
        desk.file(f"other/{number}.jsonl", b"".join(lines[number::3]))
    answer = desk.bring("claude-code", desk.root / "other")
    assert (answer.summary["calls_added"], answer.summary["cost"]) == (543, "28.61467055")
    again = desk.bring("claude-code", shared_data / "imports" / "claude_code")
    assert (again.summary["calls_added"], again.summary["duplicates"]) == (0, 543)


def test_the_fullest_line_counts(desk: Any) -> None:
    """Of the lines of one call the one with the most output tokens counts, also when it stands in another file."""
    desk.file("p/a.jsonl", log(line(output=1), line(output=250)))
    desk.file("p/b.jsonl", log(line(output=30)))
    answer = desk.bring("claude-code", desk.root / "p")
    assert answer.summary["calls_added"] == 1
    assert desk.rows("SELECT output_tokens FROM calls") == [(250,)]


def test_a_resumed_session_repeats_no_call(desk: Any) -> None:
    """A session that is continued under another id carries its history along; message and request ids make it the same call."""
    desk.file("p/a.jsonl", log(line()))
    desk.file("p/b.jsonl", log(line(sessionId="s2"), line("m2", sessionId="s2", timestamp="2026-03-01T11:00:00Z")))
    assert desk.bring("claude-code", desk.root / "p").summary["calls_added"] == 2
    assert desk.rows("SELECT trace_id FROM calls ORDER BY occurred_at") == [("s1",), ("s2",)]


def test_a_call_that_grew_is_told(desk: Any) -> None:
    """A call that the ledger has with fewer output tokens is not counted twice, and the difference is told."""
    first = desk.file("a.jsonl", log(line(output=3)))
    desk.bring("claude-code", first)
    answer = desk.bring("claude-code", desk.file("b.jsonl", log(line(output=40))))
    assert (answer.summary["calls_added"], answer.summary["duplicates"]) == (0, 1)
    assert "1 call shows 37 more output tokens" in answer.told


def test_a_call_in_progress_is_left(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call of the last minutes may still be answering: the next import takes it, whole."""
    path = desk.file("a.jsonl", log(line(), line("m2", 1, timestamp="2026-03-01T11:55:00Z")))
    monkeypatch.setattr("breakeven.app.now", lambda: datetime(2026, 3, 1, 12))
    answer = desk.bring("claude-code", path)
    assert answer.summary["calls_added"] == 1
    assert "1 call of the last 15 minutes may still grow" in answer.told
    desk.file("a.jsonl", log(line(), line("m2", 900, timestamp="2026-03-01T11:55:00Z")))
    monkeypatch.setattr("breakeven.app.now", lambda: datetime(2026, 3, 1, 13))
    assert desk.bring("claude-code", path).summary["calls_added"] == 1
    assert desk.rows("SELECT output_tokens FROM calls ORDER BY occurred_at") == [(10,), (900,)]


def test_attribution(desk: Any) -> None:
    """Project, session and role become feature, trace and workflow; branch, agent and version are tags; options win."""
    entry = line(isSidechain=True, agentId="a1", gitBranch="main", version="2.1")
    path = desk.file("projects/-home-me-shop/s1.jsonl", log(entry))
    desk.bring("claude-code", path, "--team", "core", "--user", "me")
    sources = {
        "feature": "import:project",
        "team": "option",
        "trace_id": "import:sessionId",
        "user_id": "option",
        "workflow": "import:isSidechain",
    }
    columns = "feature, trace_id, workflow, team, user_id, customer, json_extract_string(tags, '$.branch'), attribution_sources"
    ((*row, said),) = desk.rows(f"SELECT {columns} FROM calls")
    assert row == ["shop", "s1", "subagent", "core", "me", None, "main"]
    assert json.loads(said) == sources


def test_projects_of_one_name_are_told_apart() -> None:
    """Two projects whose directories end alike take the part before; a subdirectory does not rename its project."""
    early, late = datetime(2026, 1, 1), datetime(2026, 1, 2)
    seen = {
        "-home-a-api": {"/home/a/api/deep": early, "/home/a/api": late},
        "-home-b-api": {"/home/b/api": early},
        "-home-c": {"/home/c": early},
    }
    assert project_names(seen) == {"-home-a-api": "a/api", "-home-b-api": "b/api", "-home-c": "c"}


def test_what_is_no_call(desk: Any) -> None:
    """Claude Code's own messages and users' lines are no calls; cache lifetimes and tools are read by Anthropic's rule."""
    usage = {
        "cache_creation_input_tokens": 70,
        "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 50},
        "server_tool_use": {"web_search_requests": 2},
    }
    lines = [
        line("x", model="<synthetic>", isApiErrorMessage=True),
        line(usage=usage),
        {"type": "user", "message": {"usage": "none"}},
    ]
    answer = desk.bring("claude-code", desk.file("a.jsonl", log(*lines)))
    assert answer.summary["calls_added"] == 1
    assert "1 message was made by Claude Code itself" in answer.told
    assert dict(desk.rows(BY_CLASS)) == {"input": 100, "output": 10, "cache_write_5m": 20, "cache_write_1h": 50, "web_search": 2}


def test_a_cut_line_is_set_aside_and_mended(desk: Any) -> None:
    """A line that was cut off is told with file and line and kept; mended, it is imported once."""
    whole = json.dumps(line("m2"))
    answer = desk.bring("claude-code", desk.file("a.jsonl", log(line()) + whole[:-9]))
    assert (answer.code, answer.summary["calls_added"], answer.summary["rejected"]) == (3, 1, 1)
    assert "a.jsonl:2: this is not a whole JSON object" in answer.told
    (rejects,) = answer.summary["rejects"]
    Path(rejects).write_text(Path(rejects).read_text().replace(whole[:-9], whole))
    assert desk.bring("claude-code", rejects).summary["calls_added"] == 1


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"timestamp": "2031-01-01T00:00:00Z"}, "lies in the future"),
        ({"timestamp": "yesterday"}, "is no instant"),
        ({"timestamp": None}, "it has no time"),
    ],
)
def test_lines_without_a_usable_time(desk: Any, changes: dict[str, Any], told: str) -> None:
    """A line whose time cannot be is set aside with the field; the other lines are kept."""
    answer = desk.bring("claude-code", desk.file("a.jsonl", log(line(), line("m2", **changes))))
    assert (answer.code, answer.summary["calls_added"]) == (3, 1)
    assert told in answer.told
    assert "a.jsonl:2 field timestamp" in answer.told


def test_negative_usage_is_unknown_not_zero(desk: Any) -> None:
    """A call whose counts cannot be true is kept with unknown usage, and the fault is told."""
    answer = desk.bring("claude-code", desk.file("a.jsonl", log(line(output=-5))))
    assert answer.summary["by_state"] == {"usage_missing": 1}
    assert "output_tokens is -5" in answer.told
    assert desk.rows("SELECT sum(cost) FROM cost_lines") == [(None,)]


def test_one_bad_file_among_many(desk: Any) -> None:
    """Empty files in the directory are counted, a file that is no log is told; the other files are kept."""
    desk.file("p/good.jsonl", log(line()))
    desk.file("p/empty.jsonl", "")
    desk.file("p/table.jsonl", "a,b\n1,2\n")
    answer = desk.bring("claude-code", desk.root / "p")
    assert (answer.code, answer.summary["calls_added"], answer.summary["rejected"]) == (3, 1, 1)
    assert "table.jsonl: is not a Claude Code log" in answer.told
    assert "1 file is empty" in answer.told


def test_reading_needs_no_order(tmp_path: Path) -> None:
    """What is read of a call does not depend on which of its lines is met first."""
    lines = [line(output=n, uuid=f"u{n}", timestamp=f"2026-03-01T10:00:0{n}Z", gitBranch=f"b{n}") for n in (1, 5, 3)]
    found = []
    for order in (lines, lines[::-1]):
        path = tmp_path / "a.jsonl"
        path.write_text(log(*order))
        logs = Logs()
        read_log(path, NOW, logs)
        (call,) = logs.calls.values()
        found.append((call.first, call.fullest, call.origin["gitBranch"], call.last))
    assert found[0] == found[1]


def test_long_imports_show_progress_on_a_terminal(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal a long import shows a bar on standard error, and nothing of it reaches standard output."""
    monkeypatch.setattr("breakeven.cli.imports.LONG_IMPORT", 1)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    code, out, told = desk.run("import", "claude-code", desk.file("a.jsonl", log(line())), "--json")
    assert (code, json.loads(out)["calls_added"]) == (0, 1)
    assert "importing" in told
