"""A few of the invented firm's replays with both answers, so that there is something to read beside the score. All invented.

They belong to calls that are in the ledger, and only to such as the charter keeps bodies of: redacted by its rules, and gone when
its time is over, as `breakeven audit run` would have kept them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from breakeven.governance.capture import CapturePolicy
from breakeven.ledger import Ledger
from breakeven.ledger.captures import Exchange, append, read
from breakeven.ledger.intake import Intake
from breakeven.sample.replays import REPLAY_COLUMNS, Row, replays_with_bodies
from breakeven.sample.traffic import month_start
from breakeven.sample.truth import CONTRACTS, OCTOBER

_WRITER = "sample"
_API, _PROVIDER = "openai.chat", "openai"
_CALLS = """
    SELECT CAST(call_id AS VARCHAR), occurred_at, customer, model, rung
    FROM calls
    WHERE feature = $feature AND workflow = $class AND rung = 'frontier' AND status = 'ok' AND attempt = 0
        AND occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP)
    ORDER BY call_id"""


@dataclass(frozen=True, slots=True)
class _Told:
    """What was asked, what the dear rung answered, and what the cheap one answers where it agrees and where it does not."""

    asked: str
    before: Mapping[str, str]
    alike: Mapping[str, str]
    other: Mapping[str, str]


_TOLD: Mapping[str, Sequence[_Told]] = {
    "clause lookup": (
        _Told(
            "Which notice period does clause 14.2 of the frame contract set?",
            {"clause": "14.2", "term": "notice", "value": "three months to the end of a quarter"},
            {"clause": "14.2", "term": "notice", "value": "three months to the end of a quarter"},
            {"clause": "14.2", "term": "notice", "value": "three months"},
        ),
        _Told(
            "Up to which amount is the supplier liable under clause 9?",
            {"clause": "9.3", "term": "liability", "value": "EUR 250,000 a year, without limit for intent"},
            {"clause": "9.3", "term": "liability", "value": "EUR 250,000 a year, without limit for intent"},
            {"clause": "9.1", "term": "liability", "value": "EUR 250,000 a year"},
        ),
        _Told(
            "When may prices be raised under clause 6?",
            {"clause": "6.4", "term": "prices", "value": "once a year, by the index at most"},
            {"clause": "6.4", "term": "prices", "value": "once a year, by the index at most"},
            {"clause": "6.4", "term": "prices", "value": "once a year, by 3% at most"},
        ),
    ),
    "header fields": (
        _Told(
            "Read parties, date and number from the head of the contract.",
            {"supplier": "Paper Mill No. 7", "buyer": "Northwind Papers", "date": "2026-03-02", "number": "R-4411"},
            {"supplier": "Paper Mill No. 7", "buyer": "Northwind Papers", "date": "2026-03-02", "number": "R-4411"},
            {"supplier": "Paper Mill", "buyer": "Northwind Papers", "date": "2026-03-02", "number": "R-4411"},
        ),
    ),
}


def keep_replays(ledger: Ledger, intake: Intake, policy: CapturePolicy | None, seed: int, now: datetime) -> int:
    """Add the replays that the files leave out, each of a call of October, and keep both answers; returns how many are kept.

    Nothing is kept twice, nothing without a `policy`, and nothing whose time is over at `now`.
    """
    placed = list(_placed(ledger, policy, seed))
    intake.facts_rows("replays", [_fact(row, call) for row, call, _ in placed])
    intake.commit()
    if policy is None or any(True for _ in read(ledger.layout, CONTRACTS, now=now, replays=True)):
        return 0
    kept = [each for row, call, told in placed for each in _exchanges(row, call, told, policy) if (each.keep_until or now) > now]
    return append(ledger.layout, _WRITER, kept) // 2


def _placed(ledger: Ledger, policy: CapturePolicy | None, seed: int) -> Iterator[tuple[Row, tuple[object, ...], _Told]]:
    """Each replay with the call that it answers again: one of those whose bodies the charter keeps."""
    waiting: dict[str, Iterator[tuple[object, ...]]] = {}
    span = {"start": month_start(OCTOBER), "end": month_start(OCTOBER + 1)}
    for number, row in enumerate(replays_with_bodies(seed)):
        name = str(row[REPLAY_COLUMNS.index("class")])
        if name not in waiting:
            calls = ledger.query(_CALLS, {"feature": CONTRACTS, "class": name, **span})
            waiting[name] = iter([call for call in calls if policy is None or policy.takes(str(call[0]))] or calls)
        call = next(waiting[name], None)
        if call is not None:
            yield row, call, _TOLD[name][number % len(_TOLD[name])]


def _fact(row: Row, call: tuple[object, ...]) -> dict[str, object]:
    said = dict(zip(REPLAY_COLUMNS, row, strict=True))
    occurred = call[1]
    assert isinstance(occurred, datetime)  # noqa: S101 - as the ledger types it
    return {
        "identity": said["id"],
        "occurred_at": occurred.isoformat(),
        "feature": said["feature"],
        "task_class": said["class"],
        "call_id": call[0],
        **{name: said[name] for name in ("from_rung", "from_model", "to_rung", "to_model", "cost", "scored_by")},
        "agreed": said["agreed"] == "true",
        "kind": "import",
        "source_ref": said["id"],
    }


def _exchanges(row: Row, call: tuple[object, ...], told: _Told, policy: CapturePolicy) -> Iterator[Exchange]:
    said = dict(zip(REPLAY_COLUMNS, row, strict=True))
    call_id, occurred, customer, model, rung = call
    assert isinstance(occurred, datetime)  # noqa: S101 - as the ledger types it
    agreed = said["agreed"] == "true"
    question = f"Invented contract of {customer}. {told.asked} Answer as JSON."
    request = {"model": model, "messages": [{"role": "user", "content": question}]}
    asked, _ = policy.redacted(json.dumps(request).encode())
    before = Exchange(
        call_id=str(call_id),
        attempt=0,
        occurred_at=occurred,
        feature=CONTRACTS,
        workflow=str(said["class"]),
        customer=None if customer is None else str(customer),
        model=str(model),
        rung=str(rung),
        request=asked,
        response=_answer(str(model), told.before, policy),
        redacted=False,
        api=_API,
        provider=_PROVIDER,
        keep_until=occurred + timedelta(seconds=policy.retention_seconds),
    )
    yield before
    yield replace(
        before,
        model=str(said["to_model"]),
        rung=str(said["to_rung"]),
        request=b"null",
        response=_answer(str(said["to_model"]), told.alike if agreed else told.other, policy),
        replay=True,
    )


def _answer(model: str, fields: Mapping[str, str], policy: CapturePolicy) -> bytes:
    content = json.dumps({**fields, "invented": True})
    body = {"model": model, "choices": [{"index": 0, "message": {"role": "assistant", "content": content}}]}
    return policy.redacted(json.dumps(body).encode())[0]
