"""The sections `budgets` and `limits`, and a feature's own `budget`: whose spending, how much, over which time, and what then.

budgets:
  contracts-month: {scope: {feature: Contract extraction}, limit: $20000, period: month, mode: strict}
limits:
  per-customer: {per: customer, calls: 100 per 1m, tokens: 2M per 1h, at_once: 20}
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from breakeven.economics.money import atto
from breakeven.governance.budgets import (
    BASIS_POINTS,
    SCOPES,
    Action,
    Budget,
    Measure,
    Mode,
    Raise,
    Threshold,
    UnknownPrice,
)
from breakeven.governance.spans import UNITS, Calendar, Lifetime, Rolling, Span
from breakeven.settings.quantities import flag, seconds, whole
from breakeven.yamlfields import Fields, Problems, entries, items, suggestion
from breakeven.yamlfile import Node

BUDGET_FIELDS = (
    "limit", "period", "time_zone", "fiscal_year_starts", "scope", "per", "owner", "mode", "overshoot", "quantile", "unknown_price",
    "cap", "enforce", "thresholds", "raises", "status", "why",
)  # fmt: skip
LIMIT_FIELDS = ("scope", "per", "owner", "calls", "tokens", "at_once", "enforce", "why")
MODES: tuple[Mode, ...] = ("strict", "bounded")
UNKNOWN_PRICES: tuple[UnknownPrice, ...] = ("refuse", "cap", "flag")
ACTIONS: tuple[Action, ...] = ("notify", "downgrade", "throttle", "refuse")
PERIODS = (*UNITS, "lifetime")
OVERSHOOT = Decimal("0.05")
_AMOUNT = re.compile(r"\$?\s*([0-9][0-9,_]*(?:\.[0-9]+)?)\s*([kMB])?\s*(tokens|calls)?\Z")
_SCALE = {None: 1, "k": 1_000, "M": 1_000_000, "B": 1_000_000_000}
_ROLLING = re.compile(r"rolling\s+(\S.*)\Z")
_RATE = re.compile(r"([0-9][0-9,_]*(?:\.[0-9]+)?\s*[kMB]?)\s+per\s+(second|minute|hour|day|[0-9.]+\s*(?:s|m|h|d))\Z")
_NAMED = {"second": "1s", "minute": "1m", "hour": "1h", "day": "1d"}
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,2})?)\s*%\Z")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/-]{0,79}\Z")


def budgets_of(
    top: Fields, features: Mapping[str, Node], owners: Mapping[str, str | None], problems: Problems
) -> tuple[Budget, ...]:
    """Every limit of the file: the section `budgets`, the features' own, the section `limits`."""
    found: list[Budget] = []
    for name, node in entries(top.get("budgets"), "budgets", problems).items():
        fields = Fields(node, f"budget {name}", BUDGET_FIELDS, problems)
        if not _NAME.match(name):
            problems.add(
                node, f"a budget cannot be called {name!r}", "Use letters, digits, spaces and . _ / -; at most 80 of them."
            )
        elif (budget := _budget(name, fields, problems)) is not None:
            found.append(budget)
    for name, node in features.items():
        fields = Fields(node, f"feature {name}: budget", tuple(f for f in BUDGET_FIELDS if f != "scope"), problems)
        if (budget := _budget(f"feature {name}", fields, problems, feature=name, owner=owners.get(name))) is not None:
            found.append(budget)
    for name, node in entries(top.get("limits"), "limits", problems).items():
        found.extend(_limits(name, Fields(node, f"limit {name}", LIMIT_FIELDS, problems), problems))
    return tuple(found)


def _budget(name: str, fields: Fields, problems: Problems, feature: str | None = None, owner: str | None = None) -> Budget | None:
    amount = _limit(fields)
    if amount is None:
        return None
    limit, measure = amount
    mode = fields.choice("mode", MODES, "strict")
    usual: UnknownPrice = "refuse" if mode == "strict" else "flag"
    unknown = fields.choice("unknown_price", UNKNOWN_PRICES, usual)
    scope = (("feature", (feature,)),) if feature is not None else _scope(fields, problems)
    _only_where(fields, "overshoot", "quantile", needed=mode == "bounded", told="`mode: bounded`")
    _only_where(fields, "cap", needed=unknown == "cap", told="`unknown_price: cap`")
    if unknown == "cap" and "cap" not in fields:
        fields.fault("cap", "cap is missing", "Say how much a call of unknown price is counted with: `cap: $0.50`.")
    quantile = fields.number("quantile", low="0.5", high="0.999")
    return Budget(
        id=name,
        measure=measure,
        limit=limit,
        span=_span(fields),
        owner=fields.text("owner") or owner,
        scope=scope,
        per=_per(fields),
        mode=mode,
        overshoot=_overshoot(fields, limit, measure) if mode == "bounded" else 0,
        quantile=0.95 if quantile is None else float(quantile),
        unknown_price=unknown,
        cap=_amount(fields, "cap", measure) or 0,
        enforced=flag(fields, "enforce", default=True),
        thresholds=_thresholds(fields, problems),
        raises=_raises(fields, measure, problems),
        status=whole(fields, "status", 402, 400, 499),
        place=_place(fields.node),
    )


