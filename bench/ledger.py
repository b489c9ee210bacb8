"""The 12 questions over growing ledgers, on DuckDB and on ClickHouse's engine in process: one set of SQL, equal answers demanded.

Run: python -m bench ledger. BENCH_LINES sets how many cost lines (default: 1000000,10000000; 50000000 takes about 12 GB of disk).
"""

from __future__ import annotations

import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import clickhouse_connect
import duckdb

from breakeven.economics.periods import parse_period
from breakeven.ledger import Ledger, open_ledger
from breakeven.ledger.clickhouse.facts import ClickHouseFacts
from breakeven.ledger.clickhouse.tables import create_statements
from breakeven.ledger.engine import rollup_calls_select, rollup_costs_select
from breakeven.ledger.schema import FACTS
from breakeven.reports.customers import customers
from breakeven.reports.pnl import pnl
from breakeven.reports.question import Facts, Question
from breakeven.reports.today import today
from breakeven.settings import Settings

SIZES = tuple(int(text) for text in os.environ.get("BENCH_LINES", "1000000,10000000").split(","))
LINES_OF_A_CALL = 2
ROUNDS = 3
NOW = datetime(2026, 10, 31, 12, tzinfo=UTC).replace(tzinfo=None)
SPAN = {"start": "2026-09-01 00:00:00", "middle": "2026-10-01 00:00:00", "end": "2026-11-01 00:00:00"}
WITHIN = "occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP)"

QUESTIONS: Mapping[str, str] = {
    "cost per feature and day": f"""
        SELECT feature, CAST(occurred_at AS DATE) AS day, sum(cost) AS cost FROM cost_lines WHERE {WITHIN} GROUP BY ALL""",
    "customers' margin": f"""
        WITH costs AS (SELECT customer, sum(cost) AS cost FROM cost_lines WHERE {WITHIN} GROUP BY customer),
        earned AS (SELECT customer, sum(amount) AS amount FROM revenue GROUP BY customer)
        SELECT customer, amount - cost AS margin FROM costs JOIN earned USING (customer)""",
    "usage deciles": f"""
        WITH users AS (SELECT user_id, sum(cost) AS cost FROM cost_lines WHERE {WITHIN} GROUP BY user_id),
        ranked AS (
            SELECT cost, (row_number() OVER (ORDER BY cost DESC, user_id) - 1) * 10 // count(*) OVER () AS decile FROM users
        )
        SELECT decile, count(*) AS users, sum(cost) AS cost FROM ranked GROUP BY decile""",
    "exact p99 latency per model": f"""
        SELECT model, quantile_disc(latency_ms, 0.99) AS p99 FROM calls WHERE {WITHIN} GROUP BY model""",
    "price, volume and mix": f"""
        SELECT model, usage_class, occurred_at >= CAST($middle AS TIMESTAMP) AS later, sum(quantity) AS quantity, sum(cost) AS cost
        FROM cost_lines WHERE {WITHIN} GROUP BY ALL""",
    "cohorts": f"""
        WITH firsts AS (SELECT customer, min(CAST(occurred_at AS DATE)) AS first FROM calls GROUP BY customer)
        SELECT date_trunc('month', first) AS cohort, occurred_at >= CAST($middle AS TIMESTAMP) AS later, sum(cost) AS cost
        FROM cost_lines JOIN firsts USING (customer) WHERE {WITHIN} GROUP BY ALL""",
    "rolling 7 days": f"""
        WITH days AS (SELECT CAST(occurred_at AS DATE) AS day, sum(cost) AS cost FROM cost_lines WHERE {WITHIN} GROUP BY day)
        SELECT day, sum(cost) OVER (ORDER BY day ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) AS cost FROM days""",
    "top users": f"""
        SELECT user_id, sum(cost) AS spent FROM cost_lines WHERE {WITHIN} GROUP BY user_id ORDER BY spent DESC, user_id LIMIT 20""",
    "distinct users per feature": f"SELECT feature, count(DISTINCT user_id) AS users FROM calls WHERE {WITHIN} GROUP BY feature",
    "cost percentiles per call": f"""
        WITH each_call AS (SELECT call_id, sum(cost) AS cost FROM cost_lines WHERE {WITHIN} GROUP BY call_id)
        SELECT quantile_disc(cost, 0.5) AS p50, quantile_disc(cost, 0.95) AS p95, quantile_disc(cost, 0.99) AS p99
        FROM each_call""",
    "hours by rung": f"""
        SELECT date_trunc('hour', occurred_at) AS hour, rung, count(*) AS calls FROM calls WHERE {WITHIN} GROUP BY ALL""",
    "filter on a tag": f"""
        SELECT feature, count(*) AS calls FROM calls
        WHERE {WITHIN} AND json_extract_string(tags, '$.plan') = CAST($plan AS VARCHAR) GROUP BY feature""",
}


