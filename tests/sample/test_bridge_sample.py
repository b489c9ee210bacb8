"""The bridge and unit costs on the sample company: the planted drivers and costs of October are found and said."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from breakeven.cli.main import run

FEATURE = "Contract extraction"


def _said(capsys: pytest.CaptureFixture[str], demo: Path, *arguments: str) -> Any:
    capsys.readouterr()
    assert run([*arguments, "--ledger", str(demo), "--period", "2026-10", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_what_moved_contract_extraction_is_found(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Volume, mix, tokens and price moved its cost in October: in this order, with these words, exactly +10,380."""
    found = _said(capsys, demo, "why", "cost", "--feature", FEATURE)
    assert round(Decimal(found["change"])) == 10_380
    assert sum(Decimal(bar["change"]) for bar in found["bars"]) == Decimal(found["change"])
    assert [bar["name"] for bar in found["bars"][:4]] == ["volume", "mix", "tokens per call", "discounts"]
    words = {bar["name"]: bar["detail"] for bar in found["bars"]}
    assert words["volume"] == "41,200 outcomes, up from 27,300"
    assert words["mix"] == "frontier share of calls 38% → 55%"
    assert words["tokens per call"].endswith("mostly reasoning")
    assert words["discounts"].endswith("from 12 Oct")


def test_the_whole_ties_to_the_pnl_and_names_the_feature(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The bridge of everything is the P&L's change of cost, and its branch of the feature is the feature's own bridge."""
    whole = _said(capsys, demo, "why", "cost")
    books = _said(capsys, demo, "pnl", "--vs", "previous")
    assert whole["change"] == books["total"]["cost_change"]
    branch = next(node for node in whole["tree"] if node["name"] == FEATURE)
    own = _said(capsys, demo, "why", "cost", "--feature", FEATURE)
    assert [(bar["name"], bar["change"]) for bar in branch["bars"]] == [(bar["name"], bar["change"]) for bar in own["bars"]]
    assert FEATURE in whole["sentence"]


def test_the_margin_adds_value(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The margin's bridge is the P&L's change of contribution; more value volume and more cost of volume are told apart."""
    margin = _said(capsys, demo, "why", "margin")
    books = _said(capsys, demo, "pnl", "--vs", "previous")
    assert margin["change"] == books["total"]["change"]["contribution"]
    assert {"value volume", "cost of volume"} <= {bar["name"] for bar in margin["bars"]}


def test_unit_costs_are_the_planted_ones(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A document costs $0.486 and more per success; the feature breaks even at 0.92 times today's prices; its interval is told."""
    found = _said(capsys, demo, "units")
    row = next(row for row in found["rows"] if row["feature"] == FEATURE)
    assert round(Decimal(row["per_outcome"]["cost"]), 3) == Decimal("0.486")
    assert Decimal(row["per_success"]["cost"]) > Decimal(row["per_outcome"]["high"])
    assert round(row["breakeven"]["price"]["factor"], 2) == 0.92
    assert row["per_outcome"]["clusters"] >= 100
    assert f"{FEATURE} costs $0.486 an outcome" in found["sentence"]
    assert Decimal(found["total"]["failure"]["cost"]) == sum(Decimal(one["failure"]["cost"]) for one in found["rows"])
