"""Bad input gets a clear message and the exit code of the contract; good rows beside it are kept."""

from __future__ import annotations

import gzip
import json
import os
import random
from pathlib import Path
from typing import Any

import duckdb
import pytest

HEADER = "ts,model,input_tokens,cached_tokens,output_tokens\n"
GOOD = "2026-01-01T00:00:00Z,gpt-4o,100,40,10\n"
BAD_ROWS = [
    ("2026-01-01T00:00:00Z,gpt-4o,-5,0,1", "bad.csv:3 field input_tokens", "this is negative (-5)"),
    ("2026-01-01T00:00:00Z,gpt-4o,5,9,1", "bad.csv:3 field input_inclusive", "more than the whole"),
    ("2026-01-01T00:00:00Z,gpt-4o,1.5,0,1", "bad.csv:3 field input_tokens", "not a whole number (1.5)"),
    ("2026-01-01T00:00:00Z,gpt-4o,NaN,0,1", "bad.csv:3 field input_tokens", "not a whole number (NaN)"),
    ("2026-01-01T00:00:00Z,gpt-4o,many,0,1", "bad.csv:3 field input_tokens", "not a whole number (many)"),
    ("2026-01-01T00:00:00Z,gpt-4o,1e400,0,1", "bad.csv:3 field input_tokens", "not a whole number (1e400)"),
    ("2026-01-01T00:00:00Z,gpt-4o,99999999999999999999,0,1", "bad.csv:3 field input_tokens", "not a whole number"),
    ("2026-01-01T00:00:00Z,gpt-4o,9000000000000000,0,1", "bad.csv:3 field input_tokens", "more than any call can have"),
    ("2026-01-01T00:00:00Z,,5,0,1", "bad.csv:3 field model", "the model is missing"),
    (",gpt-4o,5,0,1", "bad.csv:3 field ts", "occurred_at is missing"),
    ("soon,gpt-4o,5,0,1", "bad.csv:3 field ts", "this is no instant"),
    ("2031-01-01T00:00:00Z,gpt-4o,5,0,1", "bad.csv:3 field ts", "lies in the future (2031-01-01T00:00:00Z)"),
    ("2026-01-01T00:00:00Z,gpt-4o,5,0,1,7,8", "bad.csv:3", "does not fit the header"),
    ("2026-01-01T00:00:00Z,gpt-4o", "bad.csv:3", "does not fit the header"),
]


@pytest.mark.parametrize(("row", "where", "what"), BAD_ROWS)
def test_a_bad_row(desk: Any, row: str, where: str, what: str) -> None:
    """A bad row is told with file, row, field and reason, set aside, and the others are kept: exit code 3."""
    answer = desk.bring(
        "calls", desk.file("bad.csv", f"{HEADER}{GOOD}{row}\n{GOOD.replace('-01T', '-02T')}"), "--provider", "openai"
    )
    assert (answer.code, answer.summary["calls_added"], answer.summary["rejected"]) == (3, 2, 1)
    assert where in answer.told
    assert what in answer.told
    assert "set aside in" in answer.told
    assert len(answer.summary["rejects"]) == 1


BAD_FILES = [
    ("empty.csv", b"", "is empty"),
    ("blank.jsonl", b"\n\n  \n", "is empty"),
    ("binary.bin", random.Random(1).randbytes(50_000), "is neither Parquet nor text"),
    ("cut.json", b'[{"ts": "2026-01-01", "mod', "is not a whole JSON array"),
    ("cut.parquet", b"PAR1 and no more", "is a damaged Parquet file"),
    ("cut.csv.gz", gzip.compress(random.Random(1).randbytes(90_000).hex().encode(), mtime=0)[:40_000], "is a damaged gzip file"),
    (
        "cut.jsonl.gz",
        gzip.compress(json.dumps({"x": random.Random(1).randbytes(900_000).hex()}).encode(), mtime=0)[:-500],
        "is a damaged gzip file",
    ),
    ("twice.csv", b"ts,ts,model,input_tokens\n1,2,3,4\n", "names ts twice"),
    ("timeless.csv", b"model,input_tokens\ngpt-4o,5\n", "no column is recognised as occurred_at"),
    ("useless.csv", b"ts,model,words\n2026-01-01,gpt-4o,5\n", "no column holds tokens"),
    ("modelless.csv", b"ts,input_tokens\n2026-01-01,5\n", "no column says which model"),
    ("ambiguous.csv", b"ts,model,input_tokens\n03/04/2026,gpt-4o,5\n", "may be DD/MM/YYYY or MM/DD/YYYY"),
    ("open.csv", b'ts,model,input_tokens,note\n2026-01-01,gpt-4o,5,"open\n2026-01-02,gpt-4o,5,x\n', "is never closed"),
]


@pytest.mark.parametrize(("name", "content", "what"), BAD_FILES)
def test_a_file_that_cannot_be_used(desk: Any, name: str, content: bytes, what: str) -> None:
    """A file that is unusable as a whole is named with the reason and a remedy, and nothing is imported."""
    answer = desk.bring("calls", desk.file(name, content))
    assert (answer.code, answer.summary) == (3, {})
    assert what in answer.told
    assert name in answer.told or "no column" in what
    assert len(answer.told.strip().splitlines()) >= 2
    assert "internal fault" not in answer.told


