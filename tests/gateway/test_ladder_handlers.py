"""Handlers on the ladder through a real gateway: answers without a model, in every API, on trial, checked, and withdrawn."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anthropic
import httpx
import openai
import pytest

from breakeven.handlers.standings import FILE
from breakeven.testing import ScriptedUpstream

WORDS = "this answer is invented by the scripted vendor of breakeven and no"
RULES = f"""
import time

def handle(task):
    if "sleep" in task.prompt:
        time.sleep(30)
    if "crash" in task.prompt:
        raise RuntimeError("as asked")
    if "same" in task.prompt:
        return {WORDS!r}
    return "four" if "double" in task.prompt else None

def short(task, reply):
    return "it is too long" if len(reply.text) > 10 else None
"""
CONFIG = """
providers:
  openai: {{base_url: "{vendor}/v1", api_key_env: VENDOR_KEY, retries: {{attempts: 1}}}}
  anthropic: {{base_url: "{vendor}/v1", api_key_env: VENDOR_KEY, retries: {{attempts: 1}}}}
handlers:
  live: {{function: "RULES:handle", mode: live, checked: 0}}
  hasty: {{function: "RULES:handle", mode: live, checked: 0, timeout: 300ms}}
  shadow: {{function: "RULES:handle", mode: shadow, share: 1}}
  watched: {{function: "RULES:handle", mode: live, checked: 1, floor: 0.9}}
  short: {{function: "RULES:short", mode: live}}
features:
  plain: {{ladder: {{rungs: ["handler:live", asked]}}}}
  hasty: {{ladder: {{rungs: ["handler:hasty", asked]}}}}
  shadow: {{ladder: {{rungs: ["handler:shadow", asked]}}}}
  watched: {{ladder: {{rungs: ["handler:watched", asked]}}}}
  cached: {{ladder: {{rungs: [cache, "handler:live", asked], cache: {{per: feature}}}}}}
  checked:
    ladder:
      rungs: ["handler:live", {{model: gpt-4o-mini-words-1, tier: small}}, {{model: asked, tier: frontier}}]
      checks: [{{function: short}}]
"""


@pytest.fixture(scope="module")
def handling(tmp_path_factory: pytest.TempPathFactory, vendor: ScriptedUpstream, service_type: Any) -> Iterator[Any]:
    """One gateway with handlers of every mode."""
    folder = tmp_path_factory.mktemp("handlers")
    (folder / "rules.py").write_text(RULES)
    service = service_type(folder, vendor, CONFIG.replace("RULES", "rules.py"))
    yield service
    service.stop()


@pytest.fixture
def trace(vendor: ScriptedUpstream) -> str:
    """By which a test finds its calls."""
    vendor.journal.clear()
    return uuid.uuid4().hex


@pytest.fixture
def ask(handling: Any, trace: str) -> Callable[..., httpx.Response]:
    """One chat call of a feature."""

    def run(feature: str, text: str, **more: Any) -> httpx.Response:
        headers = {"breakeven-feature": feature, "breakeven-trace": trace}
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]} | more
        return httpx.post(f"{handling.url}/v1/chat/completions", json=body, headers=headers, timeout=30)

    return run


Ask = Callable[..., httpx.Response]


@pytest.mark.parametrize("streamed", [False, True])
def test_both_sdks_read_a_handlers_answer(handling: Any, trace: str, vendor: ScriptedUpstream, streamed: bool) -> None:
    """Chat, responses and messages, streamed or not, answered by a function: no vendor is asked, and the SDKs see an answer."""
    url, text = handling.url, "double two"
    headers = {"breakeven-feature": "plain", "breakeven-trace": trace}
    messages: Any = [{"role": "user", "content": text}]
    model = "claude-sonnet-4-6"
    with (
        openai.OpenAI(base_url=f"{url}/v1", api_key="mine", max_retries=0, default_headers=headers) as client,
        anthropic.Anthropic(base_url=url, api_key="mine", max_retries=0, default_headers=headers) as claude,
    ):
        if streamed:
            options: Any = {"include_usage": True}
            chunks = list(client.chat.completions.create(model="gpt-4o", messages=messages, stream=True, stream_options=options))
            assert chunks[-1].usage is not None
            said = ["".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)]
            with client.responses.stream(model="gpt-4o", input=text) as events:
                said.append(events.until_done().get_final_response().output_text)
            with claude.messages.stream(model=model, max_tokens=100, messages=messages) as stream:
                said.append(stream.get_final_text())
        else:
            said = [
                client.chat.completions.create(model="gpt-4o", messages=messages).choices[0].message.content or "",
                client.responses.create(model="gpt-4o", input=text).output_text,
            ]
            content: Any = claude.messages.create(model=model, max_tokens=100, messages=messages).content
            said.append(content[0].text)
    assert said == ["four"] * 3
    assert not vendor.journal
    rows = handling.calls(3, f"trace_id = '{trace}'")
    assert {(row["rung"], row["state"], row["baseline_cost"], row["rungs_tried"]) for row in rows} == {
        ("handler:live", "not_billed", None, "[]")
    }


def test_a_handler_that_declines_hangs_or_crashes(handling: Any, ask: Ask, trace: str) -> None:
    """The model answers instead, after the handler's time at most; the reason is in the ledger."""
    assert ask("plain", "What is the sense of it?").headers["breakeven-rung"] == "asked"
    assert ask("plain", "crash").headers["breakeven-rung"] == "asked"
    began = time.monotonic()
    assert ask("hasty", "sleep").json()["choices"][0]["message"]["content"] == WORDS
    assert time.monotonic() - began < 5
    reasons = [json.loads(row["rungs_tried"]) for row in handling.calls(3, f"trace_id = '{trace}'")]
    assert [pairs[0][0] for pairs in reasons] == ["handler:live", "handler:live", "handler:hasty"]
    assert all(pairs[0][1] for pairs in reasons)


