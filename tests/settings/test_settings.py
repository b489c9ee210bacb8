"""The configuration file."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.economics.allocation import FixedCost
from breakeven.economics.cost_class import CostClassRule
from breakeven.economics.money import ATTO
from breakeven.economics.value import AvoidedCost, EventValue, RevenueShare, TimeSaved, UnitPrice
from breakeven.errors import ConfigError, Problem, Unreachable
from breakeven.settings import SECTIONS, Settings, load_settings

WHOLE = """
ledger: books
prices:
  overlay: [prices.yaml, more.yaml]
providers:
  openai: {api_key_env: OPENAI_KEY}
features:
  support:
    owner: care
    unit: ticket
    margin_floor: 0.4
    quality_floor: "0.98"
    budget: {limit: 100, period: month}
    value:
      - {id: a, kind: unit_price, price: "0.65", counts: successful, grade: B, from: 2026-01-01, to: 2026-07-01, owner: finance}
      - {id: a, kind: unit_price, price: 0.70, version: 2, from: 2026-07-01}
      - {kind: time_saved, baseline_minutes: 12, review_minutes: 2.5, hourly_rate: "45"}
      - {kind: event_value, counts: all}
      - {kind: avoided_cost, avoided: "1.20", baseline: the large model}
  search:
    value: {kind: revenue, share: weights, weight: 3, portion: "0.2", plans: pro, grade: A}
cost_classes:
  - {class: research, environment: staging, from: "2026-03-01T00:00:00+01:00", to: 2027-01-01}
fixed_costs:
  - {id: gpu, amount: "1200", currency: USD, from: 2026-01-01, per: month, driver: weights, weights: {support: 2, search: 1}}
  - {id: ptu, amount: "90", from: 2026-01-01, to: 2026-04-01, provider: azure, cost_class: operating, owner: ops}
budgets:
  support: {limit: 500, period: month}
