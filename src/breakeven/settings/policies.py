"""The section `policies`: named rules over calls. And `attribution`: which share of cost must have an owner.

A policy names a rule, gives it its terms, may be restricted to some calls (`when`), and refuses unless it says `action: warn`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from breakeven.errors import ConfigError
from breakeven.governance.policy import ACTIONS, WHEN, Policy, Rule, Term
from breakeven.governance.rules import RULES
from breakeven.settings.quantities import whole
from breakeven.yamlfields import Fields, Problems, entries, suggestion
from breakeven.yamlfile import Node

ENTRY_POINTS = "breakeven.rules"
POLICY_FIELDS = ("rule", "when", "action", "owner", "why")
ATTRIBUTION_FIELDS = ("target",)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/-]{0,79}\Z")
_MOST_TOKENS = 10**9


@cache
def known_rules() -> Mapping[str, Rule]:
    """The built-in rules, and those of installed packages. Raises ConfigError where one of those is no rule."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow to import, and needed only where policies are declared

    rules = {rule.name: rule for rule in RULES}
    for entry in entry_points(group=ENTRY_POINTS):
        found = entry.load()
        if not isinstance(found, Rule) or found.name in rules:
            what = "is no breakeven.governance.policy.Rule" if not isinstance(found, Rule) else f"calls itself {found.name} again"
            raise ConfigError(
                f"the entry point {entry.name} of {ENTRY_POINTS} {what}", "Correct or remove the package that brings it."
            )
        rules[found.name] = found
    return rules


def policies_of(top: Fields, problems: Problems) -> tuple[Policy, ...]:
    """Every policy of the file, in its order."""
    found: list[Policy] = []
    for name, node in entries(top.get("policies"), "policies", problems).items():
        if not _NAME.match(name):
            problems.add(
                node, f"a policy cannot be called {name!r}", "Use letters, digits, spaces and . _ / -; at most 80 of them."
            )
        elif (policy := _policy(name, node, problems)) is not None:
            found.append(policy)
    return tuple(found)


def _policy(name: str, node: Node, problems: Problems) -> Policy | None:
    what, rules = f"policy {name}", known_rules()
    named = node.mapping.get("rule") if node.mapping is not None else None
    kind = str(named.value) if named is not None else ""
    if kind not in rules:
        problems.add(named or node, f"{what} has the rule {kind!r}", suggestion(kind, tuple(rules)))
        return None
    rule = rules[kind]
    fields = Fields(node, what, (*POLICY_FIELDS, *(term.name for term in rule.terms)), problems)
    before = len(problems.found)
    terms = {term.name: value for term in rule.terms if (value := _term(term, fields)) is not None}
    if not terms and len(problems.found) == before:
        fields.fault(rule.terms[0].name, "it forbids nothing", f"Add {' or '.join(f'`{term.name}`' for term in rule.terms)}.")
    when = _when(fields, problems)
    action = fields.choice("action", ACTIONS, "refuse")
    owner, why = fields.text("owner"), fields.text("why")
    return None if len(problems.found) > before else Policy(name, rule, terms, when, action, owner, why, node.where)


def _term(term: Term, fields: Fields) -> Any:  # noqa: ANN401 - a term is words, a number or an amount
    if term.name not in fields:
        if term.required:
            fields.fault(term.name, f"{term.name} is missing", f"Add `{term.name}: ...`.")
        return None
    if term.kind == "words":
        words = fields.words(term.name)
        for word in words:
            if term.choices and word not in term.choices:
                fields.fault(term.name, f"{term.name} names {word!r}", suggestion(word, term.choices))
        if not words:
            fields.fault(term.name, f"{term.name} is empty", "Write a word, or a list of words.")
        return words or None
    if term.kind == "count":
        return whole(fields, term.name, 0, 0, _MOST_TOKENS)
    return fields.money(term.name)


def _when(fields: Fields, problems: Problems) -> dict[str, frozenset[str]]:
    node = fields.get("when")
    if node is None or node.value is None:
        return {}
    when = Fields(node, f"{fields.what}: when", WHEN, problems)
    for name in WHEN:
        if name in when and not when.words(name):
            when.fault(name, f"{name} is empty", "Write a value, or leave it out.")
    return {name: frozenset(when.words(name)) for name in WHEN if name in when}


def attribution_target(top: Fields, problems: Problems) -> Decimal | None:
    """The share of cost that must have an owner, from 0 to 1; None where none is set."""
    node = top.get("attribution")
    if node is None or node.value is None:
        return None
    return Fields(node, "attribution", ATTRIBUTION_FIELDS, problems).number("target", high="1", required=True)
