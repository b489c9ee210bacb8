"""What may be written about budgets and limits, what it means, and what is told about everything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from breakeven.economics.money import ATTO
from breakeven.errors import ConfigError
from breakeven.governance.budgets import Budget, Raise, Threshold
from breakeven.governance.spans import Calendar, Lifetime, Rolling
from breakeven.settings import load_settings


def budgets(tmp_path: Path, text: str) -> dict[str, Budget]:
    """The limits of a configuration, by id."""
    path = tmp_path / "breakeven.yaml"
    path.write_text(text)
    return {each.id: each for each in load_settings(path).budgets}


def told(tmp_path: Path, text: str) -> str:
    """What is told about a faulty configuration."""
    with pytest.raises(ConfigError) as fault:
        budgets(tmp_path, text)
    return "\n".join(str(problem) for problem in fault.value.problems)


def test_a_budget_of_many_fields(tmp_path: Path) -> None:
    """Every field becomes its typed value; thresholds stand in order."""
    found = budgets(
        tmp_path,
        """
budgets:
  quarter:
    scope: {feature: [a, b], environment: production}
    per: [customer, user]
    limit: "$12,500.50"
    period: quarter
    time_zone: Europe/Berlin
    fiscal_year_starts: 2
    owner: ann
    mode: bounded
    overshoot: $100
    quantile: 0.9
    unknown_price: cap
    cap: "0.25"
    enforce: false
    status: 429
    thresholds: [{at: 95%, do: throttle, calls: 30 per 30s}, {at: 80%}]
    raises: [{by: $500, reason: launch, author: bob, from: 2026-11-01, until: 2026-12-01T00:00:00+01:00}]
""",
    )["quarter"]
    assert found == Budget(
        id="quarter",
        measure="usd",
        limit=12_500_500 * ATTO // 1_000,
        span=Calendar("quarter", "Europe/Berlin", 2),
        owner="ann",
        scope=(("feature", ("a", "b")), ("environment", ("production",))),
        per=("customer", "user"),
        mode="bounded",
        overshoot=100 * ATTO,
        quantile=0.9,
        unknown_price="cap",
        cap=ATTO // 4,
        enforced=False,
        thresholds=(Threshold(8_000, "notify"), Threshold(9_500, "throttle", 60)),
        raises=(Raise(500 * ATTO, "launch", "bob", 1_796_079_600.0, 1_793_491_200.0),),
        status=429,
        place="breakeven.yaml:4",
    )


@pytest.mark.parametrize(
    ("written", "measure", "amount"),
    [
        ("5M tokens", "tokens", 5_000_000),
        ("1000 calls", "calls", 1_000),
        ("12.5", "usd", 12_500 * ATTO // 1_000),
        ("$2k", "usd", 2_000 * ATTO),
    ],
)
def test_limits_have_units(tmp_path: Path, written: str, measure: str, amount: int) -> None:
    """Dollars, tokens and calls, with k, M and B."""
    found = budgets(tmp_path, f"budgets: {{x: {{limit: {written}, period: lifetime}}}}")["x"]
    assert (found.measure, found.limit, found.span) == (measure, amount, Lifetime())


def test_a_feature_has_a_budget_of_its_own(tmp_path: Path) -> None:
    """It covers that feature and is the feature's owner's."""
    found = budgets(tmp_path, "features: {search: {owner: web, budget: {limit: 100, period: rolling 7d}}}")["feature search"]
    assert (found.scope, found.owner, found.span) == ((("feature", ("search",)),), "web", Rolling(604_800.0))


def test_a_limit_becomes_one_account_for_each_thing_it_limits(tmp_path: Path) -> None:
    """Calls and tokens are rolling rates, calls at once have no window; all are refused with 429."""
    found = budgets(tmp_path, "limits: {burst: {per: customer, calls: 100 per minute, tokens: 2M per 1h, at_once: 20}}")
    assert {name: (each.kind, each.limit, each.span, each.status) for name, each in found.items()} == {
        "burst/calls": ("rate", 100, Rolling(60.0), 429),
        "burst/tokens": ("rate", 2_000_000, Rolling(3_600.0), 429),
        "burst/at_once": ("concurrency", 20, Lifetime(), 429),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("budgets: {x: {period: month}}", "limit is missing"),
        ("budgets: {x: {limit: much, period: month}}", "Write an amount: $20,000 or 5M tokens or 1000 calls"),
        ("budgets: {x: {limit: 5, period: fortnight}}", "Write one of hour, day, week"),
        ("budgets: {x: {limit: 5, period: rolling 0s}}", "at least a second"),
        ("budgets: {x: {limit: 5}}", "period is missing"),
        ("budgets: {x: {limit: 5, period: day, time_zone: Europe/Berln}}", "Did you mean Europe/Berlin?"),
        ("budgets: {x: {limit: 5, period: day, scope: {planet: mars}}}", "unknown field 'planet'"),
        ("budgets: {x: {limit: 5, period: day, per: planet}}", "there is no dimension 'planet'"),
        ("budgets: {x: {limit: 5, period: day, overshoot: 5%}}", "overshoot belongs to `mode: bounded`"),
        ("budgets: {x: {limit: 5, period: day, unknown_price: cap}}", "cap is missing"),
        ("budgets: {x: {limit: 5, period: day, thresholds: [{at: 120%}]}}", "above 0 and at most 100"),
        ("budgets: {x: {limit: 5, period: day, thresholds: [{at: 90%, do: throttle}]}}", "throttle needs a rate"),
        ("budgets: {x: {limit: 5, period: day, raises: [{by: 5, until: 2026-12-01}]}}", "reason is missing"),
        ("budgets: {x: {limit: 1.5 tokens, period: day}}", "Write a whole number"),
        ('budgets: {"!": {limit: 5, period: day}}', "a budget cannot be called '!'"),
        ("limits: {x: {per: customer}}", "it limits nothing"),
        ("limits: {x: {calls: 100}}", "Write how many in which time"),
        ("gateway: {accounts: {redis: http://x}}", "Write an address: redis://host:6379/0"),
        ('gateway: {accounts: {redis: "redis://:pw@host"}}', "redis holds a password"),
        ("gateway: {accounts: {redis: redis://x, redis_env: R}}", "Leave one of the two out"),
    ],
)
def test_faults_are_told_with_file_line_and_remedy(tmp_path: Path, text: str, message: str) -> None:
    """Whatever cannot be understood says where it stands and what to write instead."""
    said = told(tmp_path, text)
    assert message in said
    assert "breakeven.yaml:1" in said
