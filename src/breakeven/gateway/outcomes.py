"""`POST /api/v1/outcomes`: value beside cost, reported by applications. What is acknowledged is on the disk.

    {"outcomes": [{"id": "...", "at": "2026-11-23T10:00:00Z", "unit": "ticket", "quantity": 1, "succeeded": true, "value": "1.25",
                   "feature": "support", "customer": "acme", "tags": {"plan": "pro"}}]}

The same `id` is the same event, however often it is sent (within three days of its time, which is how far back is looked).
 A row that is wrong is named with its index and loses no other.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal, DecimalException
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from breakeven.economics.money import atto
from breakeven.gateway.dimensions import DIMENSIONS, clean, flaw
from breakeven.gateway.facts import money, named_id

if TYPE_CHECKING:
    from breakeven.governance.privacy import Pseudonyms

MOST_ROWS = 10_000
_LARGEST_QUANTITY = 10**15
_FIELDS = frozenset({"id", "at", "unit", "quantity", "succeeded", "value", "tags", *DIMENSIONS})
_COLUMNS = {"user": "user_id"}


class _Batch(msgspec.Struct):
    outcomes: list[dict[str, Any]]


class Rejected(msgspec.Struct):
    """A row that was not taken: where it stands, what is wrong with it, what to do."""

    index: int
    what: str
    remedy: str


class RowFault(ValueError):
    """What is wrong with a row, and the remedy."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


def rows_of(
    body: bytes, recorded_at: str, locked: dict[str, str], pseudonyms: Pseudonyms | None = None
) -> tuple[list[dict[str, Any]], list[Rejected]]:
    """The outcome facts of a batch and the rows that are none. `locked` are dimensions that the caller's key decides.

    Raises RowFault where the body is no batch at all.
    """
    try:
        batch = msgspec.json.decode(body, type=_Batch)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RowFault(f"the body is no batch of outcomes: {error}", 'Send {"outcomes": [{"unit": ..., "at": ...}]}.') from error
    if len(batch.outcomes) > MOST_ROWS:
        raise RowFault(f"the batch has {len(batch.outcomes)} rows", f"Send at most {MOST_ROWS} at once.")
    rows: list[dict[str, Any]] = []
    rejected: list[Rejected] = []
    for index, said in enumerate(batch.outcomes):
        try:
            rows.append(_row(said, recorded_at, locked, pseudonyms))
        except RowFault as fault:
            rejected.append(Rejected(index, fault.what, fault.remedy))
    return rows, rejected


def _row(said: dict[str, Any], recorded_at: str, locked: dict[str, str], pseudonyms: Pseudonyms | None) -> dict[str, Any]:
    unknown = sorted(said.keys() - _FIELDS)
    if unknown:
        raise RowFault(f"there is no field {unknown[0]!r}", f"Fields: {', '.join(sorted(_FIELDS))}.")
    unit = _text(said, "unit")
    if unit is None:
        raise RowFault("unit is missing", "Say what was delivered: document, ticket, lead.")
    at = _instant(said.get("at"))
    given = said.get("id")
    identity = f"id:{given}" if isinstance(given, str) and given else f"content:{json.dumps(said, sort_keys=True)}"
    dimensions = {name: locked.get(name) or _text(said, name) for name in DIMENSIONS}
    tags = _tags(said.get("tags"))
    if pseudonyms is not None:
        tags = pseudonyms.in_tags(tags, {name: value for name, value in dimensions.items() if value is not None})
        dimensions = {name: None if value is None else pseudonyms.of(name, value) for name, value in dimensions.items()}
    return {
        "fact": "outcomes",
        "outcome_id": named_id(identity),
        "occurred_at": at.replace(tzinfo=None).isoformat(timespec="microseconds"),
        "recorded_at": recorded_at,
        "unit": unit,
        "quantity": _quantity(said.get("quantity", 1)),
        "succeeded": _flag(said.get("succeeded")),
        "value": _value(said.get("value")),
        **{_COLUMNS.get(name, name): value for name, value in dimensions.items() if name != "trace"},
        "trace_id": dimensions["trace"],
        "tags": json.dumps(tags, sort_keys=True, ensure_ascii=False, separators=(",", ":")) if tags else None,
        "source": "api:outcomes",
        "source_ref": given if isinstance(given, str) else None,
    }


def _instant(value: object) -> datetime:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise RowFault(f"at is {value!r}", "Write an instant with its zone, such as 2026-11-23T10:00:00Z.")
    return at.astimezone(UTC)


def _text(said: dict[str, Any], name: str) -> str | None:
    value = said.get(name)
    if value is not None and not isinstance(value, str):
        raise RowFault(f"{name} is {value!r}, not text", "Write it in quotes.")
    what = flaw(value.strip()) if value is not None else None
    if what is not None:
        raise RowFault(f"{name}: {what}", "Shorten it, or take out what cannot be seen; a changed value would be another one.")
    return clean(value)


def _quantity(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LARGEST_QUANTITY:
        raise RowFault(f"quantity is {value!r}", "Write a whole number, 0 or more.")
    return value


def _flag(value: object) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise RowFault(f"succeeded is {value!r}", "Write true, false, or leave it out where it is not known.")
    return value


def _value(value: object) -> str | None:
    if value is None:
        return None
    exact = isinstance(value, str | int) and not isinstance(value, bool)
    try:
        return money(atto(Decimal(str(value)))) if exact else _no_amount(value)
    except (ValueError, DecimalException):
        return _no_amount(value)


def _no_amount(value: object) -> NoReturn:
    raise RowFault(f"value is {value!r}", 'Write an exact amount in US dollars as text, such as "1.25".')


def _tags(value: object) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise RowFault("tags are no object of texts", 'Write {"name": "value"}.')
    return value
