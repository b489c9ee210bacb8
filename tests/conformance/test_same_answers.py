"""One query set, two engines: every SQL file and every report, asked of the sample company in DuckDB and in ClickHouse."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping
from datetime import datetime, time
from pathlib import Path
from typing import Any

import pytest

from breakeven.cli.main import run
from breakeven.ledger import Ledger, open_ledger
from breakeven.ledger.clickhouse.dialect import Untranslatable, translated
from breakeven.ledger.clickhouse.facts import ClickHouseFacts
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
)


class Twins:
    """Asks both engines whenever a report asks one, and keeps what they said."""

    def __init__(self, other: ClickHouseFacts) -> None:
        self.other = other
        self.asked: set[str] = set()
        self.differing: dict[str, str] = {}

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
        if "sealed." not in sql:
            found.compare(sql, parameters, rows)
        return rows

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ledger, "query", both)
        yield found


def _comparable(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows in an order of their own; a day is the same day whether or not it says midnight."""

    def cell(value: object) -> object:
        if isinstance(value, datetime) and value.time() == time():
            return value.date()
        return tuple(value) if isinstance(value, list) else value

    return sorted(
        (tuple(cell(value) for value in row) for row in rows), key=lambda row: [(str(type(each)), str(each)) for each in row]
    )


@pytest.fixture(scope="module")
def everything_asked(sample: tuple[Path, ClickHouseAddress], twins: Twins) -> Twins:
    """All reports and all SQL files, once."""
    with open_ledger(sample[0]) as opened, pytest.MonkeyPatch.context() as patch:
        patch.setenv("BREAKEVEN_LEDGER", str(sample[0]))
        call, trace = opened.query("SELECT CAST(max(call_id) AS VARCHAR), max(trace_id) FROM calls WHERE feature IS NOT NULL")[0]
        for command in (*COMMANDS, ("why", call), ("trace", trace), ("policy", "explain", call)):
            assert run([*command]) in (0, 1), command
        for name, params in _DIRECTLY.items():
            opened.query(_filled(name), params)
    return twins


_SPAN = {"start": datetime(2026, 9, 1), "end": datetime(2026, 11, 1)}
_DIRECTLY: dict[str, dict[str, Any]] = {
    "alert_customers": {**_SPAN, "features": [], "customers": [], "line": "100"},
    "alert_gaps": {"start": datetime(2026, 1, 1), "end": datetime(2026, 11, 1)},
    "alert_unpriced": {"start": datetime(2025, 1, 1), "end": datetime(2026, 11, 1)},
    "change_requests": {**_SPAN, "features": [FEATURE, ""], "thresholds": [200_000, 272_000]},
    "change_traffic": {**_SPAN, "features": [FEATURE, ""], "thresholds": [2_000, 8_000]},
    "rungs_of_models": {},
    "tokens_per_character": {},
    "usage_days": {},
    "latest_call": {},
    "watch_calls_hour": {**_SPAN, "customers": ["customer-001", "customer-002"]},
    "watch_costs_hour": {**_SPAN, "customers": []},
}
"""SQL that a report asks only under circumstances that the sample company is not in (a branch, a rule, a learned ratio)."""


def _filled(name: str) -> str:
    return statement(name).replace("{filters}", "").replace("{recorded}", "")


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
    """No report is left out of the comparison, but for the one that needs a repository: its SQL is asked directly."""
    asked = {"today" if not command else command[0] for command in COMMANDS} | {"trace", "why cost", "check"}
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