def test_several_answers_are_not_a_handlers(ask: Ask) -> None:
    """A request for two answers goes to the model."""
    assert ask("plain", "double two", n=2).headers["breakeven-rung"] == "asked"


def test_a_check_function_judges_handlers_and_models(handling: Any, ask: Ask, trace: str) -> None:
    """A user's function lets short answers stand: the handler's, then the small model's; the others are climbed over."""
    assert ask("checked", "double two").headers["breakeven-rung"] == "handler:live"
    assert ask("checked", "same").headers["breakeven-rung"] == "small"
    (row,) = handling.calls(1, f"trace_id = '{trace}' AND rung = 'small'")
    assert json.loads(row["rungs_tried"]) == [["handler:live", "short: it is too long"]]


def test_in_the_shadow_the_model_answers(handling: Any, ask: Ask, vendor: ScriptedUpstream) -> None:
    """A handler in the shadow is asked beside the model, whose answer the caller gets; what they agree on is counted."""
    assert ask("shadow", "same").headers["breakeven-rung"] == "asked"
    assert ask("shadow", "double", stream=True).status_code == 200
    assert len(vendor.journal) == 2
    assert _checks(handling, "shadow") == (2, 1)


def test_a_live_handler_is_checked_and_withdrawn(handling: Any, ask: Ask, trace: str, vendor: ScriptedUpstream) -> None:
    """Each checked answer costs a call to the model, told as an attempt of the same call; too few agreements end it, and say so."""
    assert ask("watched", "same 0").headers["breakeven-rung"] == "handler:watched"
    rows = handling.calls(2, f"trace_id = '{trace}'")
    assert [(row["rung"], row["attempt"], row["rungs_tried"]) for row in rows] == [("handler:watched", 0, "[]"), ("asked", 1, None)]
    assert len(vendor.journal) == 1
    for number in range(60):
        answered = ask("watched", f"double {number}").headers["breakeven-rung"]
        if answered == "asked":
            break
    assert answered == "asked"
    assert "watched is withdrawn" in handling.log.read_text()
    last = handling.calls(1, f"trace_id = '{trace}' AND rungs_tried LIKE '%withdrawn%'")
    assert "handler:watched" in last[0]["rungs_tried"]


def test_a_handlers_answer_beside_a_cache(ask: Ask, vendor: ScriptedUpstream) -> None:
    """What a handler answers is not kept: it is asked again, for nothing."""
    text = f"double {uuid.uuid4().hex}"
    assert [ask("cached", text).headers["breakeven-rung"] for _ in range(2)] == ["handler:live"] * 2
    assert not vendor.journal


def _checks(service: Any, name: str) -> tuple[int, int]:
    """Checks and agreements of a handler, once there are two."""
    import sqlite3  # noqa: PLC0415 - only here

    path: Path = service.ledger / "run" / FILE
    until = time.monotonic() + 5
    while True:
        with sqlite3.connect(path) as connection:
            found = connection.execute("select checks, agreements from standing where name = ?", (name,)).fetchone()
        connection.close()
        if (found and found[0] >= 2) or time.monotonic() > until:
            return tuple(found)
        time.sleep(0.05)
