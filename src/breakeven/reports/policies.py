"""What would the policies have done? Every rule over recorded calls: how many it would have refused, and what those cost.

SQL groups the calls by what the policies look at (`Rule.reads`, `Rule.bounds`); each group is judged once, by the same compiled
rules that judge live calls. Saved is what the refused calls cost, all attempts: an upper figure, because a caller who is refused
may call a cheaper model instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from breakeven.economics.money import digits
from breakeven.economics.periods import Period
from breakeven.errors import UsageError
from breakeven.governance.policy import WHEN, CallFacts, Policy, PolicyBook, Setting, Verdict
from breakeven.reports.question import Facts, statement, whole
from breakeven.reports.words import count, dollars
from breakeven.settings import CURRENCY, Settings

COLUMNS: Mapping[str, str] = {
    "feature": "calls.feature",
    "team": "calls.team",
    "customer": "calls.customer",
    "user": "calls.user_id",
    "workflow": "calls.workflow",
    "environment": "calls.environment",
    "provider": "calls.provider",
    "model": "coalesce(calls.model_requested, calls.model)",
    "rung": "calls.rung",
}
"""Where the ledger has what policies look at. Which virtual key a call showed is not recorded."""
NONE_DECLARED = "No policy is declared: every call passes."
UNTRIED = "which key a call showed is not recorded, so that this policy cannot be tried on the past"
SAVED = "sum of the cost of the calls that would have been refused, all attempts; callers may call something cheaper instead"


class PolicyRow(msgspec.Struct, frozen=True, kw_only=True):
    """One policy: what it says, where it stands, and in a dry run what it would have done (null: it cannot be judged)."""

    policy: str
    rule: str
    action: str
    words: str
    owner: str | None
    why: str | None
    place: str
    calls: int | None = None
    cost: str | None = None
    cost_unknown_calls: int | None = None
    note: str | None = None
    sentence: str | None = None


class PolicyList(msgspec.Struct, frozen=True, kw_only=True):
    """The policies as they are declared."""

    rows: Sequence[PolicyRow]
    sentence: str


class PolicyTest(msgspec.Struct, frozen=True, kw_only=True):
    """A dry run. Each row is alone against all calls; `refused_calls` and `saved` are those of all policies together."""

    period: str
    label: str
    currency: str
    rows: Sequence[PolicyRow]
    calls: int
    refused_calls: int
    warned_calls: int
    saved: str | None
    sentence: str
    trail: Mapping[str, Any]


class PolicyVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What one policy says to one call: allow, warn or refuse; unknown where it looks at what is not recorded."""

    policy: str
    verdict: str
    reason: str | None
    remedy: str | None
    place: str


class CallVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """All policies against one call."""

    call_id: str
    facts: Mapping[str, str | int | None]
    verdict: str
    rows: Sequence[PolicyVerdict]
    sentence: str


class _Shape(NamedTuple):
    """Calls that no policy can tell apart."""

    facts: CallFacts
    calls: int
    cost: int | None
    cost_unknown: bool


@dataclass(slots=True)
class _Count:
    """What one policy, or all of them, object to."""

    calls: int = 0
    cost: int = 0
    unknown: int = 0

    def add(self, shape: _Shape) -> None:
        self.calls += shape.calls
        self.cost += shape.cost or 0
        self.unknown += shape.calls if shape.cost_unknown else 0


def policy_list(settings: Settings) -> PolicyList:
    """Every policy, refusals first: the order in which they are asked."""
    rows = [_row(policy) for policy in settings.policy_book.policies]
    refusing = sum(row.action == "refuse" for row in rows)
    if not rows:
        return PolicyList(rows=rows, sentence=NONE_DECLARED)
    return PolicyList(rows=rows, sentence=f"{count(len(rows), 'policy', 'policies')}, of which {refusing} refuse; the others warn.")


