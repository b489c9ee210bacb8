"""Live calls of the invented company, for a gateway to meter: who calls what for whom, endlessly, the same for the same seed."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass

from breakeven.sample.company import customer_name
from breakeven.sample.truth import CUSTOMERS, TRIAL

_LOREM = "invented words of an invented customer about an invented matter that nobody has to read "


@dataclass(frozen=True, slots=True)
class LiveCall:
    """One call as an application would send it: path, headers that attribute it, body; and what it achieves, if anything."""

    path: str
    headers: dict[str, str]
    body: bytes
    outcome: dict[str, object] | None


@dataclass(frozen=True, slots=True)
class _Kind:
    feature: str
    team: str
    model: str
    dialect: str
    characters: int
    words: int
    share: int
    unit: str = ""
    workflow: str = ""


_DELIVERED, _SUCCEEDED = 0.7, 0.95
_LONGEST_ANSWER = 4
_KINDS = (
    _Kind("Support answers", "support", "claude-sonnet-4-6", "anthropic", 6_000, 220, 5, "answer"),
    _Kind("Support answers", "support", "gpt-5.4", "openai", 5_000, 200, 3, "answer"),
    _Kind("Invoice capture", "back office", "claude-haiku-4-5-20251001", "anthropic", 9_000, 150, 3, "document"),
    _Kind("Contract extraction", "legal", "gpt-5.5-pro", "openai", 40_000, 400, 2, "document", "clause lookup"),
    _Kind(TRIAL, "marketing", "gpt-5.4", "openai", 2_000, 150, 3, "letter"),
    _Kind("", "", "gpt-5.4", "openai", 3_000, 120, 1),
)


def live_calls(seed: int) -> Iterator[LiveCall]:
    """Calls without end; one in fourteen says no feature, as in real life."""
    chance = random.Random(seed)  # noqa: S311 - invented traffic
    weights = [kind.share for kind in _KINDS]
    while True:
        kind = chance.choices(_KINDS, weights)[0]
        customer = customer_name(int(CUSTOMERS * chance.random() ** 3))
        length = int(kind.characters * chance.lognormvariate(0, 0.5))
        content = (f"{chance.random()} " + _LOREM * (length // len(_LOREM) + 1))[:length]
        request: dict[str, object] = {
            "model": kind.model,
            "stream": chance.random() < 0.5,  # noqa: PLR2004 - half of them
            "messages": [{"role": "user", "content": content}],
        }
        request["max_tokens" if kind.dialect == "anthropic" else "max_completion_tokens"] = _LONGEST_ANSWER * kind.words
        words = max(1, int(kind.words * chance.lognormvariate(0, 0.4)))
        who = {
            "breakeven-feature": kind.feature,
            "breakeven-team": kind.team,
            "breakeven-customer": customer,
            "breakeven-workflow": kind.workflow,
        }
        headers = {name: value for name, value in who.items() if value} | {"x-script": json.dumps({"words": words})}
        path = "/v1/messages" if kind.dialect == "anthropic" else "/v1/chat/completions"
        yield LiveCall(path, headers, json.dumps(request).encode(), _outcome(kind, customer, chance))


def _outcome(kind: _Kind, customer: str, chance: random.Random) -> dict[str, object] | None:
    if not kind.unit or chance.random() > _DELIVERED:
        return None
    who = {"feature": kind.feature, "team": kind.team, "customer": customer}
    return {"unit": kind.unit, "succeeded": chance.random() < _SUCCEEDED, **who}
