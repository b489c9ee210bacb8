"""What a call can cost at most, before it is made."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breakeven.gateway.dialects import hints_of
from breakeven.gateway.estimating import UNBOUNDED, Bound, Estimator, History
from breakeven.gateway.targets import Target, Targets
from breakeven.settings import GatewaySettings, Route, RouteTarget
from breakeven.settings.providers import default_providers

AT = datetime(2026, 11, 1)
WINDOW = 5_000


class Prices:
    """Dearest prices of one invented model: 3 a token in, 7 out; `free-output` has no price of output, others no price at all."""

    def dearest(self, provider: str, model: str, context: object, tokens: int, at: datetime) -> tuple[int, int] | None:
        """As `Rater.dearest`."""
        del provider, context, tokens, at
        return {"known": (3, 7), "boundless": (3, 7), "embedding": (3, 0)}.get(model)


def target() -> Target:
    """Where chat completions of OpenAI go."""
    found = Targets(GatewaySettings(providers=default_providers()), {}).find(
        b"POST", b"/v1/chat/completions", "known", anthropic=False
    )
    assert isinstance(found, tuple)
    return found[0]


def bound(**body: Any) -> Bound:
    """The bound of a chat completion with this body."""
    content = json.dumps({"model": "known", **body}).encode()
    estimator = Estimator(Prices(), lambda _provider, model: None if model == "boundless" else WINDOW)  # type: ignore[arg-type] # all that is asked for
    return estimator.bound(target(), hints_of(content), content, AT)


def test_the_body_bounds_the_question_and_max_tokens_the_answer() -> None:
    """Bytes and what is wrapped around them, at the dearest price of input; the longest answer at the dearest of output."""
    body = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 50}
    size = len(json.dumps({"model": "known", **body}).encode())
    assert bound(**body) == Bound(size + 64 + 50, (size + 64) * 3 + 50 * 7)


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens", "max_output_tokens"])
def test_every_way_to_bound_an_answer_is_understood(name: str) -> None:
    """Each dialect has its word for it."""
    assert bound(**{name: 10}).tokens == len(json.dumps({"model": "known", name: 10})) + 64 + 10


def test_the_window_bounds_what_the_call_does_not() -> None:
    """Neither question nor answer exceed the model's window; several answers are as many times as long."""
    assert bound(messages=[{"role": "user", "content": "x" * 6_000}], max_tokens=9_999) == Bound(
        2 * WINDOW, WINDOW * 3 + WINDOW * 7
    )
    assert bound(n=3).tokens == len(b'{"model": "known", "n": 3}') + 64 + 3 * WINDOW
    assert bound(previous_response_id="resp_1", max_tokens=1) == Bound(WINDOW + 1, WINDOW * 3 + 7)


@pytest.mark.parametrize(
    "body",
    [
        {"model": "boundless"},
        {"model": "boundless", "max_tokens": 5, "previous_response_id": "resp_1"},
        {"max_tokens": 5, "tools": [{"type": "web_search_preview"}]},
        {"max_tokens": 5, "tools": [{"type": "function"}, {"type": "code_interpreter", "container": {}}]},
        {"max_tokens": 5, "tools": "anything"},
    ],
)
def test_what_cannot_be_bounded_is_unknown(body: dict[str, Any]) -> None:
    """No window and no length, a conversation at the vendor, tools that the vendor runs: no guess is made."""
    assert bound(**body) == UNBOUNDED


def test_a_model_without_a_price_is_bounded_in_tokens_only() -> None:
    """What it costs is unknown, how much it uses is not."""
    found = bound(model="nobody-knows", max_tokens=5)
    assert found.cost is None
    assert found.tokens is not None


def test_embeddings_have_no_answer_to_pay_for() -> None:
    """A model whose output has no price is bounded by its input alone."""
    size = len(b'{"model": "embedding", "input": "x"}') + 64
    assert bound(model="embedding", input="x") == Bound(size, size * 3)


def test_tools_of_the_callers_own_add_what_vendors_wrap_around_them() -> None:
    """Functions are described to the model in words that are billed."""
    body = {"max_tokens": 5, "tools": [{"type": "function", "function": {"name": "f"}}]}
    assert bound(**body).tokens == len(json.dumps({"model": "known", **body})) + 64 + 1_024 + 5


def test_a_body_that_is_odd_elsewhere_is_bounded_all_the_same() -> None:
    """Whatever else a body says in a way that we do not know, its length and limits count."""
    assert bound(metadata=5, user=[1], messages={"odd": True}, max_tokens=9).tokens is not None


@settings(max_examples=60)
@given(st.lists(st.integers(1, 10**6), min_size=100, max_size=300), st.sampled_from([0.5, 0.9, 0.95]))
def test_the_expected_cost_is_the_quantile_of_history(costs: list[int], quantile: float) -> None:
    """At least that share of past calls cost no more of their worst case than is expected, and little more than is needed."""
    worst = 10**6
    history = History()
    for cost in costs:
        history.note("f", cost, worst)
    expected = history.expected("f", quantile, worst)
    assert sum(cost <= expected for cost in costs) >= quantile * len(costs)
    smaller = expected / 1.2
    assert sum(cost < smaller for cost in costs) < quantile * len(costs) + 1 or expected <= worst * 2**-15


def test_while_little_is_known_the_worst_is_expected() -> None:
    """Thirty calls are the fewest that say anything."""
    history = History()
    for _ in range(29):
        history.note("f", 1, 100)
    assert history.expected("f", 0.95, 100) == 100
    history.note("f", 1, 100)
    assert history.expected("f", 0.95, 100) < 5


def test_a_translated_call_is_bounded_by_the_answer_that_is_asked_for() -> None:
    """Where a chat completion names no longest answer, the message request does, and costs no more than that."""
    route = Route("known", (RouteTarget("anthropic", "known", 70),))
    providers = {name: replace(each, api_key_env="KEY") for name, each in default_providers().items()}
    found = Targets(GatewaySettings(providers=providers, routes=(route,)), {"KEY": "a"}).find(
        b"POST", b"/v1/chat/completions", "known", anthropic=False
    )
    assert isinstance(found, tuple)
    content = json.dumps({"model": "known", "messages": [{"role": "user", "content": "hi"}]}).encode()
    estimator = Estimator(Prices(), lambda _provider, _model: WINDOW)  # type: ignore[arg-type] # all that is asked for
    assert estimator.bound(found[0], hints_of(content), content, AT).tokens == len(content) + 64 + 70
