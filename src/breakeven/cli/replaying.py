"""Answering past tasks again through the gateway, within a budget: what `audit run` does for each task of its sample."""

from __future__ import annotations

import importlib
import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from breakeven.alignment.caching import template_of
from breakeven.alignment.checks.judge import JudgeCheck
from breakeven.alignment.scoring import Score
from breakeven.alignment.task import Reply, Task
from breakeven.errors import DataError, Unreachable, UsageError
from breakeven.gateway.attribution import Attribution
from breakeven.gateway.replies import said
from breakeven.gateway.tasks import request_of, task_of
from breakeven.governance.capture import REPLAYED
from breakeven.ledger.captures import Exchange

PATHS = {"openai_chat": "/v1/chat/completions", "openai_responses": "/v1/responses", "anthropic": "/v1/messages"}
ENVIRONMENT = REPLAYED
"""What the calls of replays say of themselves: their cost is the feature's, and no audit counts them as its traffic."""
KEY = "BREAKEVEN_KEY"
_SECONDS = 120
_SERVER_FAULT = 500
Scoring = Callable[[Task, Reply, Reply], Score]


@dataclass(frozen=True, slots=True)
class Past:
    """One past task that can be asked again: the exchange, what it asks, the answer that was given, and what that cost."""

    exchange: Exchange
    request: dict[str, Any]
    task: Task
    answer: Reply
    template: str
    task_class: str
    cost: Decimal | None


def past_of(exchange: Exchange, task_class: str, cost: Decimal | None) -> Past | None:
    """A kept exchange as a task; None where its API or its answer cannot be read, or it calls tools."""
    request = request_of(exchange.request)
    if request is None or exchange.api not in PATHS:
        return None
    who = Attribution(feature=exchange.feature, workflow=exchange.workflow, customer=exchange.customer)
    task = task_of(exchange.api, request, who)
    heard = said(exchange.api, exchange.response, streamed=False)
    if task is None or heard is None or not heard.complete or heard.more:
        return None
    return Past(exchange, request, task, Reply(heard.text), template_of(request), task_class, cost)


@dataclass(slots=True)
class Gateway:
    """The gateway as the audit calls it; `spent` is what its answers have cost so far."""

    address: str
    feature: str
    task_class: str
    spent: Decimal = Decimal(0)
    answered: int = 0
    faults: list[str] = field(default_factory=list)
    answer: bytes = b""
    """The last answer as it came."""

    def ask(self, api: str, request: Mapping[str, Any], headers: Mapping[str, str]) -> tuple[Reply | None, Decimal | None, str]:
        """The answer's text (None where there is none), what it cost, and the rung. Raises Unreachable where nothing listens."""
        body = {name: value for name, value in request.items() if name not in ("stream", "stream_options")}
        sent = {
            "content-type": "application/json",
            "breakeven-feature": self.feature,
            "breakeven-workflow": self.task_class,
            "breakeven-environment": ENVIRONMENT,
            **({"anthropic-version": "2023-06-01"} if api == "anthropic" else {}),
            **({"authorization": f"Bearer {key}"} if (key := os.environ.get(KEY)) else {}),
            **headers,
        }
        call = urllib.request.Request(self.address + PATHS[api], msgspec.json.encode(body), sent)  # noqa: S310 - our own gateway
        try:
            with urllib.request.urlopen(call, timeout=_SECONDS) as answer:  # noqa: S310 - as above
                return self._heard(api, answer.read(), answer.headers)
        except urllib.error.HTTPError as error:
            self._fault(error)
            return None, None, ""
        except OSError as error:
            raise Unreachable(
                f"no gateway answers at {self.address}: {error}", "Start it with breakeven serve, or name it with --gateway."
            ) from error

    def _heard(self, api: str, content: bytes, headers: Any) -> tuple[Reply | None, Decimal | None, str]:  # noqa: ANN401 - of urllib
        told = headers.get("breakeven-cost-usd")
        cost = Decimal(told) if told else None
        self.spent += cost or 0
        self.answered += 1
        self.answer = content
        heard = said(api, content, streamed=False)
        text = None if heard is None or heard.more else Reply(heard.text)
        return text, cost, headers.get("breakeven-rung") or ""

    def _fault(self, error: urllib.error.HTTPError) -> None:
        try:
            message = json.loads(error.read())["error"]["message"]
        except (ValueError, KeyError, TypeError):
            message = error.reason
        self.faults.append(f"{error.code}: {message}")