def main() -> None:
    """Generate, load, ask; a table a size, and the curve."""
    curve: list[tuple[int, Taken, Taken]] = []
    for lines in SIZES:
        with tempfile.TemporaryDirectory(prefix="breakeven-bench-") as folder, _both(Path(folder), lines) as (ours, theirs):
            curve.append((lines, *_questions(ours, theirs, lines)))
            _views(ours, theirs)
    print("\n| lines | DuckDB, 12 questions | CPU per million | ClickHouse engine | CPU per million |\n|---|---|---|---|---|")
    for lines, mine, other in curve:
        each = [f"{taken.wall:.2f} s | {taken.cpu / lines * 1e6:.3f} s" for taken in (mine, other)]
        print(f"| {lines:,} | {each[0]} | {each[1]} |")
    print(f"peak memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


@contextmanager
def _both(folder: Path, lines: int) -> Iterator[tuple[Ledger, ClickHouseFacts]]:
    """The same invented facts in both engines: two months, 8 features, 200 customers, 5,000 users, 3 models."""
    started = time.perf_counter()
    generate(folder / "ledger", lines)
    print(f"\n{lines:,} lines. DuckDB made them in {time.perf_counter() - started:.1f} s, {_size(folder):,.0f} MB")
    with open_ledger(folder / "ledger", write=True) as ledger:
        client = clickhouse_connect.get_client(interface="chdb", path=str(folder / "chdb"))
        with ClickHouseFacts(client, "chdb") as facts:
            before, started = _size(folder), time.perf_counter()
            for statement in create_statements():
                client.command(statement)
            for table in ("calls", "cost_lines", "revenue"):
                _copied(ledger.connection, client, table, folder / f"{table}.parquet")
            print(f"ClickHouse's engine loaded them in {time.perf_counter() - started:.1f} s, {_size(folder) - before:,.0f} MB")
            yield ledger, facts


def generate(root: Path, lines: int) -> None:
    """A new ledger with so many cost lines in its database, rolled up by day."""
    with open_ledger(root, write=True, create=True) as ledger:
        for statement in _generating(lines // LINES_OF_A_CALL):
            ledger.connection.execute(statement)
        ledger.connection.execute(f"INSERT INTO sealed.rollup_costs BY NAME {rollup_costs_select('sealed.cost_lines')}")
        ledger.connection.execute(f"INSERT INTO sealed.rollup_calls BY NAME {rollup_calls_select('sealed.calls')}")
        ledger.connection.execute("CHECKPOINT")


def _copied(connection: duckdb.DuckDBPyConnection, client: Any, table: str, path: Path) -> None:  # noqa: ANN401 - the driver's client
    connection.execute(f"COPY sealed.{table} TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
    with path.open("rb") as content:
        client.raw_insert(table, list(FACTS[table]), content, fmt="Parquet")
    path.unlink()


def _generating(calls: int) -> Iterator[str]:
    micros = 61 * 86_400 * 10**6 // calls
    base = f"""
        SELECT md5_number(i::VARCHAR)::UUID AS call_id, 0 AS attempt,
            TIMESTAMP '2026-09-01' + to_microseconds((i * {micros})::BIGINT) AS occurred_at, occurred_at AS recorded_at,
            'openai' AS provider, ['gpt-4o', 'gpt-5-mini', 'o4-mini'][(1 + hash(i) % 3)::BIGINT] AS model,
            'feature-' || (hash(i * 5) % 8) AS feature, 'team-' || (hash(i * 5) % 4) AS team,
            'customer-' || (hash(i * 7) % 200) AS customer, 'user-' || (hash(i * 11) % 5000) AS user_id,
            ['small', 'mid', 'frontier'][(1 + hash(i) % 3)::BIGINT] AS rung, 'metered' AS state
        FROM range({calls}) AS made(i)"""
    yield f"""
        INSERT INTO sealed.calls BY NAME
        SELECT *, 1 AS call_count, model AS model_requested, 'ok' AS status, (200 + hash(call_id) % 9000)::INTEGER AS latency_ms,
            (1 + hash(user_id) % 4000)::BIGINT AS input_tokens, (1 + hash(customer) % 800)::BIGINT AS output_tokens,
            '{{"plan":"' || ['pro', 'free', 'team', 'trial'][(1 + hash(customer) % 4)::BIGINT] || '"}}' AS tags,
            'import:bench' AS source
        FROM ({base})"""
    for line, (usage_class, price) in enumerate((("input", "0.0000025"), ("output", "0.00001"))):
        yield f"""
            INSERT INTO sealed.cost_lines BY NAME
            SELECT *, {line} AS line, 0 AS part, '{usage_class}' AS usage_class, 'list' AS kind,
                (1 + hash(call_id, {line}) % 4000)::BIGINT AS quantity, {price}::DECIMAL(38,18) AS unit_price,
                quantity::DECIMAL(17,0) * {price}::DECIMAL(21,18) AS cost, 'bench' AS price_version,
                'cost_of_revenue' AS cost_class
            FROM ({base})"""
    yield """
        INSERT INTO sealed.revenue BY NAME
        SELECT uuid() AS revenue_id, TIMESTAMP '2026-09-01' AS recorded_at, TIMESTAMP '2026-09-01' AS period_start,
            TIMESTAMP '2026-11-01' AS period_end, 'customer-' || i AS customer, 1000 * (1 + i % 9) AS amount, 'bench' AS source
        FROM range(200) AS made(i)"""


def _questions(ours: Ledger, theirs: ClickHouseFacts, lines: int) -> tuple[Taken, Taken]:
    """Median time of each question on both, and the sums; answers must be equal."""
    print(f"\n| question over {lines:,} lines | DuckDB | ClickHouse engine |\n|---|---|---|")
    totals = [Taken(0.0, 0.0), Taken(0.0, 0.0)]
    for name, sql in QUESTIONS.items():
        params = {key: value for key, value in {**SPAN, "plan": "pro"}.items() if f"${key}" in sql}
        answers = [sorted(map(str, map(_plain, facts.query(sql, params)))) for facts in (ours, theirs)]
        assert answers[0] == answers[1], name
        taken = [_median(lambda facts=facts, sql=sql, params=params: facts.query(sql, params)) for facts in (ours, theirs)]  # type: ignore[misc] # bound early
        totals = [Taken(total.wall + each.wall, total.cpu + each.cpu) for total, each in zip(totals, taken, strict=True)]
        print(f"| {name} | {taken[0]} | {taken[1]} |")
    print(f"| all | {totals[0]} | {totals[1]} |")
    return totals[0], totals[1]


def _views(ours: Ledger, theirs: ClickHouseFacts) -> None:
    """What the dashboard's pages take, whole reports with words and trail, from rollups."""
    month = Question(parse_period("2026-10", NOW))
    views: Mapping[str, Callable[[Facts], object]] = {
        "today": lambda facts: today(facts, Settings(), month),
        "P&L": lambda facts: pnl(facts, Settings(), month),
        "P&L by customer": lambda facts: pnl(facts, Settings(), Question(month.period, by=("customer",))),
        "customers": lambda facts: customers(facts, Settings(), month, 200),
    }
    print("\n| view | DuckDB | ClickHouse engine |\n|---|---|---|")
    for name, view in views.items():
        taken = [_median(lambda facts=facts, view=view: view(facts)) for facts in (ours, theirs)]  # type: ignore[misc] # bound early
        print(f"| {name} | {taken[0]} | {taken[1]} |")


class Taken(NamedTuple):
    """Seconds, and seconds of CPU of both engines' threads, which another process on the machine changes less."""

    wall: float
    cpu: float

    def __str__(self) -> str:
        """Both in milliseconds."""
        return f"{self.wall * 1e3:,.0f} ms, {self.cpu * 1e3:,.0f} of CPU"


def _median(work: Callable[[], object]) -> Taken:
    taken = []
    for _ in range(ROUNDS):
        started, used = time.perf_counter(), time.process_time()
        work()
        taken.append(Taken(time.perf_counter() - started, time.process_time() - used))
    return statistics.median_low(taken)


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A month is a day or a midnight, by the engine."""
    return tuple(value.date() if isinstance(value, datetime) and value.hour == 0 else value for value in row)


def _size(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


if __name__ == "__main__":
    main()
