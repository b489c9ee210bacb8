"""`breakeven compile` as its user sees it, on invented invoices, tickets and names."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

Example = dict[str, Any]
Examples = Callable[[int], list[Example]]
Written = Callable[[Sequence[Example]], Path]
Run = Callable[..., tuple[int, str, str]]

CONTRACT = [
    "examples", "answered", "coverage", "field_agreement", "agreement", "agreement_lower_bound", "microseconds_per_example",
]  # fmt: skip
REPLAY = ("compile", "replay", "good.jsonl")
PARTS = ("--input", "input", "--output", "output")


def test_replay_prints_the_figures_of_the_contract(breakeven: Run, written: Written, invoices: Examples) -> None:
    """`compile replay --learn-online --json` prints one object with exactly the seven figures that others rely on."""
    code, out, _ = breakeven("compile", "replay", written(invoices(200)), *PARTS, "--learn-online", "--seed", 3, "--json")
    figures = json.loads(out)
    assert (code, list(figures)) == (0, CONTRACT)
    assert figures["coverage"] == figures["answered"] / figures["examples"] > 0.5
    assert figures["agreement"] >= 0.98
    assert figures["agreement_lower_bound"] < figures["agreement"]


def test_a_learned_handler_answers_new_documents(breakeven: Run, written: Written, invoices: Examples, tmp_path: Path) -> None:
    """A handler learned from 150 invoices answers most of 150 others, rewriting dates and amounts, and none of them wrongly."""
    past, later = invoices(300)[:150], invoices(300)[150:]
    handler, details = tmp_path / "handler.json", tmp_path / "details.jsonl"
    code, out, _ = breakeven("compile", "learn", written(past), *PARTS, "-o", handler, "--json")
    assert (code, json.loads(out)["fields"]) == (0, ["vendor", "date", "total"])
    breakeven("compile", "replay", written(later), *PARTS, "--handler", handler, "--details", details, "--json")
    outcomes = [json.loads(line) for line in details.read_text().splitlines()]
    answered = [(outcome["answer"], later[number]["output"]) for number, outcome in enumerate(outcomes) if outcome["answered"]]
    assert len(answered) > 120
    assert all(ours == theirs for ours, theirs in answered)


def test_labels_are_told_by_words(breakeven: Run, written: Written, tickets: Examples) -> None:
    """A classification prompt is answered by the words of its text: nine in ten of the half not learned from, all rightly."""
    code, out, _ = breakeven("compile", "replay", written(tickets(400)), *PARTS, "--json")
    figures = json.loads(out)
    assert (code, figures["examples"]) == (0, 200)
    assert figures["coverage"] >= 0.9
    assert figures["agreement"] == 1.0


def test_values_are_rewritten(breakeven: Run, written: Written, names: Examples, tmp_path: Path) -> None:
    """A reformatting prompt is answered by a pattern, which `show` gives in words."""
    handler = tmp_path / "names.json"
    code, out, _ = breakeven("compile", "replay", written(names(200)), *PARTS, "--json")
    assert (code, json.loads(out)["agreement"]) == (0, 1.0)
    breakeven("compile", "learn", written(names(200)), *PARTS, "-o", handler)
    assert "answer: the input written as {2} {1:upper}" in breakeven("compile", "show", handler)[1]


def test_another_task_is_declined(breakeven: Run, written: Written, invoices: Examples, tickets: Examples, tmp_path: Path) -> None:
    """A handler answers no input of another task, however sure its rules would be."""
    handler = tmp_path / "handler.json"
    breakeven("compile", "learn", written(tickets(300)), *PARTS, "-o", handler)
    strange = [{"input": one["input"], "output": "billing"} for one in invoices(50)]
    _, out, _ = breakeven("compile", "replay", written(strange), *PARTS, "--handler", handler, "--json")
    assert json.loads(out)["answered"] == 0


def test_answers_that_follow_from_nothing_are_never_given(breakeven: Run, written: Written, invoices: Examples) -> None:
    """Where the past answers contradict the documents nothing is answered, and the figures that need answers are null."""
    muddled = [{"input": one["input"], "output": {"total": number * 7919 % 1000}} for number, one in enumerate(invoices(120))]
    code, out, _ = breakeven("compile", "replay", written(muddled), *PARTS, "--learn-online", "--json")
    figures = json.loads(out)
    assert (code, figures["answered"], figures["coverage"]) == (0, 0, 0.0)
    assert [figures[name] for name in CONTRACT[3:6]] == [None, None, None]


def test_ten_examples_make_a_handler_that_declines(breakeven: Run, written: Written, invoices: Examples, tmp_path: Path) -> None:
    """Ten examples prove nothing: the handler is written, declines everything, and says so when shown and when replayed."""
    handler = tmp_path / "handler.json"
    code, out, _ = breakeven("compile", "learn", written(invoices(10)), *PARTS, "-o", handler)
    assert (code, "it declines everything" in out) == (0, True)
    assert "it declines everything" in breakeven("compile", "show", handler)[1]
    assert breakeven("compile", "replay", written(invoices(10)), *PARTS, "--handler", handler)[1].startswith("0 of 10 examples")


def test_learning_is_reproducible(written: Written, invoices: Examples, repository: Path, tmp_path: Path) -> None:
    """The same examples and seed give the same file, byte for byte, in any process."""
    targets = {seed: tmp_path / f"{seed}.json" for seed in ("1", "2")}
    for seed, target in targets.items():
        command = ["-m", "breakeven", "compile", "learn", str(written(invoices(80))), *PARTS, "-o", str(target), "--seed", "5"]
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(repository / "src")}
        subprocess.run([sys.executable, *command], check=True, env=environment, capture_output=True)
    assert targets["1"].read_bytes() == targets["2"].read_bytes()


def test_show_explains_every_rule_with_examples(breakeven: Run, written: Written, invoices: Examples, tmp_path: Path) -> None:
    """`compile show` tells promise, record and sources, and each rule in words with the lines of examples behind it."""
    handler = tmp_path / "handler.json"
    _, learned, _ = breakeven("compile", "learn", written(invoices(150)), *PARTS, "-o", handler)
    code, out, _ = breakeven("compile", "show", handler, "--rules", 5)
    assert (code, "Read it with: breakeven compile show" in learned) == (0, True)
    assert "Promise: at least 93.0% of answered fields agree, with 95% confidence" in out
    assert "date: dates, dmy to YYYY-MM-DD" in out
    assert "examples.jsonl:" in out
    assert "weaker rules (--all shows them)" in out
    assert "weaker rules" not in breakeven("compile", "show", handler, "--field", "total", "--all")[1]


def test_show_prints_the_file_itself(breakeven: Run, written: Written, names: Examples, tmp_path: Path) -> None:
    """`compile show --json` prints the handler file unchanged."""
    handler = tmp_path / "handler.json"
    breakeven("compile", "learn", written(names(60)), *PARTS, "-o", handler)
    assert breakeven("compile", "show", handler, "--json")[1].strip() == handler.read_text(encoding="utf-8").strip()


def test_figures_are_drawn_for_people(breakeven: Run, written: Written, names: Examples) -> None:
    """Without --json the replay says in words how many were answered, how well, and how fast."""
    out = breakeven("compile", "replay", written(names(200)), *PARTS)[1]
    assert "examples answered without a model" in out
    assert "with 95% confidence" in out
    assert "µs" in out


def test_packed_and_columnar_files_are_read(breakeven: Run, names: Examples, tmp_path: Path) -> None:
    """A .gz file and a Parquet file give the same figures as the plain file, but for the time taken."""
    plain = "".join(json.dumps(one) + "\n" for one in names(60))
    packed, columnar = tmp_path / "names.jsonl.gz", tmp_path / "names.parquet"
    packed.write_bytes(gzip.compress(plain.encode()))
    (tmp_path / "names.jsonl").write_text(plain)
    duckdb.read_json(str(tmp_path / "names.jsonl")).write_parquet(str(columnar))
    outs = [breakeven("compile", "replay", file, *PARTS, "--json")[1] for file in (tmp_path / "names.jsonl", packed, columnar)]
    assert len({tuple(list(json.loads(out).values())[:6]) for out in outs}) == 1


FAULTS = {
    "no such file": (("compile", "replay", "missing.jsonl", *PARTS), 4, "missing.jsonl cannot be read"),
    "no such table": (("compile", "replay", "missing.parquet", *PARTS), 4, "missing.parquet does not exist"),
    "no JSON": (("compile", "replay", "broken.jsonl", *PARTS), 3, "broken.jsonl:2 is no JSON object"),
    "no gzip": (("compile", "replay", "broken.gz", *PARTS), 3, "is no gzip file or is cut off"),
    "no table": (("compile", "replay", "broken.parquet", *PARTS), 3, "is no Parquet file"),
    "empty": (("compile", "replay", "empty.jsonl", *PARTS), 3, "holds no example"),
    "no such part": ((*REPLAY, "--input", "text", "--output", "output"), 3, "there is no field 'text'; there are: input, output"),
    "no document": ((*REPLAY, "--input", "number", "--output", "output"), 3, "number is neither a text nor a list of lines"),
    "no such answer": ((*REPLAY, *PARTS, "--fields", "sum"), 2, "no example has the field 'sum'"),
    "nothing to learn": ((*REPLAY, *PARTS, "--fields", ","), 2, "--fields names no field"),
    "nothing in common": (("compile", "replay", "mixed.jsonl", *PARTS), 2, "no field is in every answer"),
    "both ways": ((*REPLAY, *PARTS, "--learn-online", "--handler", "h.json"), 2, "exclude each other"),
    "no handler": (("compile", "show", "good.jsonl"), 3, "good.jsonl is no compiled handler"),
    "no target": (("compile", "learn", "good.jsonl", *PARTS, "-o", "nowhere/h.json"), 4, "cannot be written"),
    "no details": ((*REPLAY, *PARTS, "--details", "nowhere/d"), 4, "cannot be written"),
}  # fmt: skip


def test_answers_may_stand_deep_inside_and_as_text(breakeven: Run, written: Written, invoices: Examples) -> None:
    """Dots reach into objects and into JSON kept as text, as logs hold requests and answers."""
    logged = [
        {"request": {"text": one["input"]}, "answer": json.dumps({"fields": one["output"]}), "note": "{no JSON"}
        for one in invoices(30)
    ]
    parts = ("--input", "request.text", "--output", "answer.fields", "--fields", "date")
    code, out, _ = breakeven("compile", "replay", written(logged), *parts, "--json")
    assert (code, json.loads(out)["examples"]) == (0, 15)
    assert "there is no field 'note.text'" in breakeven("compile", "replay", written(logged), "--input", "note.text", *parts[2:])[2]


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_told_with_place_and_remedy(fault: str, breakeven: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each fault of input, options or files has its exit code and a message that says what is wrong and where: no traceback."""
    monkeypatch.chdir(tmp_path)
    Path("good.jsonl").write_text('{"input": "Total 9.00", "output": {"total": "9.00"}, "number": 5}\n' * 3)
    Path("broken.jsonl").write_text('{"input": "a", "output": "b"}\nnot JSON\n')
    Path("mixed.jsonl").write_text('{"input": "a", "output": {"b": 1}}\n{"input": "a", "output": {"c": 1}}\n')
    Path("broken.gz").write_bytes(gzip.compress(b"{}")[:-4])
    Path("broken.parquet").write_text("no table")
    Path("empty.jsonl").write_text("\n\n")
    arguments, expected, message = FAULTS[fault]
    code, out, err = breakeven(*arguments)
    assert (code, out) == (expected, "")
    assert message in err
    assert len(err.splitlines()) >= 2


def test_a_handler_of_another_version_is_refused(breakeven: Run, written: Written, names: Examples, tmp_path: Path) -> None:
    """A file of another format, with other limits, or with an unknown field to show is refused with what to do."""
    handler = tmp_path / "handler.json"
    breakeven("compile", "learn", written(names(40)), *PARTS, "-o", handler)
    assert "has no field 'total'" in breakeven("compile", "show", handler, "--field", "total")[2]
    file = json.loads(handler.read_text())
    handler.write_text(json.dumps(file | {"record": file["record"][1:]}))
    assert "records its tries at other limits" in breakeven("compile", "show", handler)[2]
    handler.write_text(json.dumps(file | {"format": "breakeven compiled handler 0"}))
    code, _, err = breakeven("compile", "show", handler)
    assert (code, "this version reads 'breakeven compiled handler 1'" in err) == (3, True)
