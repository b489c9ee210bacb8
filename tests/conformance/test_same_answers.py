"""One query set, two engines: every SQL file and every report, asked of the sample company in DuckDB and in ClickHouse."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, time
from pathlib import Path
from typing import Any

import pytest

from breakeven.cli.main import run
from breakeven.ledger import Ledger, open_ledger
from breakeven.ledger.clickhouse.connection import facts_at
from breakeven.ledger.clickhouse.dialect import Untranslatable, translated
from breakeven.ledger.clickhouse.facts import ClickHouseFacts
from breakeven.ledger.seals import seal
from breakeven.reports import REPORTS
from breakeven.reports.question import statement
from breakeven.settings.clickhouse import ClickHouseAddress

FEATURE = "Contract extraction"
PERIOD = ("--period", "2026-10")
COMMANDS: tuple[tuple[str, ...], ...] = (
    (),
    ("pnl", *PERIOD, "--vs", "previous"),
    ("pnl", "--by", "team,month", "--period", "all"),
    ("pnl", *PERIOD, "--by", "week,environment"),
    ("pnl", *PERIOD, "--by", "user", "--feature", FEATURE),
    ("pnl", "--as-of", "2026-10-15", "--feature", "none"),
    ("pnl", *PERIOD, "--as-recorded"),
    ("units", *PERIOD),
    ("customers", *PERIOD, "--limit", "1000"),
    ("calls", *PERIOD, "--spread", "cost>0.01"),
    ("reconcile", *PERIOD),
    ("scaling", *PERIOD),
    ("scaling", *PERIOD, "--feature", FEATURE),
    ("engagement", *PERIOD),
    ("engagement", *PERIOD, "--by", "user"),
    ("cohorts",),
    ("portfolio", *PERIOD),
    ("calls", *PERIOD, "--limit", "40"),
    ("calls", *PERIOD, "--sort", "time", "--limit", "40"),
    ("calls", *PERIOD, "feature:contract* cost>0.01 -model:gpt*"),
    ("calls", *PERIOD, "tag.plan:none -status:ok", "--sort", "tokens"),
    ("why", "cost", *PERIOD),
    ("why", "margin", *PERIOD),
    ("forecast",),
    ("scenario", "run"),
    ("watch", *PERIOD),
    ("watch", "--at", "2026-07-14T15:00:00Z"),
    ("unpriced", "--period", "all"),
    ("budget", "status"),
    ("policy", "test", *PERIOD),
    ("owner", "list"),
    ("owner", "coverage"),
    ("alerts", "check"),
    ("audit", "list", *PERIOD),
    ("cache", "report", *PERIOD),
    ("report", "finance", *PERIOD),
)


class Twins:
    """Asks both engines whenever a report asks one, and keeps what they said."""

    def __init__(self, other: ClickHouseFacts) -> None:
        self.other = other
        self.asked: set[str] = set()
        self.differing: dict[str, str] = {}
        self.listening = False

    def compare(self, sql: str, params: Mapping[str, Any] | None, rows: list[tuple[Any, ...]]) -> None:
        """Ask ClickHouse too."""
        self.asked.add(sql)
        mine, theirs = _comparable(rows), _comparable(self.other.query(sql, params))
        if mine != theirs:
            first = next((pair for pair in zip(mine, theirs, strict=False) if pair[0] != pair[1]), None)
            self.differing[sql] = f"{len(mine)} rows and {len(theirs)}, first: {first}"


@pytest.fixture(scope="module")
def twins(sample_facts: ClickHouseFacts) -> Iterator[Twins]:
    """Both engines, wherever a report asks its ledger."""
    found = Twins(sample_facts)
    alone = Ledger.query

    def both(self: Ledger, sql: str, parameters: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        rows = alone(self, sql, parameters)
        if found.listening and "sealed." not in sql:
            found.compare(sql, parameters, rows)
        return rows

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ledger, "query", both)
        yield found


class _Statistic(float):
    """A figure that is no money: the same where it is so to 12 digits, on whichever side of a rounding the engines end up."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, float) and math.isclose(self, other, rel_tol=1e-12)

    def __hash__(self) -> int:
        return hash(str(self))

    def __str__(self) -> str:
        return f"{float(self):.9g}"


def _cell(value: object) -> object:
    """A day is the same day whether or not it says midnight; a statistic is the same to 12 digits (money is no float)."""
    if isinstance(value, datetime) and value.time() == time():
        return value.date()
    if isinstance(value, list):
        return tuple(map(_cell, value))
    return _Statistic(value) if isinstance(value, float) else value