web: {locale: de}
keys: {note: later}
"""


def load(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "breakeven.yaml"
    path.write_text(text)
    return load_settings(path)


def faults(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    return [f"{problem.where.rpartition('/')[2]}: {problem.what}. {problem.remedy}" for problem in caught.value.problems]


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_without_a_file_the_defaults_hold() -> None:
    """No configuration is a configuration."""
    assert load_settings(None) == Settings()


def test_an_empty_file_is_the_defaults_of_that_file(tmp_path: Path) -> None:
    """A file of comments only configures nothing."""
    assert load(tmp_path, "# nothing yet\n") == Settings(config=tmp_path / "breakeven.yaml")


def test_a_missing_file_is_unreachable(tmp_path: Path) -> None:
    """A named file that does not exist is not silently the default."""
    with pytest.raises(Unreachable):
        load_settings(tmp_path / "none.yaml")


def test_every_section_becomes_frozen_values(tmp_path: Path) -> None:
    """Paths are beside the file, money is exact, dates are UTC, defaults are stated ones."""
    settings = load(tmp_path, WHOLE)
    assert settings.ledger == tmp_path / "books"
    assert settings.overlays == (tmp_path / "prices.yaml", tmp_path / "more.yaml")
    assert settings.gateway.providers["openai"].api_key_env == "OPENAI_KEY"
    support, search = settings.features["support"], settings.features["search"]
    assert (support.owner, support.unit, support.margin_floor, support.quality_floor) == (
        "care",
        "ticket",
        Decimal("0.4"),
        Decimal("0.98"),
    )
    common: dict[str, Any] = {"feature": "support", "owner": "care"}
    assert support.values == (
        UnitPrice(
            id="a",
            feature="support",
            owner="finance",
            grade="B",
            since=instant("2026-01-01"),
            until=instant("2026-07-01"),
            price=65 * ATTO // 100,
            counted="successful",
        ),
        UnitPrice(id="a", **common, version="2", since=instant("2026-07-01"), price=7 * ATTO // 10),
        TimeSaved(
            id="support/time_saved",
            **common,
            baseline_minutes=Decimal(12),
            ai_minutes=Decimal(0),
            review_minutes=Decimal("2.5"),
            hourly_rate=45 * ATTO,
            realisation=Decimal("0.5"),
        ),
        EventValue(id="support/event_value", **common, counted="all"),
        AvoidedCost(id="support/avoided_cost", **common, avoided=12 * ATTO // 10, baseline="the large model"),
    )
    assert search.values == (
        RevenueShare(
            id="search/revenue", feature="search", grade="A", driver="weights", weight=3 * ATTO, portion=ATTO // 5, plans=("pro",)
        ),
    )
    assert settings.values == support.values + search.values
    assert settings.cost_classes == (
        CostClassRule("research", environment="staging", since=instant("2026-02-28T23:00"), until=instant("2027-01-01")),
    )
    assert settings.fixed_costs == (
        FixedCost(
            "gpu",
            1200 * ATTO,
            instant("2026-01-01"),
            per="month",
            driver="weights",
            weights={"support": 2 * ATTO, "search": ATTO},
        ),
        FixedCost(
            "ptu", 90 * ATTO, instant("2026-01-01"), instant("2026-04-01"), provider="azure", cost_class="operating", owner="ops"
        ),
    )


def test_what_a_later_version_enforces_is_kept_and_said(tmp_path: Path) -> None:
    """Keys may be declared already; a warning with file and line says that they are not enforced. `web` is."""
    settings = load(tmp_path, WHOLE)
    assert settings.web.locale == "de"
    assert settings.later == {"keys": {"note": "later"}}
    said = [str(problem) for problem in settings.warnings]
    assert len(said) == 1
    assert all("not enforced by this version" in one and "breakeven.yaml:" in one for one in said)


def test_an_unknown_name_is_refused_with_the_nearest_known_one(tmp_path: Path) -> None:
    """A misspelt section, feature field and value kind each name file, line and what was probably meant."""
    text = "feature: {}\nfeatures:\n  a:\n    onwer: x\n    value: {kind: unit_prize}\n"
    found = faults(tmp_path, text)
    assert [one.split(". ")[0] for one in found] == [
        "breakeven.yaml:1: the configuration has an unknown field 'feature'",
        "breakeven.yaml:4: feature a has an unknown field 'onwer'",
        "breakeven.yaml:5: feature a: value has the kind 'unit_prize'",
    ]
    assert ["features" in found[0], "'owner'" in found[1], "'unit_price'" in found[2]] == [True, True, True]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("features: [a]", "features is a list instead of a mapping"),
        ("features: {a: 5}", "feature a is a whole number instead of a mapping"),
        ("features: {a: {owner: [x]}}", "owner is a list instead of text"),
        ("features: {a: {owner: true}}", "owner is a truth value instead of text"),
        ("features: {a: {margin_floor: 2}}", "margin_floor is 2"),
        ("features: {a: {margin_floor: true}}", "margin_floor is True"),
        ("features: {a: {quality_floor: high}}", "quality_floor is high"),
        ("features: {a: {quality_floor: [1]}}", "quality_floor is"),
        ("features: {a: {value: 3}}", "value is a whole number instead of a list"),
        ("features: {a: {value: [x]}}", "has the kind None"),
        ("features: {a: {value: {price: 1}}}", "kind is missing"),
        ("features: {a: {value: {kind: unit_price}}}", "price is missing"),
        ("features: {a: {value: {kind: unit_price, price: NaN}}}", "price is NaN"),
        ("features: {a: {value: {kind: unit_price, price: -1}}}", "price is -1"),
        ("features: {a: {value: {kind: unit_price, price: '0.0000000000000000001'}}}", "more than 18 decimal places"),
        ("features: {a: {value: {kind: unit_price, price: 1, grade: D}}}", "grade is 'D'"),
        ("features: {a: {value: {kind: unit_price, price: 1, from: soon}}}", "from is soon"),
        ("features: {a: {value: {kind: unit_price, price: 1, from: '2026-01-01T10:00'}}}", "from is 2026-01-01T10:00"),
        ("features: {a: {value: {kind: unit_price, price: 1, from: 2026-02-01, to: 2026-01-01}}}", "to is not after from"),
        ("features: {a: {value: [{kind: event_value}, {kind: event_value}]}}", "holds twice at once"),
        ("features: {a: {value: {kind: avoided_cost, avoided: 1}}}", "baseline is missing"),
        ("features: {a: {value: {kind: revenue, plans: [[x]]}}}", "plans contains a list"),
        (
            "features: {a: {value: {kind: revenue, share: cost}}, b: {value: {kind: revenue, share: calls}}}",
            "features share revenue by different rules: calls, cost",
        ),
        ("cost_classes: [{environment: dev}]", "class is missing"),
        ("cost_classes: [{class: fun}]", "class is 'fun'"),
        ("cost_classes: 4", "cost_classes is a whole number instead of a list"),
        ("fixed_costs: [{amount: 5, from: 2026-01-01, per: month}]", "id is missing"),
        ("fixed_costs: [{id: g, amount: 5, per: month}]", "from is missing"),
        ("fixed_costs: [{id: g, amount: 5, from: 2026-01-01}]", "needs its end"),
        ("fixed_costs: [{id: g, amount: 5, from: 2026-01-01, per: month, currency: EUR}]", "currency is EUR"),
        ("fixed_costs: [{id: g, amount: 5, from: 2026-01-01, per: month, driver: weights}]", "belong together"),
        ("fixed_costs: [{id: g, amount: 5, from: 2026-01-01, per: month, weights: 5}]", "weights is a whole number"),
        (
            "fixed_costs: [{id: g, amount: 5, from: 2026-01-01, per: month}, {id: g, amount: 6, from: 2026-01-01, per: month}]",
            "stands here twice",
        ),
        ("budgets: 5", "budgets is a whole number instead of a mapping"),
        ("web: 5", "web is a whole number instead of a mapping"),
        ("web: {allowed_hosts: ['a b']}", "'a b' is no host name"),
        ("web: {session_hours: 0}", "session_hours is 0"),
        ("web: {locale: Klingon!}", "'Klingon!' is no locale"),
        ("providers: {openai: {api_key: sk-1}}", "api_key holds a secret in clear text"),
        ("gateway: {tls: [{password: x}]}", "password holds a secret in clear text"),
        ("providers: {openai: 7}", "provider openai is a whole number instead of a mapping"),
        ("ledger: [x]", "ledger is a list instead of a mapping"),
        ("hello", "the configuration is text instead of a mapping"),
    ],
)
def test_a_fault_names_file_line_and_remedy(tmp_path: Path, text: str, expected: str) -> None:
    """Each wrong value is refused where it stands, with what to write instead."""
    found = faults(tmp_path, text)
    assert any(expected in one for one in found)
    assert all(one.startswith("breakeven.yaml:1: ") and one.endswith((".", ".'")) for one in found)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    """One fault does not hide another."""
    assert len(faults(tmp_path, "features:\n  a: {owner: [], unit: []}\nfixed_costs: 3\nledgr: x\n")) == 4


def test_the_ledger_may_be_a_mapping_and_sections_may_be_empty(tmp_path: Path) -> None:
    """`ledger: {path: ...}` is the long form; a section without content is as if it were not there."""
    empty = "".join(f"{name}:\n" for name in SECTIONS if name != "ledger")
    settings = load(tmp_path, "ledger: {path: ~/books}\n" + empty)
    assert settings.ledger == Path("~/books").expanduser()
    assert (settings.features, settings.fixed_costs, settings.overlays) == ({}, (), ())


trees = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["x", "2026-01-01", "unit_price", "revenue", "cost"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*SECTIONS, "value", "kind", "owner", "weights", "from", "a"]), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(trees)
def test_any_tree_is_read_or_refused_in_words(tmp_path_factory: pytest.TempPathFactory, tree: object) -> None:
    """Whatever stands in the file, the answer is settings whose warnings name the line, or a ConfigError; never another fault."""
    path = tmp_path_factory.mktemp("any") / "breakeven.yaml"
    path.write_text(json.dumps(tree))
    problems: tuple[Problem, ...] = ()
    with suppress(ConfigError):
        problems = load_settings(path).warnings
    assert all(":1" in problem.where and problem.remedy for problem in problems)
