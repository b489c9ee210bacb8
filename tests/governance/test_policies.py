"""Policies: judged per call by compiled rules, tried on the past, and declared with faults told by file and line."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path
from typing import Any

import pytest

from breakeven.errors import ConfigError
from breakeven.governance.policy import CallFacts, Objection, Policy, PolicyBook, Rule, Setting, Term, named
from breakeven.governance.rules import RULES
from breakeven.settings import load_settings, policies

BY_NAME = {rule.name: rule for rule in RULES}
POLICIES = """
features: {support: {owner: ann}}
policies:
  no-mini: {rule: forbid, models: ["*-mini"], when: {feature: search}, owner: ann, why: too weak}
  owned: {rule: require, known: [feature, owner], action: warn}
"""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_shows_what_passes_and_what_does_not(rule: Rule) -> None:
    """The docstring of each rule's module has a passing and a failing example, and both run."""
    module = importlib.import_module(f"breakeven.governance.rules.{rule.name}")
    examples = doctest.DocTestFinder().find(module, rule.name)[0]
    outcome = doctest.DocTestRunner().run(examples)
    text = module.__doc__ or ""
    assert (outcome.failed, "is None\nTrue" in text, ".reason\n'" in text) == (0, True, True)


def test_a_policy_holds_for_the_calls_it_names() -> None:
    """All of `when` must hold; a call without the dimension is another call."""
    when = {"feature": frozenset({"search"}), "environment": frozenset({"staging", "dev"})}
    book = PolicyBook([Policy("p", BY_NAME["forbid"], {"models": ("m",)}, when)])
    stopped = [
        CallFacts(feature="search", environment="dev", model="m"),
        CallFacts(feature="search", environment="staging", model="m"),
    ]
    passed = [CallFacts(feature="search", model="m"), CallFacts(environment="dev", model="m"), CallFacts(model="m")]
    assert all(book.verdict(facts) is not None for facts in stopped)
    assert [book.verdict(facts) for facts in passed] == [None, None, None]


def test_a_refusal_speaks_before_a_warning_that_stands_earlier() -> None:
    """Whatever the order of the file, a call that some policy refuses is refused; the verdict names policy, owner and place."""
    rule = BY_NAME["forbid"]
    book = PolicyBook(
        [
            Policy("careful", rule, {"models": ("m",)}, action="warn"),
            Policy("firm", rule, {"models": ("m",)}, owner="ann", place="breakeven.yaml:4"),
        ]
    )
    verdict = book.verdict(CallFacts(model="m"))
    assert verdict is not None
    assert (verdict.action, verdict.policy, verdict.owner, verdict.place) == ("refuse", "firm", "ann", "breakeven.yaml:4")
    assert [one.policy for one in book.verdicts(CallFacts(model="m")) if one] == ["firm", "careful"]
    assert bool(book)
    assert not PolicyBook([])


def test_patterns_are_remembered_within_bounds() -> None:
    """However many names callers invent, a pattern answers right."""
    matches = named(("gpt-5*",))
    assert [matches(f"x{number}") for number in range(5000)] == [False] * 5000
    assert (matches("gpt-5.5"), matches(None)) == (True, False)


def faults(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "breakeven.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as raised:
        load_settings(path)
    return [str(problem) for problem in raised.value.problems]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("{rule: forbit, models: [m]}", "has the rule 'forbit'. Did you mean 'forbid'?"),
        ("{models: [m]}", "has the rule ''"),
        ("{rule: forbid}", "it forbids nothing. Add `models` or `providers`."),
        ("{rule: forbid, models: []}", "models is empty"),
        ("{rule: forbid, models: [m], action: block}", "action is 'block'"),
        ("{rule: forbid, models: [m], when: {planet: mars}}", "unknown field 'planet'"),
        ("{rule: forbid, models: [m], when: {feature: []}}", "feature is empty"),
        ("{rule: cap_cost}", "at_most is missing"),
        ("{rule: cap_output_tokens, at_most: 1.5}", "Write a whole number."),
        ("{rule: require, known: [colour]}", "known names 'colour'"),
        ("{rule: require, known: [feature], colour: red}", "unknown field 'colour'"),
    ],
)
def test_a_faulty_policy_is_refused_where_it_stands(tmp_path: Path, policy: str, expected: str) -> None:
    """Each fault is told with file, line and what to write instead."""
    found = faults(tmp_path, f"policies:\n  p: {policy}\n")
    assert any(expected in one and "breakeven.yaml:2" in one for one in found)


