"""A ledger written in a test as readable text."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from breakeven.ledger import engine, numbering, schema
from breakeven.settings import Settings, load_settings

SECTIONS = ("calls", "outcomes", "revenue", "customers")
SHORT = {
    "user": "user_id",
    "trace": "trace_id",
    "time": "occurred_at",
    "tokens": "input_tokens",
    "count": "call_count",
    "class": "cost_class",
}

USUAL: dict[str, Any] = {
    "attempt": 0,
    "line": 1,
    "part": 0,
    "call_count": 1,
    "provider": "openai",
    "model": "gpt-4o",
    "status": "ok",
    "input_tokens": 1000,
    "usage_class": "input",
    "kind": "list",
    "cost_class": "cost_of_revenue",
}


class TextLedger:
    """Facts of a text in the ledger's own tables, rollups by its own rules; answers `query` as a ledger does."""

    def __init__(self, text: str = "") -> None:
        self.connection = duckdb.connect(":memory:")
        self.reads: list[str] = []
        engine.create_tables(self.connection)
        header: list[str] = []
        section = "calls"
        for number, line in enumerate(text.strip().splitlines()):
            words = re.split(r"\s{2,}", line.strip())
            if words[0] in SECTIONS and len(words) == 1:
                section, header = words[0], []
            elif line.strip() and not header:
                header = [SHORT.get(word, word) for word in words]
            elif line.strip():
                values = {name: None if word in ("-", "?") else word for name, word in zip(header, words, strict=True)}
                getattr(self, f"add_{section}")(values, number)
        self.roll_up()

    def query(self, sql: str, params: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Rows of `sql`, as of a ledger."""
        self.reads.append(sql)
        return self.connection.execute(sql, dict(params or {})).fetchall()

    def insert(self, table: str, values: Mapping[str, Any]) -> None:
        """One row of a fact."""
        known = {name: value for name, value in values.items() if name in schema.FACTS[table]}
        sql = f"INSERT INTO sealed.{table} ({', '.join(known)}) VALUES ({', '.join('?' * len(known))})"
        self.connection.execute(sql, list(known.values()))

    def add_calls(self, values: Mapping[str, Any], number: int) -> None:
        """One call with one line: state metered where a cost is written, unpriced where it is `?`."""
        cost = values.get("cost")
        priced = (
            {"state": "metered", "price_version": "list-1"} if cost is not None else {"state": "unpriced", "price_version": None}
        )
        row = {**USUAL, **priced, "recorded_at": values["occurred_at"], **values}
        row["call_id"] = values.get("call") or unique(number)
        row["reason"] = "no price for this model" if row["state"] == "unpriced" else None
        row["quantity"] = row["input_tokens"]
        row["unit_price"] = None if cost is None else f"{float(cost) / float(row['quantity']):.18f}"
        self.insert("calls", row)
        self.insert("cost_lines", row)

    def add_outcomes(self, values: Mapping[str, Any], number: int) -> None:
        """One outcome of quantity 1 unless written."""
        row = {"outcome_id": unique(number), "quantity": 1, "recorded_at": values["occurred_at"], **values}
        self.insert("outcomes", row)

    def add_revenue(self, values: Mapping[str, Any], number: int) -> None:
        """Revenue from `from` to `to` (excluded)."""
        span = {"period_start": values["from"], "period_end": values["to"]}
        row = {"revenue_id": unique(number), "recorded_at": values["from"], **span, **values}
        self.insert("revenue", row)

    def add_customers(self, values: Mapping[str, Any], number: int) -> None:
        """One customer row."""
        self.insert("customers", {"customer_row_id": unique(number), "recorded_at": "2026-01-01", **values})

    def restate(self, call: str, cost: str, recorded_at: str = "2026-11-05") -> None:
        """The call's line reversed and replaced, as a restatement of the ledger does it."""
        self.connection.execute(f"""
            INSERT INTO sealed.cost_lines
            SELECT * REPLACE (line + {numbering.REVERSAL} AS line, line AS adjustment_of, -quantity AS quantity, -cost AS cost,
                TIMESTAMP '{recorded_at}' AS recorded_at)
            FROM sealed.cost_lines WHERE call_id = '{call}'
            UNION ALL
            SELECT * REPLACE (line + {numbering.GENERATION} AS line, {cost} AS cost, 'metered' AS state, 'list-2' AS price_version,
                'restated' AS reason, TIMESTAMP '{recorded_at}' AS recorded_at)
            FROM sealed.cost_lines WHERE call_id = '{call}'""")
        self.connection.execute(f"UPDATE sealed.calls SET state = 'metered' WHERE call_id = '{call}'")
        self.roll_up()

    def roll_up(self) -> None:
        """The daily rollups, as the ledger keeps them."""
        for rollup, rows in (
            ("rollup_costs", engine.rollup_costs_select("sealed.cost_lines")),
            ("rollup_calls", engine.rollup_calls_select("sealed.calls")),
        ):
            self.connection.execute(f"DELETE FROM sealed.{rollup}")
            self.connection.execute(f"INSERT INTO sealed.{rollup} BY NAME {rows}")


def unique(number: int) -> str:
    return hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()


@pytest.fixture(scope="session")
def ledger_from_text() -> Callable[[str], TextLedger]:
    """Builds a ledger from text: sections `calls` (first, unnamed), `outcomes`, `revenue`, `customers`; two spaces part columns."""
    return TextLedger


@pytest.fixture
def settings_from_text(tmp_path: Path) -> Callable[[str], Settings]:
    """Reads the settings that a text of `breakeven.yaml` declares."""

    def read(text: str) -> Settings:
        path = tmp_path / "breakeven.yaml"
        path.write_text(text)
        return load_settings(path)

    return read


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, object], None]:
    """Compares a report's JSON with `golden/<name>.json`; BREAKEVEN_REWRITE_GOLDEN=1 writes it instead."""

    def compare(name: str, report: object) -> None:
        path = Path(request.path).parent / "golden" / f"{name}.json"
        text = msgspec.json.format(msgspec.json.encode(report), indent=1).decode() + "\n"
        if os.environ.get("BREAKEVEN_REWRITE_GOLDEN"):
            path.write_text(text)
        assert json.loads(text) == json.loads(path.read_text())

    return compare
