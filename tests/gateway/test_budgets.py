"""Budgets, rates and policies of a running gateway, as applications and their developers see them."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import anthropic
import openai
import pytest

LIMITS = """
features:
  cheap: {{models: [gpt-4o-mini, gpt-4o]}}
budgets:
  spent: {{scope: {{feature: spent}}, limit: $0.0000001, period: month, owner: ann}}
  tight: {{scope: {{feature: tight}}, limit: $0.0002, period: month}}
  loose: {{scope: {{feature: loose}}, limit: $0.0002, period: day, mode: bounded, overshoot: $0.0001}}
  each: {{scope: {{feature: each}}, per: customer, limit: 2 calls, period: lifetime}}
  watched: {{scope: {{feature: watched}}, limit: 1 calls, period: day, enforce: false}}
  tokens: {{scope: {{feature: tokens}}, limit: 400 tokens, period: rolling 1h}}
  ladder: {{scope: {{feature: cheap}}, limit: 10 calls, period: day, thresholds: [{{at: 20%, do: downgrade}}]}}
  slow: {{scope: {{feature: slow}}, limit: 100 calls, period: day, thresholds: [{{at: 2%, do: throttle, calls: 2 per minute}}]}}
  unknown: {{scope: {{feature: unknown}}, limit: $5, period: day}}
  capped: {{scope: {{feature: capped}}, limit: $1, period: day, unknown_price: cap, cap: $0.4}}
  flagged: {{scope: {{feature: flagged}}, limit: $1, period: day, unknown_price: flag}}
limits:
  rate: {{scope: {{feature: rate}}, calls: 2 per minute}}
  once: {{scope: {{feature: once}}, at_once: 1}}
policies:
  no-pro: {{rule: forbid, models: ["*-pro"], owner: cto, why: too dear}}
  named: {{rule: require, known: [team], when: {{feature: named}}, action: warn}}
"""


class Answer(NamedTuple):
    """Status, headers by lower-cased name, and the JSON of the body."""

    status: int
    headers: dict[str, str]
    said: Any


class Caller:
    """Calls for one gateway."""

    def __init__(self, service: Any) -> None:
        self.service = service

    def __call__(self, feature: str, model: str = "gpt-4o-mini", most: int = 20, **headers: str) -> Answer:
        """One chat completion for a feature."""
        body = {"model": model, "max_tokens": most, "messages": [{"role": "user", "content": "hello"}]}
        sent = {"content-type": "application/json", "breakeven-feature": feature}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(f"{self.service.url}/v1/chat/completions", json.dumps(body).encode(), sent)  # noqa: S310 - our own gateway
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - as above
                return Answer(answer.status, {k.lower(): v for k, v in answer.headers.items()}, json.loads(answer.read()))
        except urllib.error.HTTPError as error:
            return Answer(error.code, {k.lower(): v for k, v in error.headers.items()}, json.loads(error.read()))


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory, vendor: Any, usual_config: str, service_type: Any) -> Iterator[Any]:
    """A gateway with two workers and every kind of limit."""
    service = service_type(tmp_path_factory.mktemp("limits"), vendor, usual_config + LIMITS, "--workers", "2")
    yield service
    service.stop()


@pytest.fixture
def call(limited: Any) -> Caller:
    """A caller of the limited gateway."""
    return Caller(limited)


def spend(call: Caller, feature: str, at_once: int = 8, calls: int = 60) -> list[Answer]:
    """Many calls at once."""
    with ThreadPoolExecutor(at_once) as callers:
        return list(callers.map(lambda _: call(feature), range(calls)))


def cost(answers: list[Answer]) -> Decimal:
    """What the answered calls cost, as their headers say."""
    return sum((Decimal(each.headers["breakeven-cost-usd"]) for each in answers if each.status == 200), Decimal(0))


def test_a_spent_budget_explains_itself(call: Caller) -> None:
    """402, not to be tried again, with whose budget, how it stands, when it starts anew and whom to ask."""
    refused = call("spent")
    assert refused.status == 402
    assert refused.headers["x-should-retry"] == "false"
    error = refused.said["error"]
    assert error["code"] == "budget_exhausted"
    assert (error["budget"], error["owner"], error["limit"], error["spent"], error["currency"]) == (
        "spent", "ann", "0.0000001", "0", "USD",
    )  # fmt: skip
    assert error["resets_at"].endswith("-01T00:00:00Z")
    assert "Ask ann for a raise" in error["message"]
    assert "smaller call" in error["message"]
    assert str(Path(call.service.config).parent) not in error["message"] + str(error["declared_at"])


def test_each_official_sdk_asks_once(call: Caller) -> None:
    """A call that a budget refuses costs one request: neither SDK tries it again."""
    url = call.service.url
    headers = {"breakeven-feature": "spent", "breakeven-customer": "sdk-openai"}
    with openai.OpenAI(base_url=f"{url}/v1", api_key="sk-mine", default_headers=headers) as client:
        with pytest.raises(openai.APIStatusError) as refused:
            client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "x"}], max_tokens=5)
        assert refused.value.status_code == 402
        assert refused.value.code == "budget_exhausted"
    headers["breakeven-customer"] = "sdk-anthropic"
    with anthropic.Anthropic(base_url=url, api_key="sk-mine", default_headers=headers) as claude:
        with pytest.raises(anthropic.APIStatusError) as blocked:
            claude.messages.create(model="claude-sonnet-4-6", messages=[{"role": "user", "content": "x"}], max_tokens=5)
        assert blocked.value.status_code == 402
        body: Any = blocked.value.body
        assert (body["type"], body["error"]["type"]) == ("error", "billing_error")
    for customer in ("sdk-openai", "sdk-anthropic"):
        call.service.calls(1, f"status = 'refused' AND customer = '{customer}'")


def test_a_strict_budget_is_never_exceeded(call: Caller) -> None:
    """Many calls at once on two workers spend at most the limit; refusals are 402 when spent, 429 while others hold the rest."""
    answers = spend(call, "tight")
    spent = cost(answers)
    assert Decimal(0) < spent <= Decimal("0.0002")
    assert {each.status for each in answers} <= {200, 402, 429}
    assert answers[-1].status in (402, 429)
    last = call("tight")
    assert last.status == 402
    assert Decimal(last.said["error"]["spent"]) == spent
    assert Decimal(last.said["error"]["wanted"]) > Decimal("0.0002") - spent


def test_a_bounded_budget_keeps_its_bound(call: Caller) -> None:
    """What is spent is at most limit and overshoot."""
    assert Decimal("0.0001") < cost(spend(call, "loose")) <= Decimal("0.0003")


def test_each_customer_has_an_account(call: Caller) -> None:
    """Two calls for everybody, whatever the others do; calls without a customer draw on none."""
    statuses = [[call("each", breakeven_customer=name).status for _ in range(3)] for name in ("a", "b")]
    assert statuses == [[200, 200, 402], [200, 200, 402]]
    assert [call("each").status for _ in range(3)] == [200, 200, 200]


def test_a_watched_budget_refuses_nothing(call: Caller) -> None:
    """It counts all the same."""
    assert [call("watched").status for _ in range(3)] == [200, 200, 200]


def test_tokens_are_limited_too(call: Caller) -> None:
    """A budget in tokens reserves what the call may use at most and counts what it used."""
    statuses = [call("tokens").status for _ in range(20)]
    assert statuses[0] == 200
    assert statuses[-1] == 402


def test_past_a_threshold_calls_move_down_the_ladder(call: Caller) -> None:
    """The feature's next cheaper model answers, and the answer says so."""
    models = [call("cheap", model="gpt-4o").headers["breakeven-model"] for _ in range(9)]
    assert models[0] == "gpt-4o"
    assert models.count("gpt-4o-mini") >= 3  # each worker has to see the threshold crossed


