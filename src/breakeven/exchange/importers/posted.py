"""Calls that an application or another tool reports itself, one object a call, in plain words.

    {"id": "...", "at": "2026-11-23T10:00:00Z", "provider": "openai", "model": "gpt-4o",
     "usage": {"input": 900, "output": 120}, "feature": "support", "customer": "acme", "tags": {"plan": "pro"}}

`usage` holds disjoint classes. Instead of it, `response` may hold the vendor's own answer, which is read by the vendor's rule. What
is neither is unknown, never 0. A name that does not exist is a fault of its row: a misspelt field would lose in silence what it
says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, DecimalException
from typing import Any

import msgspec

from breakeven.economics.money import digits
from breakeven.economics.usage import CLASS_BY_NAME
from breakeven.exchange.importers.fields import CONTEXT
from breakeven.exchange.importers.names import family
from breakeven.exchange.importers.records import object_text, pricing_context
from breakeven.exchange.importers.recordwise import WHO, RecordImporter, Row, RowFault
from breakeven.providers import read

Node = Mapping[str, Any]
_WHO: Mapping[str, str] = {
    "feature": "feature", "team": "team", "customer": "customer", "user": "user_id", "workflow": "workflow",
    "environment": "environment", "trace": "trace_id",
}  # fmt: skip
_TEXTS = ("provider", "model", "model_requested", "api", "rung")
_COUNTS: Mapping[str, int] = {
    "http_status": 999, "latency_ms": 2**31 - 1, "first_token_ms": 2**31 - 1, "attempt": 2**15 - 1,
}  # fmt: skip
_STATUSES = ("ok", "failed", "refused", "cut_off")
_CONTEXT = tuple(field.name for field in CONTEXT)
FIELDS = frozenset(
    {"id", "at", "usage", "response", "status", "billed", "stated_cost", "tags", *_TEXTS, *_COUNTS, *_CONTEXT, *_WHO}
)
_MOST = 10**15


def rows_of(node: Node) -> Iterator[Row]:
    """The rows of one reported call, one for each model iteration."""
    unknown = sorted(node.keys() - FIELDS)
    if unknown:
        raise RowFault(f"there is no field {unknown[0]!r}", unknown[0], f"Fields: {', '.join(sorted(FIELDS))}.")
    at = _instant(node.get("at"))
    given = _text(node, "id")
    texts = {name: _text(node, name) for name in _TEXTS}
    provider = (texts["provider"] or family(texts["model"] or "")).lower() or None
    status = _text(node, "status") or "ok"
    if status not in _STATUSES:
        raise RowFault(f"status is {status!r}", "status", f"Write one of {', '.join(_STATUSES)}.")
    row: Row = {
        **texts, "provider": provider, "identity": f"call:{given}" if given else f"content:{_digest(node)}", "occurred_at": at,
        **{name: _count(node.get(name), name, most) for name, most in _COUNTS.items()}, "status": status,
        "billed": _flag(node.get("billed"), "billed"), "stated_cost": _money(node.get("stated_cost")),
        "pricing_context": pricing_context({name: _text(node, name) for name in _CONTEXT}),
        "tags": _tags(node.get("tags")), "source_ref": given,
        WHO: {column: (_text(node, name), "body") for name, column in _WHO.items()},
    }  # fmt: skip
    if node.get("response") is not None:
        yield from _read(row, node)
        return
    usage = node.get("usage")
    row["usage_known"] = usage is not None
    if usage is not None:
        row |= _usage(usage)
    if usage and not (row["model"] or row["stated_cost"] is not None):
        raise RowFault("usage without a model can never be priced", "model", "Say which model answered.")
    yield row


def _read(row: Row, node: Node) -> Iterator[Row]:
    """The vendor's own answer, by the vendor's rule."""
    if node.get("usage") is not None:
        raise RowFault("it has both usage and response", "usage", "Give one of them.")
    answer = node["response"]
    if not isinstance(answer, dict) or not row["provider"]:
        raise RowFault("a response needs an object and a provider", "response", "Say whose answer it is: provider.")
    context = {name: value for name in _CONTEXT if (value := node.get(name))}
    reading = read(
        answer, provider=row["provider"], api=row["api"], model=row["model"], context=context, where=str(row["source_ref"])
    )
    row |= {
        "api": reading.api, "model": reading.model or row["model"], "pricing_context": pricing_context(reading.context),
        "usage_known": reading.state == "metered",
        "source_ref": row["source_ref"] or reading.response_id or None,
    }  # fmt: skip
    if reading.state == "not_billed":
        row |= {"billed": False, "status": "failed"}
    if reading.stated_cost is not None and row["stated_cost"] is None:
        row["stated_cost"] = digits(reading.stated_cost)
    if not reading.parts:
        yield row
    for number, part in enumerate(reading.parts):
        yield {**row, "part": number, "part_model": part.model or reading.model, **part.usage}


def _usage(usage: object) -> dict[str, int]:
    if not isinstance(usage, dict):
        raise RowFault("usage is no object", "usage", 'Write {"input": 900, "output": 120}.')
    for name in usage:
        if name not in CLASS_BY_NAME:
            raise RowFault(f"there is no usage class {name!r}", f"usage.{name}", f"Classes: {', '.join(CLASS_BY_NAME)}.")
    return {name: _count(value, f"usage.{name}", _MOST) or 0 for name, value in usage.items()}


def _instant(value: object) -> datetime:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise RowFault(f"at is {value!r}", "at", "Write an instant with its zone, such as 2026-11-23T10:00:00Z.")
    return at.astimezone(UTC).replace(tzinfo=None)


def _text(node: Node, name: str) -> str | None:
    value = node.get(name)
    if value is not None and not isinstance(value, str):
        raise RowFault(f"{name} is {value!r}, not text", name, "Write it in quotes.")
    return value.strip() or None if value is not None else None


def _count(value: object, name: str, most: int) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise RowFault(f"{name} is {value!r}", name, f"Write a whole number from 0 to {most}.")
    return value


def _flag(value: object, name: str) -> bool:
    if value is None:
        return True
    if not isinstance(value, bool):
        raise RowFault(f"{name} is {value!r}", name, "Write true or false.")
    return value


def _money(value: object) -> str | None:
    if value is None:
        return None
    try:
        amount = Decimal(value) if isinstance(value, str | int) and not isinstance(value, bool) else None
    except DecimalException:
        amount = None
    if amount is None or not amount.is_finite() or abs(amount) >= Decimal(10) ** 18 or amount != amount.quantize(Decimal("1e-18")):
        raise RowFault(f"stated_cost is {value!r}", "stated_cost", 'Write an exact amount in US dollars as text, such as "1.25".')
    return f"{amount:f}"


def _tags(value: object) -> str:
    if value is None:
        return "{}"
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise RowFault("tags are no object of texts", "tags", 'Write {"name": "value"}.')
    return object_text(value)


def _digest(node: Node) -> str:
    return hashlib.sha256(msgspec.json.encode(node, order="sorted")).hexdigest()[:32]


POSTED = RecordImporter("posted", "Calls as they are posted to /api/v1/calls.", rows_of)
"""How posted calls are read; not a format of `breakeven import`, whose format `calls` maps columns."""
