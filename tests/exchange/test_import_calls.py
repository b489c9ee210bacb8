"""Tables of calls: what is guessed from names and values, shown, and taken."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from breakeven.cli.main import run

AS_OPENAI = ("--provider", "openai", "--model", "gpt-4o")
TABLE = "ts,model,input_tokens,output_tokens\n2026-01-01T10:00:00Z,gpt-4o,100,10\n2026-01-02T10:00:00Z,gpt-4o,200,20\n"
TOKENS = "SELECT occurred_at::VARCHAR, input_tokens::BIGINT, output_tokens::BIGINT FROM calls ORDER BY occurred_at"
TAKEN = [("2026-01-01 10:00:00", 100, 10), ("2026-01-02 10:00:00", 200, 20)]


QUOTED = """note,"ts",model,input_tokens,output_tokens
"a
b",2026-01-01T10:00:00Z,gpt-4o,100,10
"c, ""d"\"",2026-01-02T10:00:00Z,gpt-4o,200,20
"""
THOUSANDS = """ts,model,input_ktokens,output_ktokens
2026-01-01T10:00:00Z,gpt-4o,0.1,0.01
2026-01-02T10:00:00Z,gpt-4o,0.2,0.02
"""


def timed(first: str, second: str) -> str:
    return TABLE.replace("2026-01-01T10:00:00Z", first).replace("2026-01-02T10:00:00Z", second)


def as_json(text: str) -> list[dict[str, Any]]:
    header, *lines = [line.split(",") for line in text.splitlines()]
    return [dict(zip(header, line, strict=True)) for line in lines]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("comma.csv", TABLE),
        ("semicolon.csv", TABLE.replace(",", ";")),
        ("tab.tsv", TABLE.replace(",", "\t")),
        ("pipe.txt", TABLE.replace(",", "|")),
        ("bom.csv", b"\xef\xbb\xbf" + TABLE.encode()),
        ("utf16.csv", TABLE.encode("utf-16")),
        ("latin.csv", TABLE.replace("\n", ",café\n").replace("output_tokens,café", "output_tokens,note").encode("latin-1")),
        ("windows.csv", TABLE.replace("\n", "\r\n")),
        ("mixed.csv", TABLE.replace("\n", "\r\n", 1)),
        ("packed.csv.gz", gzip.compress(TABLE.encode(), mtime=0)),
        ("quoted.csv", QUOTED),
        ("lines.jsonl", "\n".join(json.dumps(row) for row in as_json(TABLE))),
        ("array.json", json.dumps(as_json(TABLE))),
        ("wrapped.json", json.dumps({"data": as_json(TABLE), "total": 2}, indent=1)),
        ("zone.csv", TABLE.replace("T10:00:00Z", "T12:00:00+02:00")),
        ("naive.csv", TABLE.replace("T10:00:00Z", " 10:00:00")),
        ("german.csv", timed("01.01.2026 10:00", "02.01.2026 10:00")),
        ("american.csv", timed("01/01/2026 10:00 AM", "01/02/2026 10:00 AM") + "01/31/2027 10:00 AM,gpt-4o,1,1\n"),
        ("seconds.csv", timed("1767261600", "1767348000")),
        ("millis.csv", timed("1767261600000", "1767348000000")),
        ("micros.csv", timed("1767261600000000", "1767348000000000")),
        ("thousands.csv", THOUSANDS),
        ("camel.csv", TABLE.replace("ts,model,input_tokens,output_tokens", "createdAt,modelName,inputTokens,outputTokens")),
        ("floats.csv", TABLE.replace(",100,", ",100.0,")),
    ],
)  # fmt: skip
def test_spellings_of_the_same_calls(desk: Any, name: str, content: str | bytes) -> None:
    """Whatever separator, encoding, container, time or unit: the same two calls, without any option but the file."""
    answer = desk.bring("calls", desk.file(name, content))
    expected = (3, 1) if name == "american.csv" else (0, 0)  # its third row lies in the future and shows which part is the month
    assert (answer.code, answer.summary["rejected"]) == expected, answer.told
    assert desk.rows(TOKENS) == TAKEN


@pytest.mark.parametrize(
    ("header", "row", "usage"),
    [
        ("prompt_tokens,cached_tokens,completion_tokens", "100,40,10", {"input": 60, "cache_read": 40, "output": 10}),
        ("input_tokens,cached_input_tokens,output_tokens", "100,40,10", {"input": 60, "cache_read": 40, "output": 10}),
        ("input_tokens,cache_read_input_tokens,output_tokens", "100,40,10", {"input": 100, "cache_read": 40, "output": 10}),
        ("input_tokens,cache_creation_input_tokens", "100,40", {"input": 100, "cache_write_5m": 40}),
        ("input_tokens,output_tokens,reasoning_tokens", "100,10,4", {"input": 100, "output": 6, "reasoning": 4}),
        ("input_tokens,output_tokens,thoughts_tokens", "100,10,4", {"input": 100, "output": 10, "reasoning": 4}),
        ("total_input_tokens,cache_read_tokens", "100,40", {"input": 60, "cache_read": 40}),
    ],
)
def test_what_contains_what(desk: Any, header: str, row: str, usage: dict[str, int]) -> None:
    """The names say whether a total contains the cached or reasoning part; the guess is shown, the classes are disjoint."""
    answer = desk.bring("calls", desk.file("a.csv", f"ts,{header}\n2026-01-01T00:00:00Z,{row}\n"), *AS_OPENAI)
    assert answer.code == 0
    assert dict(desk.rows("SELECT usage_class, quantity FROM cost_lines")) == usage
    if len(usage) == 2 and "input" in usage and usage["input"] == 60:
        assert "input_inclusive ← column" in answer.told


def test_what_the_user_says_wins(desk: Any) -> None:
    """--map, --set and the options outweigh every guess, and each attribution keeps its source."""
    path = desk.file("a.csv", "when,ts,svc,customer,n\n2026-01-01T00:00:00Z,2020-01-01,chat,acme,7\n")
    options = (
        "--map",
        "occurred_at=when",
        "--map",
        "feature=svc",
        "--map",
        "input_inclusive=n",
        "--set",
        "customer=beta",
        "--team",
        "t",
    )
    assert desk.bring("calls", path, *options, *AS_OPENAI).code == 0
    columns = "occurred_at::VARCHAR, feature, customer, team, input_tokens::BIGINT, attribution_sources"
    sources = '{"customer":"option","feature":"import:svc","team":"option"}'
    assert desk.rows(f"SELECT {columns} FROM calls") == [("2026-01-01 00:00:00", "chat", "beta", "t", 7, sources)]


def test_nested_json_is_reached_by_a_path(desk: Any) -> None:
    """`--map input=usage.prompt` reaches into nested objects."""
    path = desk.file("a.jsonl", json.dumps({"ts": "2026-01-01T00:00:00Z", "usage": {"prompt": 12}, "meta": {"app": "x"}}))
    assert desk.bring("calls", path, "--map", "input=usage.prompt", "--map", "feature=meta.app", *AS_OPENAI).code == 0
    assert desk.rows("SELECT input_tokens::BIGINT, feature FROM calls") == [(12, "x")]


def test_dry_run_shows_and_writes_nothing(desk: Any) -> None:
    """--dry-run shows the plan, the first rows and the cost; no ledger comes into being, and an existing one stays as it is."""
    path = desk.file("a.csv", TABLE + "2026-01-03T10:00:00Z,gpt-4o,-1,1\n")
    answer = desk.bring("calls", path, "--dry-run")
    assert (answer.code, answer.summary["calls_added"], answer.summary["cost"]) == (3, 2, "0.00105")
    assert "input ← column input_tokens (guessed)" in answer.told
    assert "would take occurred_at=2026-01-01 10:00:00, model=gpt-4o" in answer.told
    assert not desk.ledger.exists()
    desk.bring("calls", desk.file("b.csv", TABLE))
    before = sorted(path.name for path in desk.ledger.rglob("*"))
    assert desk.bring("calls", path, "--dry-run").summary["calls_added"] == 0
    assert (len(desk.rows(TOKENS)), sorted(path.name for path in desk.ledger.rglob("*"))) == (2, before)


def test_unknown_model_is_visible(desk: Any) -> None:
    """A model without a price is imported, unpriced, with its reason; it is never 0."""
    answer = desk.bring("calls", desk.file("a.csv", TABLE), "--provider", "openai", "--model", "gpt-999")
    assert (answer.code, answer.summary["by_state"]) == (0, {"unpriced": 2})
    (unpriced,) = answer.summary["unpriced"]
    assert (unpriced["model"], unpriced["calls"]) == ("gpt-999", 2)
    assert "without a price: 2 calls of openai gpt-999" in answer.told
    assert desk.rows("SELECT count(*) FROM cost_lines WHERE cost IS NOT NULL") == [(0,)]


def test_totals_of_aggregates_are_priced_by_the_size_of_one_call(desk: Any) -> None:
    """A row of a thousand small calls does not pay the long-context price that a call of its total size would."""
    path = desk.file("a.csv", "day,customer,requests,input_tokens,output_tokens\n2026-01-01,acme,1000,100000000,1000\n")
    options = ("--map", "occurred_at=day", "--provider", "google", "--model", "gemini-2.5-pro")
    answer = desk.bring("aggregates", path, *options)
    assert (answer.code, answer.summary["requests_added"], answer.summary["cost"]) == (0, 1000, "125.01")


def test_totals_of_a_day_without_a_number_of_calls_are_no_long_call(desk: Any) -> None:
    """Two million tokens of a day on a model whose long calls cost more have the plain price; the calls are a lower bound."""
    path = desk.file("day.csv", "day,model,input,output\n2026-10-01,gemini-2.5-pro,2000000,1000\n2026-10-02,gemini-2.5-pro,,5\n")
    answer = desk.bring("aggregates", path, "--provider", "google")
    assert (answer.code, answer.summary["calls_added"], answer.summary["requests_added"]) == (0, 2, 17)
    assert desk.rows("SELECT call_count, tags ->> 'call_count', pricing_context FROM calls ORDER BY occurred_at") == [
        (16, "a lower bound", "{}"),
        (1, "a lower bound", "{}"),
    ]
    assert desk.rows("SELECT cost FROM cost_lines WHERE usage_class = 'input' AND quantity > 0") == [(Decimal("2.5"),)]


def test_means_become_whole_tokens_half_even(desk: Any) -> None:
    """Requests times mean is rounded half-even; a mean that is not known leaves the usage unknown."""
    rows = "2026-01-01,3,0.5,0\n2026-01-02,1,2.5,0\n2026-01-03,1,3.5,0\n2026-01-04,5,,2\n"
    path = desk.file("a.csv", "date,requests,input_tokens_mean,output_tokens_mean\n" + rows)
    assert desk.bring("aggregates", path, *AS_OPENAI).code == 0
    found = desk.rows("SELECT input_tokens::BIGINT, state FROM calls ORDER BY occurred_at")
    assert found == [(2, "metered"), (2, "metered"), (4, "metered"), (None, "usage_missing")]


def test_row_numbers_are_no_ids(desk: Any) -> None:
    """Two files that number their rows from 1 hold different calls; the same file again adds nothing; --map identity decides."""
    one = desk.file("a.csv", "id,ts,input_tokens\n1,2026-01-01,5\n2,2026-01-01,5\n")
    other = desk.file("b.csv", "id,ts,input_tokens\n1,2026-01-02,5\n2,2026-01-02,6\n")
    assert [desk.bring("calls", path, *AS_OPENAI).summary["calls_added"] for path in (one, other, one)] == [2, 2, 0]
    assert "column id looks like a row number" in desk.bring("calls", one, *AS_OPENAI).told
    again = desk.bring("calls", desk.file("c.csv", "id,ts,input_tokens\n7,2026-01-03,5\n"), "--map", "identity=id", *AS_OPENAI)
    assert (again.summary["calls_added"], desk.rows("SELECT source_ref FROM calls ORDER BY occurred_at DESC LIMIT 1")) == (
        1,
        [("7",)],
    )


def test_words_for_how_a_call_ended(desk: Any) -> None:
    """Common words for success, failure, refusal and truncation become the ledger's; others are kept."""
    words = ("success", "ERROR", "content_filter", "length", "paused")
    rows = "".join(f"2026-01-0{day},5,{word}\n" for day, word in enumerate(words, 1))
    desk.bring("calls", desk.file("a.csv", f"ts,input_tokens,status\n{rows}"), *AS_OPENAI)
    assert desk.rows("SELECT status FROM calls ORDER BY occurred_at") == [
        ("ok",),
        ("failed",),
        ("refused",),
        ("cut_off",),
        ("paused",),
    ]


