"""Laws of importing: cutting, merging, shuffling and repeating input changes nothing."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from breakeven.exchange import ImportRequest, Target, importer
from breakeven.ledger import QuoteRequest, QuoteRow, QuoteSheet, open_ledger

NOW = datetime(2026, 11, 20)
FACTS = """
    SELECT calls.call_id, calls.occurred_at, calls.model, quantity, usage_class, cost
    FROM calls JOIN cost_lines USING (call_id) ORDER BY ALL"""


class FixedPrices:
    """One price for everything, so that a law is about importing alone."""

    thresholds: Sequence[int] = ()

    def breakpoints(self, provider: str, model: str) -> Sequence[datetime]:
        """Prices never change."""
        del provider, model
        return ()

    def answer(self, requests: Sequence[QuoteRequest]) -> QuoteSheet:
        """The same unit price for each request."""
        rows = [QuoteRow(key, name, "list", 0, 10**12, "v1", "") for key in range(len(requests)) for name in ("input", "output")]
        return QuoteSheet(rows, {})


def imported(format_: str, commands: Sequence[Sequence[Sequence[Mapping[str, Any]]]]) -> list[tuple[Any, ...]]:
    """The facts of a fresh ledger after these commands, each of several files of rows."""
    with tempfile.TemporaryDirectory() as place, open_ledger(Path(place) / "ledger", write=True, create=True) as ledger:
        for number, files in enumerate(commands):
            paths = []
            for index, rows in enumerate(file for file in files if file):
                path = Path(place) / f"{number}-{index}.jsonl"
                path.write_text("".join(json.dumps(row) + "\n" for row in rows))
                paths.append(path)
            if paths:
                request = ImportRequest(paths, NOW, {"provider": "anthropic"} if format_ == "claude-code" else {})
                importer(format_).run(request, Target(ledger, FixedPrices()))
        return ledger.query(FACTS)


def cut(rows: Sequence[Mapping[str, Any]], at: int) -> list[Sequence[Mapping[str, Any]]]:
    return [rows[: at % (len(rows) + 1)], rows[at % (len(rows) + 1) :]]


times = st.integers(0, 5).map(lambda minute: f"2026-01-01T00:0{minute}:00Z")
counts = st.integers(0, 3)
models = st.sampled_from(["gpt-4o", "gpt-4o-mini"])
identified = st.lists(
    st.builds(lambda at, n, m: {"ts": at, "model": m, "input_tokens": n, "output_tokens": 1}, times, counts, models), max_size=8
).map(lambda rows: [{**row, "id": f"call-{number}"} for number, row in enumerate(rows)])
anonymous = st.lists(
    st.builds(lambda at, n, m: {"ts": at, "model": m, "input_tokens": n, "output_tokens": 1}, times, counts, models),
    min_size=1,
    max_size=8,
)
log_lines = st.lists(
    st.builds(
        lambda message, output, at: {
            "type": "assistant",
            "sessionId": "s",
            "requestId": f"r{message}",
            "uuid": f"{message}-{output}-{at}",
            "timestamp": at,
            "message": {
                "id": f"m{message}",
                "type": "message",
                "model": "claude-x",
                "usage": {"input_tokens": 10 * message, "output_tokens": output},
            },
        },
        st.integers(1, 3),
        st.integers(0, 9),
        times,
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=12)
@given(identified, st.integers(0, 8), st.randoms(use_true_random=False))
def test_calls_with_ids_in_any_pieces(rows: list[dict[str, Any]], at: int, random: Any) -> None:
    """Calls that carry an id give the same facts in one file, cut into two commands, shuffled, and imported twice."""
    whole = imported("calls", [[rows]])
    shuffled = random.sample(rows, len(rows))
    assert imported("calls", [[piece] for piece in cut(shuffled, at)] + [[rows]]) == whole
    assert len({row[0] for row in whole}) == len(rows)


@settings(max_examples=12)
@given(anonymous, st.integers(0, 8), st.randoms(use_true_random=False))
def test_calls_without_ids_in_any_files(rows: list[dict[str, Any]], at: int, random: Any) -> None:
    """Calls without ids, identical ones among them, count one each in any order and any files of one command, and only once."""
    whole = imported("calls", [[rows]])
    assert len({row[0] for row in whole}) == len(rows)
    assert imported("calls", [cut(random.sample(rows, len(rows)), at), [rows]]) == whole


@settings(max_examples=12)
@given(log_lines, st.integers(0, 8), st.randoms(use_true_random=False))
def test_log_lines_in_any_order(lines: list[dict[str, Any]], at: int, random: Any) -> None:
    """Claude Code's lines give the same calls in any order, in any files of one command, and again."""
    whole = imported("claude-code", [[lines]])
    assert imported("claude-code", [cut(random.sample(lines, len(lines)), at), [lines]]) == whole
    assert len({row[0] for row in whole}) == len({line["message"]["id"] for line in lines})
