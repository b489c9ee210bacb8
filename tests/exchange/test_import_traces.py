"""The real traces, imported by one command each, give the counts and sums that were computed beforehand."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

SUMS = "SELECT sum(call_count), sum(input_tokens), sum(output_tokens) FROM calls"


@pytest.fixture
def expected(shared_data: Path) -> dict[str, Any]:
    """Exact counts and sums of each trace."""
    figures: dict[str, Any] = json.loads((shared_data / "expected.json").read_text())
    return figures


def test_two_services_are_two_features(desk: Any, shared_data: Path, expected: dict[str, Any]) -> None:
    """The Azure trace gives each service's calls, tokens and dollars exactly, as features."""
    figures = expected["azure_llm_2023"]
    trace = shared_data / "traces" / "azure_llm_2023.parquet"
    answer = desk.bring("calls", trace, "--map", "feature=service", "--provider", "openai", "--model", "gpt-4o")
    assert (answer.code, answer.summary["calls_added"], answer.summary["cost"]) == (0, figures["rows"], figures["usd_2.50_10"])
    found = desk.rows(
        """SELECT feature, count(DISTINCT call_id), sum(quantity) FILTER (WHERE usage_class = 'input'),
        sum(quantity) FILTER (WHERE usage_class = 'output'), sum(cost) FROM cost_lines GROUP BY feature ORDER BY feature"""
    )
    by = figures["by"]
    assert [(name, rows, tokens_in, tokens_out, cost) for name, rows, tokens_in, tokens_out, cost in found] == [
        (name, by[name]["rows"], by[name]["input_tokens"], by[name]["output_tokens"], Decimal(by[name]["usd"]))
        for name in ("code", "conv")
    ]
    assert desk.holds()


def test_relative_times_count_from_an_origin(desk: Any, shared_data: Path, expected: dict[str, Any]) -> None:
    """The Mooncake trace has milliseconds from a start that must be said; then its sums are exact."""
    figures = expected["mooncake_synthetic"]
    trace = shared_data / "traces" / "mooncake_synthetic.parquet"
    options = ("--provider", "openai", "--model", "gpt-4o")
    refused = desk.bring("calls", trace, *options)
    assert refused.code == 3
    assert "ts_ms holds relative times" in refused.told
    assert "--at-origin" in refused.told
    answer = desk.bring("calls", trace, *options, "--at-origin", "2026-01-01T00:00:00Z")
    assert (answer.code, answer.summary["cost"]) == (0, figures["usd_2.50_10"])
    assert desk.rows(SUMS) == [(figures["rows"], figures["input_tokens"], figures["output_tokens"])]
    assert desk.rows("SELECT min(occurred_at)::VARCHAR FROM calls") == [("2026-01-01 00:00:00",)]


def test_cost_of_a_solved_task(desk: Any, shared_data: Path, expected: dict[str, Any]) -> None:
    """The airline agent costs $0.086 a run and $0.176 a solved task: one outcome for each run, taken from the same file."""
    figures = expected["tau_airline"]
    trace = shared_data / "traces" / "tau_airline_calls.parquet"
    at = ("--at", "2024-08-01T00:00:00Z", "--feature", "airline")
    answer = desk.bring("calls", trace, *at, "--provider", "openai", "--model", "gpt-4o")
    assert (answer.code, answer.summary["cost"]) == (0, figures["usd_2.50_10"])
    assert desk.rows(SUMS) == [(figures["rows"], figures["input_tokens"], figures["output_tokens"])]
    for added in (100, 0):
        assert desk.bring("outcomes", trace, *at, "--distinct", "run").summary["facts_added"].get("outcomes", 0) == added
    code, out, _ = desk.run("pnl", "--period", "all", "--json")
    total = json.loads(out)["total"]
    assert code == 0
    assert (total["outcomes"], round(Decimal(total["cost"]) / 100, 3)) == (100, Decimal("0.086"))
    assert round(Decimal(total["cost_per_successful_outcome"]), 3) == Decimal("0.176")


def test_the_coding_agent_trace_is_its_logs(desk: Any, shared_data: Path, expected: dict[str, Any]) -> None:
    """The table of Claude Code calls, columns guessed, gives the bill of the logs to the last digit."""
    figures = expected["claude_code"]
    answer = desk.bring("calls", shared_data / "traces" / "claude_code_calls.parquet")
    assert (answer.code, answer.summary["calls_added"]) == (0, figures["distinct_calls"])
    assert answer.summary["cost"] == figures["usd_at_list_assumed"]


def test_hourly_aggregates_with_unknown_usage(desk: Any, shared_data: Path) -> None:
    """237 million requests of 162 clients; where the source has no means, the usage is unknown: 37% of m-large, never 0."""
    trace = shared_data / "traces" / "servegen_client_hours.parquet"
    answer = desk.bring("aggregates", trace, "--at-origin", "2025-09-01T00:00:00Z")
    assert (answer.code, answer.summary["calls_added"]) == (0, 20_388)
    found = desk.rows("SELECT model, state, sum(call_count)::BIGINT, count(DISTINCT customer) FROM calls GROUP BY ALL ORDER BY ALL")
    requests = {(model, state): count for model, state, count, _ in found}
    large = requests["m-large", "unpriced"] + requests["m-large", "usage_missing"]
    assert round(large / 1e6) == 237
    assert round(requests["m-large", "usage_missing"] / large, 2) == 0.37
    assert answer.summary["requests_added"] == sum(requests.values())
    assert sum(each["calls"] for each in answer.summary["unpriced"]) == large
    assert desk.rows(
        "SELECT count(*) FROM cost_lines WHERE state = 'usage_missing' AND (cost IS NOT NULL OR quantity IS NOT NULL)"
    ) == [(0,)]
    assert desk.rows("SELECT sum(cost) > 1000 FROM cost_lines WHERE provider = 'deepseek'") == [(True,)]


def test_a_table_of_means_needs_no_other_format(desk: Any, shared_data: Path) -> None:
    """`import calls` takes hourly means for what they are: the same facts as `import aggregates`, so the second adds nothing."""
    path = shared_data / "traces" / "servegen_client_hours.parquet"
    options = ("--at-origin", "2025-01-01T00:00:00Z", "--provider", "alibaba")
    first = desk.bring("calls", path, *options).summary
    again = desk.bring("aggregates", path, *options).summary
    assert (first["calls_added"], again["calls_added"], again["duplicates"]) == (20_388, 0, 20_388)