def test_past_a_threshold_calls_are_throttled(call: Caller) -> None:
    """A rate holds from there on, with Retry-After; a worker hears within a moment what was spent."""
    answers = [call("slow")]
    assert answers[0].status == 200
    while answers[-1].status == 200 and len(answers) < 40:
        time.sleep(0.05)
        answers.append(call("slow"))
    assert answers[-1].status == 429
    assert answers[-1].said["error"]["code"] == "rate_limit_exceeded"


def test_a_rate_says_when_to_come_again(call: Caller) -> None:
    """Two calls a minute: the third is refused with the usual headers, which the others have too."""
    answers = [call("rate") for _ in range(3)]
    assert [each.status for each in answers] == [200, 200, 429]
    assert answers[0].headers["x-ratelimit-limit-requests"] == "2"
    refused = answers[2]
    assert 1 <= int(refused.headers["retry-after"]) <= 62
    assert refused.headers["x-ratelimit-remaining-requests"] == "0"
    assert "allows 2 calls within 1 minute" in refused.said["error"]["message"]


def test_calls_at_once_are_limited(call: Caller) -> None:
    """While one is under way another waits a moment and is refused; afterwards the place is free."""
    slow = json.dumps({"delay": 3})
    with ThreadPoolExecutor(2) as callers:
        statuses = sorted(each.status for each in callers.map(lambda _: call("once", x_script=slow), range(2)))
    assert statuses == [200, 429]
    assert call("once").status == 200


def test_what_happens_to_calls_of_unknown_price_is_the_budgets_choice(call: Caller) -> None:
    """Refused, counted with a cap, or let pass."""
    refused = call("unknown", model="nobody-knows")
    assert (refused.status, refused.said["error"]["code"]) == (402, "budget_price_unknown")
    assert "breakeven prices add" in refused.said["error"]["message"]
    assert [call("capped", model="nobody-knows").status for _ in range(3)] == [200, 200, 402]
    assert [call("flagged", model="nobody-knows").status for _ in range(3)] == [200, 200, 200]


def test_a_policy_refuses_and_says_why(call: Caller) -> None:
    """403 with the policy, its owner and what to do; a warning lets the call pass and marks it."""
    refused = call("any", model="gpt-5.5-pro")
    assert (refused.status, refused.said["error"]["code"], refused.said["error"]["policy"]) == (403, "policy_refused", "no-pro")
    assert refused.headers["x-should-retry"] == "false"
    assert call("named").status == 200
    (warned,) = call.service.calls(1, "feature = 'named'")
    assert json.loads(warned["tags"]) == {"policy_warning": "named"}


def test_the_answer_says_what_is_left(call: Caller) -> None:
    """The tightest budget that the call draws on, to the last digit."""
    answer = call("flagged")
    assert Decimal(answer.headers["breakeven-budget-remaining-usd"]) == 1 - cost([answer])


def test_a_retried_call_draws_on_one_reservation(call: Caller) -> None:
    """Two failures and a success count as one call of the budget."""
    failing = json.dumps({"status": 503, "times": 2})
    assert call("each", breakeven_customer="retry", x_script=failing).status == 200
    assert call("each", breakeven_customer="retry").status == 200
    assert call("each", breakeven_customer="retry").status == 402
