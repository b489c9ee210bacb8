"""What was set aside comes back in its own format, can be mended, and is then imported once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from breakeven.exchange.importers.rejects import SHOWN

AS_OPENAI = ("--provider", "openai", "--model", "gpt-4o")
ROWS = [
    {"ts": "2026-01-01T00:00:00Z", "input_tokens": "5", "note": 'a, "quoted"\nnote'},
    {"ts": "2026-01-02T00:00:00Z", "input_tokens": "-5", "note": 'b, "quoted"\nnote'},
    {"ts": "2026-01-03T00:00:00Z", "input_tokens": "7", "note": "c"},
]


def written(desk: Any, kind: str) -> str:
    path = desk.file(f"calls.{kind}", "")
    if kind == "jsonl":
        return str(desk.file("calls.jsonl", "\n".join(json.dumps(row) for row in ROWS)))
    values = ", ".join(f"('{row['ts']}', {row['input_tokens']}, '{row['note']}')" for row in ROWS)
    option = "FORMAT parquet" if kind == "parquet" else "FORMAT csv, HEADER"
    duckdb.execute(f"COPY (SELECT * FROM (VALUES {values}) AS calls (ts, input_tokens, note)) TO '{path}' ({option})")
    return str(path)


def mend(rejects: str) -> None:
    path = Path(rejects)
    if path.suffix == ".parquet":
        mended = f"SELECT * REPLACE (abs(input_tokens) AS input_tokens) FROM '{path}'"
        duckdb.execute(f"COPY ({mended}) TO '{path}.mended' (FORMAT parquet)")
        Path(rejects + ".mended").replace(path)
    else:
        path.write_text(path.read_text().replace("-5", "5"))


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_mended_rejects_are_imported(desk: Any, kind: str) -> None:
    """A bad row keeps its columns and its format; its reason stands beside it and is ignored once it is mended."""
    answer = desk.bring("calls", written(desk, kind), *AS_OPENAI)
    assert (answer.code, answer.summary["calls_added"], answer.summary["rejected"]) == (3, 2, 1)
    (rejects,) = answer.summary["rejects"]
    assert Path(rejects).suffix == f".{kind}"
    assert Path(rejects).parent == desk.ledger / "rejects"
    reasons = duckdb.execute(f"SELECT _reject_field, _reject_reason, note FROM '{rejects}'").fetchall()
    assert reasons == [("input_tokens", "this is negative", ROWS[1]["note"])]
    assert desk.bring("calls", rejects, *AS_OPENAI).code == 3
    mend(rejects)
    again = desk.bring("calls", rejects, *AS_OPENAI)
    assert (again.code, again.summary["calls_added"]) == (0, 1)
    assert "_reject" not in again.told
    assert desk.rows("SELECT sum(input_tokens)::BIGINT FROM calls") == [(17,)]
    assert desk.bring("calls", rejects, *AS_OPENAI).summary["duplicates"] == 1


def test_a_mended_file_adds_only_what_was_missing(desk: Any) -> None:
    """Mending the original file instead and importing it whole adds the bad row only."""
    path = Path(written(desk, "csv"))
    desk.bring("calls", path, *AS_OPENAI)
    path.write_text(path.read_text().replace("-5", "5"))
    answer = desk.bring("calls", path, *AS_OPENAI)
    assert (answer.code, answer.summary["calls_added"], answer.summary["duplicates"]) == (0, 1, 2)


def test_lines_that_do_not_fit_keep_their_header(desk: Any) -> None:
    """A line with too many values is set aside as it stood, below the file's own header and separator."""
    path = desk.file("a.csv", "ts;input_tokens\n2026-01-01;5\n2026-01-02;6;7\n")
    answer = desk.bring("calls", path, *AS_OPENAI)
    (rejects,) = answer.summary["rejects"]
    assert Path(rejects).read_text() == "ts;input_tokens\n2026-01-02;6;7\n"
    Path(rejects).write_text("ts;input_tokens\n2026-01-02;6\n")
    assert desk.bring("calls", rejects, *AS_OPENAI).summary["calls_added"] == 1


def test_many_bad_rows_are_counted(desk: Any) -> None:
    """Only the first problems are told one by one; all rows are set aside, from each of two files of one name."""
    lines = "".join(f"2026-01-01,-{number}\n" for number in range(1, 40))
    paths = [desk.file(f"{place}/a.csv", f"ts,input_tokens\n{lines}2026-01-01,{place}\n") for place in "12"]
    answer = desk.bring("calls", *paths, *AS_OPENAI)
    assert (answer.code, answer.summary["calls_added"], answer.summary["rejected"]) == (3, 2, 78)
    assert len(answer.summary["problems"]) == 2 * SHOWN
    assert answer.told.count("34 more rows were set aside") == 2
    assert sum(len(Path(each).read_text().splitlines()) - 1 for each in answer.summary["rejects"]) == 78
