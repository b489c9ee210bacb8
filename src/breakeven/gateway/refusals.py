"""How a call that a limit does not let through is told so: which limit, how it stands, when it is free again, whom to ask.

| Why | status | tried again by SDKs |
|---|---|---|
| a budget is spent until its reset | 402, or what the budget says | no |
| calls under way hold the rest of a budget | 429 and Retry-After | yes |
| a rate or concurrency limit | 429, Retry-After, x-ratelimit-* | yes |
| a call whose cost cannot be bounded | 402 | no |
| the accounts cannot be reached | 503 and Retry-After | yes |
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

from breakeven.gateway.attribution import Refusal
from breakeven.governance.budgets import BOUND, Account, Budget, amount_in_words, exact, subject_in_words
from breakeven.governance.spans import SLICES, in_words

if TYPE_CHECKING:
    from breakeven.gateway.call import Call
    from breakeven.gateway.targets import Target

NOT_AGAIN = (b"x-should-retry", b"false")
_PAYMENT_REQUIRED, _TOO_MANY, _UNAVAILABLE = 402, 429, 503
_SOON = 1


class Standing(NamedTuple):
    """How the account stands that has too little room. `frees`: the slice of a rolling window that must fade first."""

    account: Account
    limit: int
    spent: int
    reserved: int
    wanted: int
    frees: int | None = None
    opening: bool = False


def refusal_of(standing: Standing, at: float) -> Refusal:
    """The answer to a call that finds too little room."""
    budget = standing.account.budget
    if budget.kind == "budget":
        spent = standing.limit - standing.spent < standing.wanted
        return _spent(standing) if spent and not standing.opening else _held(standing)
    return _rate(standing, at)


def unknown_cost(budget: Budget, call: Call, target: Target) -> Refusal:
    """The answer to a call whose worst case nobody can say, before a budget that refuses such calls."""
    model = target.rename or target.model_in_url or call.hints.model or "this model"
    message = (
        f"Budget {_name(budget)} admits only calls whose highest cost is known, and that of this call to {model} is not: "
        "the model has no price or no known length, or the vendor runs tools or reads files for it. "
        f"Set max_tokens, or ask {budget.owner or 'the owner of the budget'} to price it (breakeven prices add) "
        "or to set unknown_price: cap or flag."
    )
    return Refusal(_PAYMENT_REQUIRED, "budget_price_unknown", message, _named(budget), (NOT_AGAIN,))


def unreachable(budget: Budget) -> Refusal:
    """The answer while nobody can say what is spent."""
    message = f"Budget {_name(budget)} is strict and its accounts cannot be reached at the moment; nothing is spent without them."
    return Refusal(_UNAVAILABLE, "budget_unreachable", message, _named(budget), ((b"retry-after", b"1"),))


def _spent(standing: Standing) -> Refusal:
    budget = standing.account.budget
    resets = _resets_at(standing)
    left = max(0, standing.limit - standing.spent)
    spent, limit, wanted = (amount_in_words(budget.measure, each) for each in (standing.spent, standing.limit, standing.wanted))
    named = f"Budget {_name(budget)} ({_whose(standing)}, {in_words(budget.span)})"
    said = f"{named} has no room: this call can cost up to {wanted}, and {spent} of {limit} is spent"
    if not left:
        said = f"{named} is spent: {spent} of {limit}"
    until = f" It starts anew at {resets}." if resets else ""
    asked = f" Ask {budget.owner} for a raise" if budget.owner else " Ask for a raise"
    smaller = ", or send a smaller call (lower max_tokens, shorter input)" if left else ""
    message = f"{said}.{until}{asked}{smaller}. See: breakeven budget status"
    return Refusal(budget.status, "budget_exhausted", message, _figures(standing, resets), (NOT_AGAIN,))


def _held(standing: Standing) -> Refusal:
    budget = standing.account.budget
    why = "is being opened" if standing.opening else "is held by calls under way"
    message = (
        f"The rest of budget {_name(budget)} ({_whose(standing)}) {why}: "
        f"{amount_in_words(budget.measure, standing.spent)} spent and "
        f"{amount_in_words(budget.measure, standing.reserved)} reserved of {amount_in_words(budget.measure, standing.limit)}. "
        "Try again in a moment."
    )
    headers = ((b"retry-after", b"%d" % _SOON),)
    return Refusal(_TOO_MANY, "budget_reserved", message, _figures(standing, _resets_at(standing)), headers)


def _rate(standing: Standing, at: float) -> Refusal:
    budget = standing.account.budget
    wait = _SOON
    if standing.frees is not None and standing.account.window.slice_seconds:
        wait = max(_SOON, ceil((standing.frees + SLICES + 1) * standing.account.window.slice_seconds - at))
    what = (
        "calls at once"
        if budget.kind == "concurrency"
        else f"{budget.measure} within {in_words(budget.span).removesuffix(', rolling')}"
    )
    message = f"Limit {budget.id} ({_whose(standing)}) allows {standing.limit:,} {what}. Try again in {wait} s."
    left = max(0, standing.limit - standing.spent - standing.reserved)
    unit = b"tokens" if budget.measure == "tokens" else b"requests"
    headers = (
        (b"retry-after", b"%d" % wait),
        (b"x-ratelimit-limit-" + unit, b"%d" % standing.limit),
        (b"x-ratelimit-remaining-" + unit, b"%d" % left),
        (b"x-ratelimit-reset-" + unit, b"%ds" % wait),
    )
    code = "concurrency_limit" if budget.kind == "concurrency" else "rate_limit_exceeded"
    return Refusal(budget.status, code, message, _figures(standing, None), headers)


def rate_headers(budget: Budget, limit: int, used: int, answered: Mapping[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    """How a rate limit stands, in the headers that clients look for; none where the vendor says its own."""
    unit = b"tokens" if budget.measure == "tokens" else b"requests"
    if b"x-ratelimit-limit-" + unit in answered:
        return []
    return [
        (b"x-ratelimit-limit-" + unit, b"%d" % limit),
        (b"x-ratelimit-remaining-" + unit, b"%d" % max(0, limit - used)),
    ]


def _figures(standing: Standing, resets: str | None) -> dict[str, Any]:
    """The limit and how it stands, for programs."""
    budget = standing.account.budget
    told = {
        **_named(budget),
        "subject": dict(zip(budget.per, standing.account.subject, strict=True)),
        "measure": budget.measure,
        "limit": exact(budget.measure, standing.limit),
        "spent": exact(budget.measure, standing.spent),
        "reserved": exact(budget.measure, standing.reserved),
        "wanted": exact(budget.measure, standing.wanted),
        "resets_at": resets,
    }
    return {**told, "currency": "USD"} if budget.measure == "usd" else told


def _named(budget: Budget) -> dict[str, Any]:
    return {"budget": _name(budget), "owner": budget.owner, "declared_at": budget.place or None}


def _name(budget: Budget) -> str:
    return budget.id.removesuffix(BOUND)


def _whose(standing: Standing) -> str:
    return subject_in_words(standing.account.budget, standing.account.subject)


def _resets_at(standing: Standing) -> str | None:
    window = standing.account.window
    ends = window.ends
    if ends is None and standing.frees is not None and window.slice_seconds:
        ends = (standing.frees + SLICES + 1) * window.slice_seconds
    return None if ends is None else datetime.fromtimestamp(ends, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
