"""How fast live facts are committed to a ledger that readers ask all the while, and how long the readers wait.

Run: python -m bench commits. BENCH_LINES sets how many cost lines the ledger has before (default 10000000).
"""

from __future__ import annotations

import os
import resource
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb

from bench.ledger import NOW, generate
from breakeven.economics.periods import parse_period
from breakeven.ledger.layout import Layout
from breakeven.ledger.live import commit_segments, seal_closed
from breakeven.ledger.schema import LINE_NAMES
from breakeven.reports.calls import Page, calls
from breakeven.reports.pnl import pnl
from breakeven.reports.question import Facts, Question
from breakeven.reports.today import today
from breakeven.service.books import Books
from breakeven.settings import Settings

LINES = int(os.environ.get("BENCH_LINES", "10000000").split(",", maxsplit=1)[0])
SEGMENTS, CALLS_OF_A_SEGMENT, LINES_OF_AN_ATTEMPT = 20, 20_000, 3
SEALED_AFTER = 5
"""Segments after which the closed ones are sealed to Parquet: at this rate about as often as the bookkeeper seals."""
READERS = (0, 1, 2)
_EPOCH = "019f1a6c-0000"
"""How ids of calls begin in the last days of October 2026 (UUIDv7)."""
MONTH = Question(parse_period("2026-10", NOW))
VIEWS: Mapping[str, Callable[[Facts], object]] = {
    "P&L": lambda facts: pnl(facts, Settings(), MONTH),
    "today": lambda facts: today(facts, Settings(), MONTH),
    "latest calls": lambda facts: calls(facts, MONTH.period, "", Page("time")),
}


def main() -> None:
    """Commit the same number of calls beside no reader, one and two."""
    with tempfile.TemporaryDirectory(prefix="breakeven-bench-") as folder:
        root = Path(folder) / "ledger"
        generate(root, LINES)
        print(f"\n{LINES:,} lines before; {SEGMENTS * CALLS_OF_A_SEGMENT:,} calls of {LINES_OF_AN_ATTEMPT} lines committed a row\n")
        print(f"| Readers | Lines/s | sealed, lines/s | Longest commit | {' | '.join(VIEWS)} |")
        print(f"|---|---|---|---|{'---|' * len(VIEWS)}")
        for number, readers in enumerate(READERS):
            _round(root, number, readers)
        print(f"\npeak memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


def _round(root: Path, number: int, readers: int) -> None:
    books, stop = Books(root), threading.Event()
    taken: dict[str, list[float]] = {name: [] for name in VIEWS}
    threads = [threading.Thread(target=_read, args=(books, stop, taken), daemon=True) for _ in range(readers)]
    for thread in threads:
        thread.start()
    commits: list[float] = []
    sealing = 0.0
    for segment in range(SEGMENTS):
        _write_segment(root, number * SEGMENTS + segment)
        ledger = books.to_write(time.monotonic())
        started = time.perf_counter()
        done = commit_segments(ledger)
        commits.append(time.perf_counter() - started)
        books.committed()
        assert done.lines_added == CALLS_OF_A_SEGMENT * LINES_OF_AN_ATTEMPT
        if segment % SEALED_AFTER == SEALED_AFTER - 1:
            started = time.perf_counter()
            seal_closed(ledger)
            sealing += time.perf_counter() - started
    stop.set()
    for thread in threads:
        thread.join()
    books.let_go()
    lines = SEGMENTS * CALLS_OF_A_SEGMENT * LINES_OF_AN_ATTEMPT
    rate, sealed = lines / sum(commits), lines / (sum(commits) + sealing)
    waits = [f"{statistics.median(each):.2f} s" if each else "" for each in taken.values()]
    print(f"| {readers} | {rate:,.0f} | {sealed:,.0f} | {max(commits):.2f} s | {' | '.join(waits)} |", flush=True)


def _read(books: Books, stop: threading.Event, taken: dict[str, list[float]]) -> None:
    while not stop.is_set():
        for name, view in VIEWS.items():
            started = time.perf_counter()
            with books.reading() as ledger:
                view(ledger)
            taken[name].append(time.perf_counter() - started)


def _write_segment(root: Path, number: int) -> None:
    """A closed segment as a gateway leaves it: attempts with their lines inside."""
    first = number * CALLS_OF_A_SEGMENT
    values = {
        "number": "line", "model": "'gpt-4o'", "usage_class": "['input', 'output', 'cache_read'][1 + line]",
        "price_version": "'bench'", "quantity": "1 + hash(i, line) % 4000", "unit_price": "'0.0000025'",
        "cost": "((1 + hash(i, line) % 4000) * 0.0000025)::DECIMAL(38,18)::VARCHAR",
    }  # fmt: skip
    inside = ", ".join(f"{LINE_NAMES[name]} := {value}" for name, value in values.items())
    lines = f"list_transform(range({LINES_OF_AN_ATTEMPT}), lambda line: struct_pack({inside}))"
    select = f"""
        SELECT 'attempts' AS fact, '{_EPOCH}-7000-8000-' || printf('%012x', i) AS call_id,
            0 AS attempt, TIMESTAMP '2026-10-30' + to_milliseconds(i) AS occurred_at, occurred_at AS recorded_at,
            'openai' AS provider, 'gpt-4o' AS model, 'ok' AS status, 'metered' AS state,
            300 AS latency_ms, 1000 AS input_tokens, 100 AS output_tokens,
            'feature-' || (hash(i * 5) % 8) AS feature, 'team-' || (hash(i * 5) % 4) AS team,
            'customer-' || (hash(i * 7) % 200) AS customer, 'user-' || (hash(i * 11) % 5000) AS user_id,
            'cost_of_revenue' AS cost_class, 'gateway' AS source, {lines} AS lines
        FROM range({first}, {first + CALLS_OF_A_SEGMENT}) AS made(i)"""
    target = Layout(root).closed_segments / f"{number:020d}-bench.ndjson"
    draft = target.with_suffix(".draft")
    with duckdb.connect() as engine:
        engine.execute(f"COPY ({select}) TO '{draft}' (FORMAT json)")
    draft.rename(target)


if __name__ == "__main__":
    main()