def test_a_rule_of_a_package_joins_by_its_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that an installed package brings is declared and judged like our own; what is no rule is refused."""
    rule = Rule(
        name="only_at_acme",
        summary="Only one customer.",
        terms=(Term("customer", "words", required=True),),
        compiled=lambda terms, _setting: (
            lambda facts: None if facts.customer in terms["customer"] else Objection("another customer", "Ask them.")
        ),
        words=lambda terms: f"calls of others than {terms['customer']}",
    )

    class Entry:
        def __init__(self, found: object) -> None:
            self.name, self.load = "acme", lambda: found

    path = tmp_path / "breakeven.yaml"
    path.write_text("policies: {p: {rule: only_at_acme, customer: acme}}")
    for found in (rule, "no rule"):
        policies.known_rules.cache_clear()
        monkeypatch.setattr("importlib.metadata.entry_points", lambda group, found=found: [Entry(found)] if group else [])
        if found is rule:
            verdict = load_settings(path).policy_book.verdict(CallFacts(customer="globex"))
            assert verdict is not None
            assert verdict.reason == "another customer"
        else:
            with pytest.raises(ConfigError, match="entry point acme"):
                load_settings(path)
    policies.known_rules.cache_clear()


def test_a_dry_run_says_how_many_calls_and_what_they_cost(project: Any) -> None:
    """One of September's four calls is search on a small model, two have no owner; what is warned of is not saved."""
    project.write(breakeven=POLICIES)
    found = project.run("policy", "test", "--period", "2026-09", "--json", "--config", "breakeven.yaml").json
    assert [(row["policy"], row["calls"], row["cost"]) for row in found["rows"]] == [("no-mini", 1, "0.15"), ("owned", 2, "0.3")]
    assert (found["calls"], found["refused_calls"], found["warned_calls"], found["saved"]) == (4, 1, 1, "0.15")
    assert found["sentence"].startswith("In September 2026 the policies would have refused 1 of 4 calls, saved $0.15.")


@pytest.mark.parametrize(
    ("terms", "calls"),
    [
        ("{rule: forbid, providers: [openai]}", 4),
        ("{rule: cap_cost, at_most: 3.50}", 0),
        ("{rule: cap_cost, at_most: 3.499999}", 2),
        ("{rule: cap_output_tokens, at_most: 100000}", 0),
        ("{rule: cap_output_tokens, at_most: 99999}", 2),
        ("{rule: small_model_first, first: [gpt-4o]}", 2),
        ("{rule: frontier_only_in, environments: [production], models: [gpt-4o]}", 2),
    ],
)
def test_the_past_is_judged_at_the_bound_itself(project: Any, terms: str, calls: int) -> None:
    """A call that has exactly what is allowed passes; one unit more does not. A gpt-4o call cost $3.50 and had 100,000 tokens."""
    project.write(breakeven=f"policies: {{p: {terms}}}\n")
    found = project.run("policy", "test", "--period", "2026-09", "--json", "--config", "breakeven.yaml").json
    assert found["refused_calls"] == calls


def test_what_the_ledger_does_not_know_is_not_judged(project: Any) -> None:
    """A policy about virtual keys cannot be tried on the past, and says so instead of a count."""
    project.write(breakeven="policies: {p: {rule: require, known: [key]}}\n")
    row = project.run("policy", "test", "--period", "2026-09", "--json", "--config", "breakeven.yaml").json["rows"][0]
    assert (row["calls"], row["cost"]) == (None, None)
    assert "not recorded" in row["note"]


def test_a_policy_and_a_call_can_be_explained(project: Any) -> None:
    """By name: words, reason and figures. By call: what each policy says to it and why. Anything else: where to look."""
    project.write(breakeven=POLICIES)
    known = ("--period", "2026-09", "--config", "breakeven.yaml")
    told = project.run("policy", "explain", "no-mini", *known).out
    assert "no-mini refuses models *-mini, where feature is search." in told
    assert "too weak" in told
    assert "In September 2026 no-mini would have refused 1 call, saved $0.15." in told
    rows = project.run("calls", "--period", "2026-09", "feature:search", "--json").json["rows"]
    found = project.run("policy", "explain", rows[0]["call_id"], "--config", "breakeven.yaml", "--json").json
    assert (found["verdict"], [row["verdict"] for row in found["rows"]]) == ("refuse", ["refuse", "warn"])
    assert found["rows"][0]["reason"] == "model gpt-4o-mini may not be used for feature search"
    project.write(breakeven="policies: {p: {rule: require, known: [key]}}\n")
    unknown = project.run("policy", "explain", rows[0]["call_id"], "--config", "breakeven.yaml")
    assert "  unknown p: which key a call showed is not recorded" in unknown.out
    nothing = project.run("policy", "explain", "nothing", "--config", "breakeven.yaml")
    assert (nothing.code, "there is no policy and no call 'nothing'" in nothing.err) == (2, True)


def test_the_list_needs_no_ledger(project: Any) -> None:
    """Policies are listed in words with file and line; a configuration without any says so."""
    project.write(breakeven=POLICIES)
    listed = project.without_ledger("policy", "list")
    assert "warns of calls without feature or owner" in listed.out
    assert "breakeven.yaml:4" in listed.out
    project.write(breakeven="features: {}\n")
    assert "No policy is declared" in project.without_ledger("policy", "list").out


def test_owners_come_from_the_features() -> None:
    """The rule about owners is compiled with the owners of the configuration."""
    test = BY_NAME["require"].compiled({"known": ("owner",)}, Setting({"a": "ann", "b": None}))
    assert test(CallFacts(feature="a")) is None
    assert [found.reason for name in ("b", None) if (found := test(CallFacts(feature=name)))] == [
        "nobody owns feature b",
        "the call does not say its feature, so nobody owns it",
    ]


def test_a_period_without_calls_and_a_wrong_name_are_explained(project: Any) -> None:
    """Nothing to try the policies on is said; a policy that is not declared is a wrong request that names those that are."""
    project.write(breakeven=POLICIES)
    empty = project.run("policy", "test", "--period", "2025-01", "--config", "breakeven.yaml")
    assert "There are no calls in January 2025 to try the policies on." in empty.out
    wrong = project.run("policy", "test", "--rule", "nothing", "--config", "breakeven.yaml")
    assert (wrong.code, "Declared policies: no-mini, owned." in wrong.err) == (2, True)