BAD_REQUESTS = [
    (("calls", "nowhere.csv"), 2, "nowhere.csv does not exist"),
    (("ledgers", "a.csv"), 2, "there is no import format 'ledgers'"),
    (("calls", "a.csv", "--map", "inputt=x"), 2, "Did you mean input?"),
    (("calls", "a.csv", "--map", "input=input_token"), 2, "Did you mean input_tokens?"),
    (("calls", "a.csv", "--map", "input"), 2, "is not NAME=VALUE"),
    (("calls", "a.csv", "--at", "noon"), 2, "is not an instant"),
    (("calls", "a.csv", "--distinct", "run"), 2, "has no column 'run'"),
    (("calls", "."), 3, "is a directory"),
    (("claude-code", "a.csv"), 3, "is not a Claude Code log"),
    (("claude-code", "a.csv", "--map", "input=x"), 2, "takes no --map"),
    (("claude-code", "empty"), 2, "there are no files .jsonl"),
    (("responses", "a.csv"), 3, "neither JSON nor a stream"),
    (("responses", "a.csv", "--set", "input=5"), 2, "cannot set input"),
]


@pytest.mark.parametrize(("arguments", "code", "what"), BAD_REQUESTS)
def test_a_request_that_cannot_be_understood(desk: Any, arguments: tuple[str, ...], code: int, what: str) -> None:
    """A wrong format, path, field or option is told with what there is instead."""
    desk.file("a.csv", HEADER + GOOD)
    (desk.root / "empty").mkdir()
    answer = desk.bring(*arguments)
    assert answer.code == code
    assert what in answer.told


def test_an_unreadable_file(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file without permission is an unreachable thing: exit code 4."""
    path = desk.file("a.csv", HEADER + GOOD)
    opened = Path.open

    def denied(self: Path, *arguments: Any, **options: Any) -> Any:  # the superuser, who may run the tests, is never denied
        if self == Path(path):
            raise PermissionError(13, "Permission denied")
        return opened(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", denied)
    answer = desk.bring("calls", path)
    assert answer.code == 4
    assert "a.csv cannot be read: Permission denied" in answer.told


def test_a_locked_ledger(desk: Any) -> None:
    """While another process writes, an import waits for nobody: it says which process, and exits with 4."""
    from breakeven.ledger import open_ledger  # noqa: PLC0415 - only here

    path = desk.file("a.csv", HEADER + GOOD)
    with open_ledger(desk.ledger, write=True, create=True):
        answer = desk.bring("calls", path)
    assert answer.code == 4
    assert str(os.getpid()) in answer.told
    assert desk.bring("calls", path).summary["calls_added"] == 1


@pytest.mark.parametrize("good", [True, False])
def test_ten_megabytes_in_one_line(desk: Any, good: bool) -> None:
    """A line of 10 MB is read like any other, or set aside like any other."""
    record = {"ts": "2026-01-01T00:00:00Z", "model": "gpt-4o", "input_tokens": 5, "text": "x" * 10_000_000}
    line = json.dumps(record)
    answer = desk.bring(
        "calls", desk.file("a.jsonl", f'{line if good else line[:-3]}\n{{"ts": "2026-01-02", "model": "m", "input": 1}}')
    )
    assert (answer.code, answer.summary["rejected"]) == ((0, 0) if good else (3, 1))
    assert len(answer.told) < 5_000


def test_json_lines_that_are_none(desk: Any) -> None:
    """Lines cut off, bare NaN and values that are no objects are told by line; the others are kept."""
    lines = [
        '{"ts": "2026-01-01", "model": "gpt-4o", "input_tokens": 5}',
        '{"ts": "2026-01-01", "model": "gpt-4o", "input_tok',
        "[1, 2]",
        "",
        '{"ts": "2026-01-02", "model": "gpt-4o", "input_tokens": "6"}',
        '{"ts": "2026-01-03", "model": "gpt-4o", "input_tokens": {"a": 1}}',
        '{"ts": "2026-01-03", "model": "gpt-4o", "input_tokens": true}',
    ]
    answer = desk.bring("calls", desk.file("a.jsonl", "\n".join(lines)))
    assert (answer.code, answer.summary["calls_added"], answer.summary["rejected"]) == (3, 2, 4)
    for place in ("a.jsonl:2:", "a.jsonl:3:", "a.jsonl:6 field input_tokens", "a.jsonl:7 field input_tokens"):
        assert place in answer.told


@pytest.mark.parametrize("row", ["5,-1,0", "5,1e13,0", "1000000000,100000000,0", ",1,1", "5,nan,1"])
def test_means_that_no_calls_can_have(desk: Any, row: str) -> None:
    """Negative, boundless and missing figures of an aggregate are set aside, not multiplied."""
    path = desk.file("a.csv", f"date,requests,input_tokens_mean,output_tokens_mean\n2026-01-01,{row}\n2026-01-02,1,1,1\n")
    answer = desk.bring("aggregates", path, "--provider", "openai", "--model", "gpt-4o")
    assert (answer.code, answer.summary["calls_added"], answer.summary["rejected"]) == (3, 1, 1)


def test_a_column_of_objects_is_no_count(desk: Any) -> None:
    """A Parquet column of structures cannot be a count: told, with how to reach into it; a member of it can be."""
    path = desk.file("a.parquet", "")
    duckdb.execute(f"COPY (SELECT TIMESTAMP '2026-01-01' AS ts, {{'prompt': 7}} AS usage) TO '{path}' (FORMAT parquet)")
    options = ("--provider", "openai", "--model", "gpt-4o")
    refused = desk.bring("calls", path, "--map", "input=usage.nothing", *options)
    assert refused.code == 2
    assert "does not hold plain values" in refused.told
    assert desk.bring("calls", path, "--map", "input=usage.prompt", *options).code == 0
    assert desk.rows("SELECT input_tokens::BIGINT FROM calls") == [(7,)]