def _comparable(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows in an order of their own."""
    return sorted((tuple(map(_cell, row)) for row in rows), key=lambda row: [(str(type(each)), str(each)) for each in row])


@pytest.fixture(scope="module")
def everything_asked(sample: tuple[Path, ClickHouseAddress], twins: Twins, evidence: tuple[Path, ClickHouseAddress]) -> Twins:
    """All reports and all SQL files, once."""
    with open_ledger(evidence[0]) as small, facts_at(evidence[1]) as other:
        sampled, twins.other, twins.listening = twins.other, other, True
        for name, params in _OF_EVIDENCE.items():
            assert small.query(_filled(name), params) != [], name
        twins.other = sampled
    with open_ledger(sample[0]) as opened, pytest.MonkeyPatch.context() as patch:
        patch.setenv("BREAKEVEN_LEDGER", str(sample[0]))
        call, trace = opened.query("SELECT CAST(max(call_id) AS VARCHAR), max(trace_id) FROM calls WHERE feature IS NOT NULL")[0]
        for command in (*COMMANDS, ("why", call), ("trace", trace), ("policy", "explain", call)):
            assert run([*command]) in (0, 1), command
        for name, params in _DIRECTLY.items():
            opened.query(_filled(name), params)
    twins.listening = False
    return twins


_SPAN = {"start": datetime(2026, 9, 1), "end": datetime(2026, 11, 1)}
_DIRECTLY: dict[str, dict[str, Any]] = {
    "alert_customers": {**_SPAN, "features": [], "customers": [], "line": "100"},
    "alert_gaps": {"start": datetime(2026, 1, 1), "end": datetime(2026, 11, 1)},
    "alert_unpriced": {"start": datetime(2025, 1, 1), "end": datetime(2026, 11, 1)},
    "change_requests": {**_SPAN, "features": [FEATURE, ""], "thresholds": [200_000, 272_000]},
    "change_traffic": {**_SPAN, "features": [FEATURE, ""], "thresholds": [2_000, 8_000]},
    "rungs_of_models": {},
    "usage_days": {},
    "latest_call": {},
    "watch_calls_hour": {**_SPAN, "customers": ["customer-001", "customer-002"]},
    "watch_costs_hour": {**_SPAN, "customers": []},
}
"""SQL that a report asks only under circumstances that the sample company is not in (a branch, a rule, a learned ratio)."""


_OF_EVIDENCE: dict[str, dict[str, Any]] = {
    "audit_labelled": {},
    "audit_past": {"feature": "f0"},
    "audit_replayed": {"feature": "f0", "task_class": "c1", "rung": "small", "model": "m1"},
    "audit_replays": {"now": datetime(2026, 12, 1)},
    "audit_tasks": {"now": datetime(2026, 12, 1)},
    "audit_side_by_side": {"feature": "f0", "task_class": "c1"},
    "audit_spend": _SPAN,
    "audit_spend_labelled": {**_SPAN, "templates": ["t0", "t1"], "names": ["n0", "n1"], "found": ["x"], "found_as": ["y"]},
    "ladder": {**_SPAN, "feature": None},
    "ladder_tried": {**_SPAN, "feature": "f1"},
    "prompt_cache": _SPAN,
    "rollout_checks": {
        "feature": "f0", "task_class": "c0", "to": "small", "model": None,
        "since": datetime(2026, 1, 1), "seen_at": datetime(2026, 1, 1), "seen_id": "",
    },
    "rollout_untested": {"feature": "f0", "task_class": "c0", "since": datetime(2026, 1, 1), "tested": ["t1"]},
    "tokens_per_character": {},
    "books_models": _SPAN,
    "close_invoices": _SPAN,
    "close_lines": _SPAN,
    "reconcile_days": {**_SPAN, "providers": ["openai"]},
    "reconcile_largest": {**_SPAN, "providers": ["openai"]},
    "reconcile_metered": {**_SPAN, "providers": ["openai"]},
    "reconcile_owners": {**_SPAN, "providers": ["openai"]},
    "reconcile_posted": {**_SPAN, "providers": ["openai"]},
    "reconcile_unknown": {**_SPAN, "providers": ["openai"]},
    "reconciled": _SPAN,
}  # fmt: skip
"""SQL about ladders, replays and invoices, of which the sample company has few: asked of invented facts of their own."""


@pytest.fixture(scope="module")
def evidence(
    tmp_path_factory: pytest.TempPathFactory, start_clickhouse: Callable[[str], ClickHouseAddress]
) -> tuple[Path, ClickHouseAddress]:
    """400 invented calls of ladders with cost lines, replays and invoiced days, nulls and ties included; sealed and exported."""
    root, address = tmp_path_factory.mktemp("evidence") / "ledger", start_clickhouse("evidence")
    with open_ledger(root, write=True, create=True) as ledger:
        relations = {}
        for table, select in _INVENTED.items():
            ledger.connection.execute(f"CREATE TEMP TABLE invented_{table} AS SELECT * FROM sealed.{table} LIMIT 0")
            ledger.connection.execute(f"INSERT INTO invented_{table} BY NAME {select}")
            relations[table] = f"invented_{table}"
        made = seal(
            ledger.connection, ledger.layout, relations,
            segment=ledger.next_segment(), kind="import", source="import:invented", recorded_at=datetime(2026, 11, 1),
        )  # fmt: skip
        ledger.load(made)
    assert run(["ledger", "export", "--to", str(address), "--ledger", str(root)]) == 0
    return root, address


_INVENTED: dict[str, str] = {
    "calls": """
        SELECT md5_number(i::VARCHAR)::UUID AS call_id, 0 AS attempt, TIMESTAMP '2026-09-01' + i * INTERVAL 1 HOUR AS occurred_at,
            occurred_at AS recorded_at, 'f' || i % 2 AS feature, 'c' || i % 3 AS task_class, 'w' || i % 4 AS workflow,
            't' || i % 3 AS template, 'openai' AS provider, 'm' || i % 2 AS model, 'ok' AS status, 1 AS call_count,
            CASE WHEN i % 3 = 0 THEN 'small' ELSE 'frontier' END AS rung,
            CASE WHEN i % 50 = 7 THEN 'usage_missing' ELSE 'metered' END AS state, i * 3 AS input_tokens,
            i * 11 AS input_characters, i * 7 % 900 AS latency_ms, CASE WHEN i % 7 > 1 THEN i * 0.001 END AS baseline_cost,
            CASE WHEN i % 5 < 3 THEN '[["cache","miss 12"],["small","too \\"long\\", 300 tokens"]]'
                WHEN i % 5 = 3 THEN '[["ladder","control"]]' END AS rungs_tried,
            '{"cacheable_prefix_tokens":"' || i || '"}' AS tags
        FROM range(400) AS made(i)""",
    "cost_lines": """
        SELECT md5_number(i::VARCHAR)::UUID AS call_id, 0 AS attempt, j AS line, 0 AS part,
            TIMESTAMP '2026-09-01' + i * INTERVAL 1 HOUR AS occurred_at, occurred_at AS recorded_at, 'f' || i % 2 AS feature,
            'openai' AS provider, 'm' || i % 2 AS model, ['input', 'cache_read', 'cache_write_5m'][j + 1] AS usage_class,
            'list' AS kind, 'metered' AS state, i * 5 + j AS quantity, 0.000001 * (1 + j) AS unit_price, quantity * 0.000001 AS cost
        FROM range(400) AS made(i), range(3) AS lines(j)""",
    "replays": """
        SELECT md5_number('r' || i)::UUID AS replay_id, TIMESTAMP '2026-10-01' + i // 2 * INTERVAL 1 MINUTE AS recorded_at,
            recorded_at AS occurred_at, 'f' || i % 2 AS feature, 'c' || i % 3 AS task_class,
            md5_number(i::VARCHAR)::UUID AS call_id, 'frontier' AS from_rung, 'small' AS to_rung, 'm1' AS to_model,
            i % 5 > 0 AS agreed, CASE WHEN i % 3 = 0 THEN (i / 400.0)::DECIMAL(9,6) END AS score_strong,
            CASE WHEN i % 3 = 0 THEN (i / 500.0)::DECIMAL(9,6) END AS score_weak, i * 0.0001 AS cost,
            CASE WHEN i % 2 = 0 THEN 'check' ELSE 'audit' END AS kind,
            CASE WHEN i % 4 > 0 THEN 'exact' END AS scored_by, CASE WHEN i % 2 = 0 THEN 0.25 END AS propensity,
            CASE WHEN i % 6 > 0 THEN 't' || i % 2 END AS template
        FROM range(400) AS made(i)""",
    "reconciliations": """
        SELECT md5_number('d' || i)::UUID AS reconciliation_id, TIMESTAMP '2026-11-02' AS recorded_at,
            TIMESTAMP '2026-09-01' + i * INTERVAL 1 DAY AS day, 'openai' AS provider, 'INV-' || i % 2 AS invoice,
            'digest of a file ' || i % 2 AS invoice_digest, i * 0.01 AS metered, i * 0.001 AS adjusted, 'invoice' AS source
        FROM range(12) AS made(i)""",
}


def _filled(name: str) -> str:
    return statement(name).replace("{filters}", "").replace("{recorded}", "").replace("{costs}", "rollup_costs")


def test_every_query_answers_the_same(everything_asked: Twins) -> None:
    """Each query that any report asks gets the same rows from both engines, to the last digit."""
    assert everything_asked.differing == {}


def test_every_sql_file_is_asked(everything_asked: Twins, repository: Path) -> None:
    """No file of the query set is left out of the comparison."""
    files = {
        path.stem: path.read_text("utf-8").splitlines()[0] for path in (repository / "src/breakeven/reports/sql").glob("*.sql")
    }
    assert [name for name, head in files.items() if not any(head in sql for sql in everything_asked.asked)] == []


def test_every_report_is_asked() -> None:
    """No report is left out, but for those that need a repository, a ladder or an invoice: their SQL is asked directly."""
    asked = {"today" if not command else command[0] for command in COMMANDS} | {
        "trace",
        "why cost",
        "check",
        "ladder",
        "reconcile",
        "close",
    }
    assert {report.name for report in REPORTS} - asked == set()


@pytest.mark.parametrize(
    "command",
    [
        ("pnl",),
        ("pnl", "--by", "customer,model"),
        ("customers",),
        ("calls",),
        ("why", "cost"),
        ("units",),
        ("unpriced",),
        ("watch",),
    ],
    ids=" ".join,
)
def test_a_report_prints_the_same_from_either(
    sample: tuple[Path, ClickHouseAddress], tmp_path: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    """With `answers: clickhouse` every command prints the same JSON as without, over the network protocol, trails included."""
    ledger, address = sample
    usual = (ledger / "breakeven.yaml").read_text("utf-8")
    config = tmp_path / "breakeven.yaml"
    (tmp_path / "prices.yaml").write_text((ledger / "prices.yaml").read_text("utf-8"), "utf-8")
    config.write_text(f"{usual}\nledger: {{path: {ledger}, clickhouse: '{address}', answers: clickhouse}}\n", "utf-8")
    assert run([*command, *PERIOD, "--json", "--ledger", str(ledger)]) == 0
    mine = json.loads(capsys.readouterr().out)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ledger, "query", lambda *_: pytest.fail("the DuckDB file was asked"))
        assert run([*command, *PERIOD, "--json", "--ledger", str(ledger), "--config", str(config)]) == 0
    assert json.loads(capsys.readouterr().out) == mine


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT median(cost) FROM calls",
        "SELECT approx_count_distinct(user_id) FROM calls",
        "SELECT quantile_cont(cost, 0.5) FROM calls",
        "SELECT CAST(cost AS INTERVAL) FROM calls",
    ],
)
def test_nothing_becomes_approximate_in_silence(sql: str) -> None:
    """What ClickHouse answers only roughly, or in a type of its own, is refused before it is asked."""
    with pytest.raises(Untranslatable):
        translated(sql, {})


def test_parameters_are_typed_and_never_part_of_the_text() -> None:
    """A value stands in the parameters alone, as often as the query casts it to another type."""
    text, values = translated(
        "SELECT 1 FROM calls WHERE occurred_at >= CAST($start AS TIMESTAMP) AND CAST(occurred_at AS DATE) >= CAST($start AS DATE)"
        " AND feature = CAST($name AS VARCHAR)",
        {"start": datetime(2026, 10, 1), "name": "x' OR 1=1"},
    )
    assert "OR 1=1" not in text
    assert sorted(map(str, values.values())) == ["2026-10-01", "2026-10-01 00:00:00.000000", "x' OR 1=1"]


def test_the_docstring_of_reports_holds() -> None:
    """A report needs of its ledger only `query`: what ClickHouse's facts offer besides is opening and closing."""
    offered = {name for name, _ in inspect.getmembers(ClickHouseFacts, inspect.isfunction) if not name.startswith("_")}
    assert offered == {"query", "close"}
