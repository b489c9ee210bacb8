"""Vendors' prompt caches through a real gateway: breakpoints for features that opted in, and for no other call."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from breakeven.testing import ScriptedUpstream

LONG = "These are the rules of the house, invented for a test. " * 200
CONFIG = """
providers:
  openai: {{base_url: "{vendor}/v1", api_key_env: VENDOR_KEY}}
  anthropic: {{base_url: "{vendor}/v1", api_key_env: VENDOR_KEY}}
routes:
  - {{model: "fast", to: [{{provider: anthropic, model: claude-sonnet-4-6}}]}}
features:
  cached: {{owner: ada, prompt_cache: 5m}}
  hourly: {{owner: ada, prompt_cache: 1h}}
  plain: {{owner: ada}}
"""


@pytest.fixture(scope="module")
def caching(tmp_path_factory: pytest.TempPathFactory, vendor: ScriptedUpstream, service_type: Any) -> Iterator[Any]:
    """A gateway with features that opted in."""
    service = service_type(tmp_path_factory.mktemp("caching"), vendor, CONFIG)
    yield service
    service.stop()


def ask(service: Any, vendor: Any, feature: str, path: str, request: dict[str, Any], workflow: str) -> tuple[bytes, dict[str, Any]]:
    """One call; returns its bytes and what the vendor was asked."""
    body = json.dumps(request).encode()
    headers = {"breakeven-feature": feature, "breakeven-workflow": workflow, "content-type": "application/json"}
    assert httpx.post(f"{service.url}{path}", content=body, headers=headers).status_code == 200
    return body, json.loads(vendor.journal[-1].body)


def message(model: str, text: str, salt: str) -> dict[str, Any]:
    """A message request with a long system text of its own."""
    return {"model": model, "max_tokens": 9, "system": salt + LONG, "messages": [{"role": "user", "content": text}]}


def test_a_prefix_that_comes_again_is_cached(caching: Any, vendor: Any) -> None:
    """The first call goes byte for byte; from the second on its beginning is marked, and the ledger says how much came again."""
    salt = uuid.uuid4().hex
    body, _ = ask(caching, vendor, "cached", "/v1/messages", message("claude-sonnet-4-6", "one", salt), salt)
    assert vendor.journal[-1].body == body
    _, asked = ask(caching, vendor, "cached", "/v1/messages", message("claude-sonnet-4-6", "two", salt), salt)
    assert asked["system"] == [{"type": "text", "text": salt + LONG, "cache_control": {"type": "ephemeral"}}]
    assert asked["messages"] == [{"role": "user", "content": "two"}]
    first, second = caching.calls(2, f"workflow = '{salt}'")
    told = [int(json.loads(call["tags"])["cacheable_prefix_tokens"]) for call in (first, second)]
    whole = second["input_tokens"] + second["cache_read_tokens"] + second["cache_write_tokens"]
    assert told[0] == 0
    assert 0.95 * whole < told[1] < whole


def test_translated_calls_are_cached_too(caching: Any, vendor: Any) -> None:
    """A chat completion at an Anthropic vendor gets the breakpoints of a message."""
    salt = uuid.uuid4().hex
    chat = {"model": "fast", "messages": [{"role": "system", "content": salt + LONG}, {"role": "user", "content": "a"}]}
    _, asked = ask(caching, vendor, "hourly", "/v1/chat/completions", chat, salt)
    assert "cache_control" not in json.dumps(asked)
    _, asked = ask(caching, vendor, "hourly", "/v1/chat/completions", chat, salt)
    assert asked["system"][-1]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}


def test_who_places_breakpoints_places_them_alone(caching: Any, vendor: Any) -> None:
    """The caller's own breakpoints are never added to, and what the model is too short for is not marked."""
    salt = uuid.uuid4().hex
    own = message("claude-sonnet-4-6", "a", salt)
    own["messages"][0]["content"] = [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]
    short = {**message("claude-sonnet-4-6", "a", salt), "system": salt}
    for request in (own, short, message("claude-haiku-4-5", "a", salt)):  # the last one caches nothing below 4,096 tokens
        for _ in range(2):
            body, _ = ask(caching, vendor, "cached", "/v1/messages", request, salt)
            assert vendor.journal[-1].body == body


def test_openai_is_told_which_calls_begin_alike(caching: Any, vendor: Any) -> None:
    """OpenAI caches by itself; a key of the feature and the prompt's beginning leads such calls to the same cache."""
    salt = uuid.uuid4().hex
    system = {"role": "system", "content": salt + LONG}
    chat: dict[str, Any] = {"model": "gpt-4o", "messages": [system]}
    keys = set()
    for text in ("one", "two"):
        body, asked = ask(
            caching,
            vendor,
            "cached",
            "/v1/chat/completions",
            {**chat, "messages": [system, {"role": "user", "content": text}]},
            salt,
        )
        keys.add(asked.pop("prompt_cache_key"))
        assert asked == json.loads(body)
    assert len(keys) == 1
    for text in ("one", "two"):
        response = {"model": "gpt-4o", "instructions": salt + LONG, "input": text}
        _, asked = ask(caching, vendor, "cached", "/v1/responses", response, salt)
        keys.add(asked["prompt_cache_key"])
    assert len(keys) == 2  # of the other API's prompts, again one
    ask(caching, vendor, "cached", "/v1/chat/completions", {**chat, "prompt_cache_key": "mine"}, salt)
    assert json.loads(vendor.journal[-1].body)["prompt_cache_key"] == "mine"


def test_other_calls_stay_as_they_are(caching: Any, vendor: Any) -> None:
    """A feature that has not opted in, and calls that are no prompts, arrive byte for byte and carry no tag."""
    salt = uuid.uuid4().hex
    for _ in range(2):
        body, _ = ask(caching, vendor, "plain", "/v1/messages", message("claude-sonnet-4-6", "a", salt), salt)
        assert vendor.journal[-1].body == body
    body, _ = ask(caching, vendor, "cached", "/v1/embeddings", {"model": "text-embedding-3-small", "input": "a"}, salt)
    assert vendor.journal[-1].body == body
    assert all("cacheable" not in (call["tags"] or "") for call in caching.calls(3, f"workflow = '{salt}'"))