def policy_test(ledger: Facts, settings: Settings, period: Period, names: Sequence[str] = ()) -> PolicyTest:
    """Judge every call of a period again, by the policies named (by their own name or their rule's), or by all."""
    chosen = chosen_policies(settings, names)
    owners = Setting({name: feature.owner for name, feature in settings.features.items()})
    judged = [policy for policy in chosen if not _unrecorded(policy)]
    book = PolicyBook(judged, owners)
    shapes = _shapes(ledger, book.policies, period)
    counts, refused, warned = _judged(book, shapes)
    rows = [_tested(policy, counts.get(policy.name), period) for policy in chosen]
    total = sum(shape.calls for shape in shapes)
    return PolicyTest(
        period=period.name,
        label=period.label,
        currency=CURRENCY,
        rows=rows,
        calls=total,
        refused_calls=refused.calls,
        warned_calls=warned.calls,
        saved=digits(refused.cost),
        sentence=_sentence(period, total, refused, warned) if chosen else NONE_DECLARED,
        trail={
            "formula": {"saved": SAVED},
            "rows": {"calls": total, "distinct": len(shapes)},
            "cost_unknown_calls": refused.unknown,
            "notes": sorted({policy.rule.of_history for policy in judged if policy.rule.of_history}),
        },
    )


def chosen_policies(settings: Settings, names: Sequence[str]) -> tuple[Policy, ...]:
    """The policies of these names or rules, refusals first. Raises UsageError where a name is neither."""
    known = settings.policy_book.policies
    for name in names:
        if not any(name in (policy.name, policy.rule.name) for policy in known):
            listed = ", ".join(policy.name for policy in known) or "none"
            raise UsageError(f"there is no policy or rule in use called {name!r}", f"Declared policies: {listed}.")
    return tuple(policy for policy in known if not names or policy.name in names or policy.rule.name in names)


def _reads(policy: Policy) -> set[str]:
    return {*policy.when, *policy.rule.reads(policy.terms)}


def _unrecorded(policy: Policy) -> bool:
    return "key" in _reads(policy)


def _shapes(ledger: Facts, policies: Sequence[Policy], period: Period) -> list[_Shape]:
    used = set().union(*map(_reads, policies)) if policies else set()
    names = [name for name in COLUMNS if name in used]
    bounds = [policy.rule.bounds(policy.terms) for policy in policies]
    sql = statement("policy_shapes").replace("{keys},", "".join(f"{COLUMNS[name]} AS key_{name}," for name in names))
    params = {
        "start": period.start,
        "end": period.end,
        "token_bounds": sorted({edge for bound in bounds for edge in bound.output_tokens}),
        "cost_bounds": [digits(edge) for edge in sorted({edge for bound in bounds for edge in bound.cost_atto})],
    }
    found: list[_Shape] = []
    for row in ledger.query(sql, params):
        over_tokens, over_cost, unknown, calls, cost = row[len(names) :]
        facts = CallFacts(
            **dict(zip(names, row, strict=False)),
            max_output_tokens=0 if over_tokens is None else over_tokens + 1,
            worst_cost_atto=None if unknown else 0 if over_cost is None else whole(over_cost) + 1,
        )
        found.append(_Shape(facts, calls, None if cost is None else whole(cost), bool(unknown)))
    return found


def _judged(book: PolicyBook, shapes: Sequence[_Shape]) -> tuple[dict[str, _Count], _Count, _Count]:
    """What each policy alone objects to, and what all together would have refused or warned of."""
    counts = {policy.name: _Count() for policy in book.policies}
    refused, warned = _Count(), _Count()
    for shape in shapes:
        verdicts = [verdict for verdict in book.verdicts(shape.facts) if verdict is not None]
        for verdict in verdicts:
            counts[verdict.policy].add(shape)
        if verdicts:
            (refused if verdicts[0].action == "refuse" else warned).add(shape)
    return counts, refused, warned