def fits(gateway: Gateway, budget: Decimal | None, expected: Decimal | None) -> bool:
    """Whether one more answer, at its expected cost, stays within the budget. The mean so far outweighs what was expected."""
    if budget is None:
        return True
    mean = gateway.spent / gateway.answered if gateway.answered else (expected or Decimal(0))
    return gateway.spent + mean <= budget


def judged(gateway: Gateway, model: str, criterion: str | None) -> Callable[[Task, Reply], float]:
    """A model's verdict on an answer: 1 where it passes, 0 where it does not, or cannot be read."""
    check = JudgeCheck(model, criterion) if criterion else JudgeCheck(model)

    def verdict(task: Task, reply: Reply) -> float:
        request = {"model": model, "messages": [{"role": "user", "content": check.prompt(task, reply)}]}
        heard, _, _ = gateway.ask("openai_chat", request, {"breakeven-ladder": "off"})
        return 0.0 if heard is None or check.verdict(heard.text) is not None else 1.0

    return verdict


def function_of(name: str) -> Callable[[str, str, str], float]:
    """A user's scorer, as MODULE:NAME: `score(prompt, weak, strong)`, from 0 to 1. Raises UsageError."""
    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(
            f"the scorer {name!r} cannot be loaded: {error}", "Write function:MODULE:NAME, importable from here."
        ) from None
    if not callable(found):
        raise UsageError(f"the scorer {name!r} is no function", "Write function:MODULE:NAME.")
    return found  # type: ignore[no-any-return]  # a user's function


def by_function(name: str) -> Scoring:
    """Scores by a user's function; the answer that was given is worth 1."""
    function = function_of(name)

    def scored(task: Task, weak: Reply, strong: Reply) -> Score:
        value = float(function(task.prompt, weak.text, strong.text))
        if not 0 <= value <= 1:
            raise DataError(f"the scorer {name} says {value}", "A score lies between 0 and 1.")
        return Score(agreed=value == 1, weak=value, strong=1.0)

    return scored


@dataclass(frozen=True, slots=True)
class Rung:
    """Where replays go: the rung's name, its model, and what leads there. `answers_as`: the rung that has to have answered."""

    name: str
    model: str
    asked: str | None
    headers: Mapping[str, str]
    parameters: Mapping[str, Any]
    answers_as: str = ""


def replayed(
    gateway: Gateway,
    tasks: Sequence[tuple[Past, float]],
    aim: Rung,
    scoring: Scoring,
    budget: Decimal | None,
    keep: Callable[[Past, bytes], None] = lambda _past, _answer: None,
) -> Iterator[tuple[Past, float, Score, Decimal | None]]:
    """Each task with its propensity, score and cost, until the budget would be passed. No answer is a fault, and not a score.

    `keep` is given each answer as it came.
    """
    for past, propensity in tasks:
        if not fits(gateway, budget, past.cost):
            return
        request = {**past.request, **aim.parameters, **({"model": aim.asked} if aim.asked is not None else {})}
        heard, cost, answered_by = gateway.ask(past.exchange.api, request, aim.headers)
        if heard is None:
            continue
        if aim.answers_as and answered_by != aim.answers_as:
            gateway.faults.append(f"{answered_by} answered instead of {aim.answers_as}")
            continue
        keep(past, gateway.answer)
        yield past, propensity, scoring(past.task, heard, past.answer), cost


def row_of(  # noqa: PLR0913 - one argument per column that differs
    past: Past, propensity: float, score: Score, cost: Decimal | None, *, rung: str, model: str, scored_by: str, kind: str,
    judge_error: float | None,
) -> dict[str, object]:  # fmt: skip
    """One replay as a fact."""
    return {
        "identity": f"{past.exchange.call_id}:{past.exchange.attempt}:{rung}:{model}:{scored_by}",
        "occurred_at": past.exchange.occurred_at.isoformat(),
        "feature": past.exchange.feature,
        "task_class": past.task_class,
        "call_id": past.exchange.call_id,
        "from_rung": past.exchange.rung or "strong",
        "from_model": past.exchange.model,
        "to_rung": rung,
        "to_model": model,
        "agreed": score.agreed,
        "score_strong": None if score.strong is None else f"{score.strong:.6f}",
        "score_weak": None if score.weak is None else f"{score.weak:.6f}",
        "cost_strong": past.cost,
        "cost": cost,
        "scored_by": scored_by,
        "judge_error": None if judge_error is None else f"{judge_error:.6f}",
        "propensity": f"{propensity:.9f}",
        "kind": kind,
        "template": past.template,
        "source_ref": past.exchange.call_id,
    }