def _limits(name: str, fields: Fields, problems: Problems) -> list[Budget]:
    found: list[Budget] = []
    common: dict[str, Any] = {
        "owner": fields.text("owner"),
        "scope": _scope(fields, problems),
        "per": _per(fields),
        "enforced": flag(fields, "enforce", default=True),
        "unknown_price": "flag",
        "status": 429,
        "place": _place(fields.node),
    }
    measures: tuple[Measure, ...] = ("calls", "tokens")
    for measure in measures:
        rate = _rate(fields, measure)
        if rate is not None:
            found.append(Budget(f"{name}/{measure}", measure, rate[0], Rolling(rate[1]), "rate", **common))
    if "at_once" in fields:
        most = whole(fields, "at_once", 1, 1, 1_000_000)
        found.append(Budget(f"{name}/at_once", "in_flight", most, Lifetime(), "concurrency", **common))
    if not any(each in fields for each in ("calls", "tokens", "at_once")):
        fields.fault("calls", "it limits nothing", "Add `calls: 100 per minute`, `tokens: 2M per hour` or `at_once: 20`.")
    return found


def _limit(fields: Fields) -> tuple[int, Measure] | None:
    text = fields.text("limit", required=True)
    if text is None:
        return None
    found = _AMOUNT.match(text)
    if found is None:
        fields.fault("limit", f"limit is {text[:40]!r}", "Write an amount: $20,000 or 5M tokens or 1000 calls.")
        return None
    measure: Measure = "tokens" if found[3] == "tokens" else "calls" if found[3] == "calls" else "usd"
    amount = _amount(fields, "limit", measure)
    return None if amount is None else (amount, measure)


def _amount(fields: Fields, name: str, measure: Measure) -> int | None:
    """An amount of a measure: atto-dollars, or whole tokens or calls."""
    text = fields.text(name)
    if text is None:
        return None
    found = _AMOUNT.match(text)
    said = {"tokens": "tokens", "calls": "calls"}.get(measure)
    if found is None or (found[3] is not None and found[3] != said):
        fields.fault(name, f"{name} is {text[:40]!r}", f"Write an amount of {said or 'dollars'}, as the limit has it.")
        return None
    number = Decimal(re.sub("[,_]", "", found[1])) * _SCALE[found[2]]
    try:
        amount = atto(number) if measure == "usd" else int(number)
    except ValueError as error:
        fields.fault(name, f"{name}: {error}", "Write an amount with at most 18 decimal places.")
        return None
    if measure != "usd" and number != amount:
        fields.fault(name, f"{name} is {text}", "Write a whole number.")
        return None
    return amount


def _span(fields: Fields) -> Span:
    text = fields.text("period", required=True) or "month"
    zone = fields.text("time_zone") or "UTC"
    first = whole(fields, "fiscal_year_starts", 1, 1, 12)
    if zone != "UTC" and zone not in available_timezones():
        near = difflib.get_close_matches(zone, available_timezones(), n=1)
        hint = f"Did you mean {near[0]}?" if near else "Write a name such as Europe/Berlin or America/New_York."
        fields.fault("time_zone", f"there is no time zone {zone!r}", hint)
        zone = "UTC"
    rolling = _ROLLING.match(text)
    if rolling is not None:
        return Rolling(_seconds(fields, "period", rolling[1]))
    unit = next((each for each in UNITS if each == text), None)
    if unit is not None:
        return Calendar(unit, zone, first)
    if text != "lifetime":
        fields.fault("period", f"period is {text[:40]!r}", f"Write one of {', '.join(PERIODS)}, or `rolling 7d`.")
    return Lifetime()