def _row(policy: Policy) -> PolicyRow:
    return PolicyRow(
        policy=policy.name,
        rule=policy.rule.name,
        action=policy.action,
        words=policy.words,
        owner=policy.owner,
        why=policy.why,
        place=policy.place,
    )


def _tested(policy: Policy, found: _Count | None, period: Period) -> PolicyRow:
    plain = _row(policy)
    if found is None:
        return msgspec.structs.replace(plain, note=UNTRIED)
    would = "would have refused" if policy.action == "refuse" else "would have warned of"
    result = f"saved {dollars(found.cost)}" if policy.action == "refuse" else f"which cost {dollars(found.cost)}"
    said = f"In {period.label} {policy.name} {would} {count(found.calls, 'call')}" + (f", {result}." if found.calls else ".")
    return msgspec.structs.replace(
        plain,
        calls=found.calls,
        cost=digits(found.cost),
        cost_unknown_calls=found.unknown,
        note=policy.rule.of_history or None,
        sentence=said,
    )


def _sentence(period: Period, total: int, refused: _Count, warned: _Count) -> str:
    when = "Over all time" if period.unbounded else f"In {period.label}"
    if not total:
        return f"There are no calls in {period.label} to try the policies on."
    saved = f", saved {dollars(refused.cost)}" if refused.calls else ""
    unknown = f" (the cost of {refused.unknown:,} of them is unknown)" if refused.unknown else ""
    warnings = f" They would have warned of {count(warned.calls, 'call')} more." if warned.calls else ""
    return f"{when} the policies would have refused {refused.calls:,} of {count(total, 'call')}{saved}{unknown}.{warnings}"


def policy_call(ledger: Facts, settings: Settings, call_id: str) -> CallVerdict:
    """What every policy says to one recorded call. Raises UsageError where there is no such call."""
    sql = statement("policy_call").replace("{keys},", "".join(f"{column} AS key_{name}," for name, column in COLUMNS.items()))
    rows = ledger.query(sql, {"call_id": call_id})
    if not rows:
        listed = "List policies with `breakeven policy list`, calls with `breakeven calls`."
        raise UsageError(f"there is no policy and no call {call_id!r}", listed)
    *dimensions, tokens, cost, unknown = rows[0]
    known = None if unknown or cost is None else whole(cost)
    facts = CallFacts(**dict(zip(COLUMNS, dimensions, strict=True)), max_output_tokens=tokens, worst_cost_atto=known)
    book = settings.policy_book
    pairs = [
        (policy, None if _unrecorded(policy) else found) for policy, found in zip(book.policies, book.verdicts(facts), strict=True)
    ]
    shown = {name: value for name, value in facts._asdict().items() if name in (*WHEN, "model", "rung") and value is not None}
    shown |= {"output_tokens": tokens, "cost": digits(known)}
    first = next((verdict for _, verdict in pairs if verdict is not None), None)
    return CallVerdict(
        call_id=call_id,
        facts=shown,
        verdict=first.action if first is not None else "allow",
        rows=[_verdict_row(policy, verdict) for policy, verdict in pairs],
        sentence=_call_sentence(call_id, first, len(pairs)),
    )


def _verdict_row(policy: Policy, verdict: Verdict | None) -> PolicyVerdict:
    return PolicyVerdict(
        policy=policy.name,
        verdict="unknown" if _unrecorded(policy) else "allow" if verdict is None else verdict.action,
        reason=UNTRIED if _unrecorded(policy) else None if verdict is None else verdict.reason,
        remedy=None if verdict is None else verdict.remedy,
        place=policy.place,
    )


def _call_sentence(call_id: str, first: Verdict | None, policies: int) -> str:
    if first is None:
        return f"Call {call_id} would pass {count(policies, 'policy', 'policies')}." if policies else NONE_DECLARED
    verb = "refused" if first.action == "refuse" else "warned of"
    return f"Call {call_id} would be {verb} by {first.policy}: {first.reason}."