def test_a_cost_below_a_cent_is_not_told_as_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two calls that cost 0.105 cents are told with the digits that they have; $0.00 is said of nothing but nothing."""
    (tmp_path / "calls.csv").write_text(TABLE)
    asked = ["import", "calls", str(tmp_path / "calls.csv"), "--provider", "openai", "--ledger", str(tmp_path / "ledger")]
    assert run(asked) == 0
    assert "2 calls added, known cost $0.00105" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ("0.0231", "0.0462", "the table states $0.069300 for 2 calls, the price book says $0.001050"),
        ("0.0001", "0.0002", "the table states $0.000300 for 2 calls, the price book says $0.001050"),
        ("0.0003", "0.0006", None),
        ("0.00035", "0.0007", None),
    ],
)
def test_a_stated_cost_that_can_hardly_be_a_bill_is_told(desk: Any, first: str, second: str, told: str | None) -> None:
    """A vendor's own figure counts, also below list; 66 times the list price, or a third of it, is told with both figures."""
    rows = zip(TABLE.splitlines(), ("cost", first, second), strict=True)
    stated = "\n".join(f"{row},{cost}" for row, cost in rows) + "\n"
    answer = desk.bring("calls", desk.file("stated.csv", stated), "--map", "stated_cost=cost")
    assert desk.rows("SELECT sum(cost) FROM cost_lines") == [(Decimal(first) + Decimal(second),)]
    assert (told in answer.told) if told else ("the price book says" not in answer.told)
