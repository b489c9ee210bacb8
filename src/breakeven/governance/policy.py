"""Policies: rules over single calls. Facts of a call in; allow (None), warn or refuse out, with reason and remedy.

A rule is compiled once, with its terms, into a closure; judging a call is then a few set look-ups, cheap enough for every live
call. The same closures judge the past in a dry run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal, NamedTuple

PolicyAction = Literal["warn", "refuse"]
ACTIONS: tuple[PolicyAction, ...] = ("refuse", "warn")
TermKind = Literal["words", "count", "dollars"]
WHEN = ("feature", "team", "customer", "user", "key", "workflow", "environment", "provider")
"""The dimensions that a policy may be restricted to."""
_MOST_NAMES = 4096


class CallFacts(NamedTuple):
    """What is known of a call before it is forwarded. None: not known, or not said.

    `max_output_tokens` is what the caller allows the answer to have; `worst_cost_atto`: atto-dollars that the call costs at most.
    """

    feature: str | None = None
    team: str | None = None
    customer: str | None = None
    user: str | None = None
    key: str | None = None
    workflow: str | None = None
    environment: str | None = None
    provider: str | None = None
    model: str | None = None
    max_output_tokens: int | None = None
    worst_cost_atto: int | None = None
    rung: str | None = None


class Objection(NamedTuple):
    """Why a rule does not let a call pass, and what the caller can do."""

    reason: str
    remedy: str


Test = Callable[[CallFacts], Objection | None]


class Setting(NamedTuple):
    """What else a rule may have to know: the owners of the features."""

    owners: Mapping[str, str | None] = {}


class Bounds(NamedTuple):
    """The amounts at which a rule's answer changes: a dry run needs to know of a call only between which of them it lies."""

    output_tokens: tuple[int, ...] = ()
    cost_atto: tuple[int, ...] = ()


class Term(NamedTuple):
    """One thing that a policy of this rule declares: a list of words, a whole number, or an amount in dollars (atto inside)."""

    name: str
    kind: TermKind
    required: bool = False
    choices: tuple[str, ...] = ()


Terms = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of policy.

    `compiled` turns declared terms into a test, `words` says them in a clause. `reads` are the facts that the test looks at and
    `bounds` the amounts at which its answer changes, so that a dry run tells apart no more calls than it must.
    """

    name: str
    summary: str
    terms: tuple[Term, ...]
    compiled: Callable[[Terms, Setting], Test]
    words: Callable[[Terms], str]
    reads: Callable[[Terms], tuple[str, ...]] = lambda _terms: CallFacts._fields
    bounds: Callable[[Terms], Bounds] = lambda _terms: Bounds()
    of_history: str = ""
    """How the past is judged where the ledger does not have what the rule looks at; empty: exactly as a live call."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One declared policy: a rule with its terms, for some calls (`when`; empty: all)."""

    name: str
    rule: Rule
    terms: Terms = field(default_factory=dict)
    when: Mapping[str, frozenset[str]] = field(default_factory=dict)
    action: PolicyAction = "refuse"
    owner: str | None = None
    why: str | None = None
    place: str = ""

    @property
    def words(self) -> str:
        """The policy in one sentence: `refuses: models gpt-5.5-pro, where environment is staging`."""
        scope = ", ".join(f"{name} is {' or '.join(sorted(values))}" for name, values in self.when.items())
        verb = "refuses" if self.action == "refuse" else "warns of"
        return f"{verb} {self.rule.words(self.terms)}" + (f", where {scope}" if scope else "")


class Verdict(NamedTuple):
    """What a policy says to a call that it does not simply let pass."""

    action: PolicyAction
    policy: str
    reason: str
    remedy: str
    owner: str | None = None
    place: str = ""


class PolicyBook:
    """All policies, compiled. Refusals come before warnings; otherwise the order of the file decides which one speaks."""

    def __init__(self, policies: Iterable[Policy], setting: Setting | None = None) -> None:
        self.policies: tuple[Policy, ...] = tuple(sorted(policies, key=lambda policy: ACTIONS.index(policy.action)))
        known = setting or Setting()
        self._tests = tuple((scoped(policy.when, policy.rule.compiled(policy.terms, known)), policy) for policy in self.policies)

    def __bool__(self) -> bool:
        return bool(self._tests)

    def verdict(self, facts: CallFacts) -> Verdict | None:
        """The first refusal, else the first warning; None: the call passes."""
        for test, policy in self._tests:
            found = test(facts)
            if found is not None:
                return _verdict(policy, found)
        return None

    def verdicts(self, facts: CallFacts) -> list[Verdict | None]:
        """What each policy says, in the order of `policies`."""
        return [None if (found := test(facts)) is None else _verdict(policy, found) for test, policy in self._tests]


def _verdict(policy: Policy, found: Objection) -> Verdict:
    return Verdict(policy.action, policy.name, found.reason, found.remedy, policy.owner, policy.place)


def scoped(when: Mapping[str, frozenset[str]], test: Test) -> Test:
    """The test for the calls whose dimensions have one of the values, and no objection to any other."""
    places = tuple((CallFacts._fields.index(name), values) for name, values in when.items())
    if not places:
        return test
    if len(places) == 1:
        ((place, values),) = places
        return lambda facts: test(facts) if facts[place] in values else None
    return lambda facts: test(facts) if all(facts[place] in values for place, values in places) else None


def named(patterns: Sequence[str]) -> Callable[[str | None], bool]:
    """Whether a name is one of those listed, each a name or a glob such as `gpt-5*`. Remembers what it was asked."""
    known: dict[str | None, bool] = {None: False}

    def matches(name: str | None) -> bool:
        found = known.get(name)
        if found is None:
            if len(known) > _MOST_NAMES:  # names come from callers, who may invent them without end
                known.clear()
                known[None] = False
            found = known[name] = any(fnmatchcase(name or "", pattern) for pattern in patterns)
        return found

    return matches


def who(facts: CallFacts) -> str:
    """The call in words for a reason: `feature search in staging`."""
    name = f"feature {facts.feature}" if facts.feature else "a call without a feature"
    return f"{name} in {facts.environment}" if facts.environment else name