def _seconds(fields: Fields, name: str, text: str) -> float:
    node = fields.get(name) or fields.node
    probe = Fields(Node({"length": Node(text, node.file, node.line)}, node.file, node.line), fields.what, ("length",), Problems())
    length = seconds(probe, "length", -1.0)
    if length < 0 or length < 1:
        fields.fault(
            name, f"{name} is {text[:40]!r}", "Write a length of at least a second and at most 30 days: 60s, 15m, 24h, 7d."
        )
        return 3600.0
    return length


def _rate(fields: Fields, name: str) -> tuple[int, float] | None:
    text = fields.text(name)
    if text is None:
        return None
    found = _RATE.match(text)
    if found is None:
        fields.fault(name, f"{name} is {text[:40]!r}", "Write how many in which time: `100 per minute`, `2M per 1h`.")
        return None
    scale = {"k": 1_000, "M": 1_000_000, "B": 1_000_000_000}.get(found[1][-1], 1)
    number = Decimal(re.sub(r"[,_kMB\s]", "", found[1])) * scale
    return max(1, int(number)), _seconds(fields, name, _NAMED.get(found[2], found[2]))


def _scope(fields: Fields, problems: Problems) -> tuple[tuple[str, tuple[str, ...]], ...]:
    node = fields.get("scope")
    if node is None or node.value is None:
        return ()
    scope = Fields(node, f"{fields.what}: scope", SCOPES, problems)
    return tuple((name, scope.words(name)) for name in SCOPES if name in scope)


def _per(fields: Fields) -> tuple[str, ...]:
    words = fields.words("per")
    for word in words:
        if word not in SCOPES:
            fields.fault("per", f"there is no dimension {word!r}", suggestion(word, SCOPES))
    return tuple(word for word in words if word in SCOPES)


def _overshoot(fields: Fields, limit: int, measure: Measure) -> int:
    """The stated bound beyond the limit: a share of it, or an amount."""
    text = fields.text("overshoot")
    share = OVERSHOOT if text is None else _share(text)
    if share is not None:
        return int(limit * share)
    return _amount(fields, "overshoot", measure) or 0


def _share(text: str) -> Decimal | None:
    found = _PERCENT.match(text)
    return None if found is None else Decimal(found[1]) / 100


def _thresholds(fields: Fields, problems: Problems) -> tuple[Threshold, ...]:
    found: list[Threshold] = []
    for node in items(fields.get("thresholds"), f"{fields.what}: thresholds", problems):
        inner = Fields(node, f"{fields.what}: threshold", ("at", "do", "calls"), problems)
        text = inner.text("at", required=True)
        share = None if text is None else _share(text)
        if text is not None and (share is None or not 0 < share <= 1):
            inner.fault("at", f"at is {text!r}", "Write a share of the limit above 0 and at most 100: `80%`.")
        action = inner.choice("do", ACTIONS, "notify")
        rate = _rate(inner, "calls")
        if action == "throttle" and rate is None:
            inner.fault("calls", "throttle needs a rate", "Add `calls: 10 per minute`.")
        per_minute = 0 if rate is None else max(1, int(rate[0] * 60 / rate[1]))
        found.append(Threshold(int((share or Decimal(1)) * BASIS_POINTS), action, per_minute))
    return tuple(sorted(found, key=lambda each: each.share))


def _raises(fields: Fields, measure: Measure, problems: Problems) -> tuple[Raise, ...]:
    found: list[Raise] = []
    for node in items(fields.get("raises"), f"{fields.what}: raises", problems):
        inner = Fields(node, f"{fields.what}: raise", ("by", "reason", "author", "from", "until"), problems)
        inner.text("by", required=True)
        amount = _amount(inner, "by", measure)
        reason, author = inner.text("reason", required=True), inner.text("author", required=True)
        since, until = inner.instant("from"), inner.instant("until", required=True)
        if until is not None and since is not None and until <= since:
            inner.fault("until", "until is not after from", "A raise ends; write a later instant.")
        if amount is not None and reason and author and until is not None:
            found.append(Raise(amount, reason, author, _epoch(until), None if since is None else _epoch(since)))
    return tuple(found)


def _epoch(at: datetime) -> float:
    return at.replace(tzinfo=UTC).timestamp()


def _place(node: Node) -> str:
    """Where a limit is declared, as messages to callers name it: without the directory, which is nobody's business."""
    return f"{Path(node.file).name}:{node.line}"


def _only_where(fields: Fields, *names: str, needed: bool, told: str) -> None:
    for name in names:
        if name in fields and not needed:
            fields.fault(name, f"{name} belongs to {told}", f"Add {told}, or leave {name} out.")
