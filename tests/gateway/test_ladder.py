"""The ladder through a real gateway: who answers, what was tried before, what it cost, and what the baseline would have cost."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import anthropic
import httpx
import openai
import pytest

from breakeven.testing import ScriptedUpstream

CHEAP, DEAR = "gpt-4o-mini-words-3", "gpt-4o"
WORDS = "this answer is invented by the scripted vendor of breakeven and no"
CONFIG = """
providers:
  openai: {{base_url: "{vendor}/v1", api_key_env: VENDOR_KEY, retries: {{attempts: 1, backoff: 10ms}}}}
  anthropic: {{base_url: "{vendor}/v1", api_key_env: VENDOR_KEY, retries: {{attempts: 1, backoff: 10ms}}}}
  second: {{vendor: openai, base_url: "{vendor}/second/v1", api_key_env: VENDOR_KEY, retries: {{attempts: 1}}}}
features:
  plain: {{owner: ana}}
  checked:
    ladder:
      rungs: [{{model: gpt-4o-mini-words-3, tier: small}}, {{model: asked, tier: frontier}}]
      checks: [{{pattern: "vendor"}}]
  passing:
    ladder:
      rungs: [{{model: gpt-4o-mini, tier: small}}, {{model: asked, tier: frontier}}]
      checks: [{{pattern: "vendor"}}]
  unchecked:
    ladder:
      rungs:
        - {{model: gpt-4o-mini, tier: small, parameters: {{temperature: 0.5, reasoning_effort: low}}}}
        - {{model: asked, tier: frontier}}
  held:
    ladder:
      rungs: [{{model: gpt-4o-mini, tier: small}}, {{model: asked, tier: frontier}}]
      control: 1
  failing:
    ladder:
      rungs: [{{model: gpt-4o-mini, tier: small, provider: second}}, {{model: asked, tier: frontier}}]
  slow:
    ladder:
      rungs: [{{model: gpt-4o-mini, tier: small, provider: second, timeout: 200ms}}, {{model: asked, tier: frontier}}]
  agreeing:
    ladder:
      rungs:
        - {{model: gpt-4o-mini, name: one}}
        - {{model: gpt-4.1-mini, name: two, provider: second}}
        - {{model: asked, tier: frontier}}
      checks: [{{agreement: {{with: two, value: text}}}}]
  disagreeing:
    ladder:
      rungs: [{{model: gpt-4o-mini, name: one}}, {{model: gpt-4o-mini-words-5, name: two}}, {{model: asked, tier: frontier}}]
      start: one
      checks: [{{agreement: {{with: two, value: text}}}}]
  judged:
    ladder:
      rungs: [{{model: gpt-4o-mini, name: one}}, {{model: asked, tier: frontier}}]
      checks: [{{judge: {{model: gpt-4.1-mini}}}}]
  kept:
    ladder:
      rungs: [cache, {{model: asked, tier: frontier}}]
      cache: {{per: feature, ttl: 1h}}
  percustomer:
    ladder:
      rungs: [cache, asked]
  single:
    ladder:
      rungs:
        - {{model: gpt-4o-mini, name: one}}
        - {{model: gpt-4o-mini-words-5, name: two}}
        - {{model: asked, tier: frontier}}
      checks: [{{agreement: {{with: two, value: text}}}}, {{judge: {{model: gpt-4.1-mini}}}}]
      order: parallel
  named:
    ladder: {{rungs: [{{model: gpt-4o-mini-words-3, name: low}}, {{model: gpt-4o, name: top}}], checks: [{{pattern: vendor}}]}}
  governed:
    ladder: {{rungs: [{{model: gpt-4.1, name: one}}, {{model: gpt-4o-mini, name: two}}, {{model: gpt-4.1, name: three}}]}}
  started:
    ladder: {{rungs: [{{model: gpt-4o-mini, name: one}}, {{model: gpt-4.1-mini, name: two}}, asked], start: two}}
  foreign:
    ladder:
      rungs: [{{model: claude-haiku-4-5, name: claude, provider: anthropic}}, {{model: asked, tier: frontier}}]
      checks: [{{pattern: "vendor"}}]
  foreigncached:
    ladder:
      rungs: [cache, {{model: claude-haiku-4-5, name: claude, provider: anthropic}}, {{model: asked, tier: frontier}}]
      cache: {{per: feature}}
  homeward:
    ladder:
      rungs: [{{model: gpt-4o-mini, name: mini, provider: openai}}, {{model: asked, tier: frontier}}]
      checks: [{{pattern: "vendor"}}]
  twovendors:
    ladder:
      rungs:
        - {{model: gpt-4o-mini, name: one}}
        - {{model: claude-haiku-4-5, name: two, provider: anthropic}}
        - {{model: asked, tier: frontier}}
      checks: [{{agreement: {{with: two, value: text}}}}]
  late:
    ladder:
      rungs:
        - {{model: gpt-4o-mini, name: one, provider: second}}
        - {{model: gpt-4.1-mini, name: two, provider: second}}
        - {{model: asked, tier: frontier}}
      deadline: 300ms
  limited:
    budget: {{limit: 0.0001, period: month}}
    ladder:
      rungs: [{{model: gpt-4o-mini, tier: small}}, {{model: asked, tier: frontier}}]
      checks: [{{pattern: "nowhere"}}]
policies:
  dear: {{rule: frontier_only_in, environments: [production], models: [gpt-4.1]}}
limits:
  single: {{scope: {{feature: single}}, at_once: 1}}
"""


@pytest.fixture(scope="module")
def ladders(tmp_path_factory: pytest.TempPathFactory, vendor: ScriptedUpstream, service_type: Any) -> Iterator[Any]:
    """One gateway with features of every sort."""
    service = service_type(tmp_path_factory.mktemp("ladder"), vendor, CONFIG)
    yield service
    service.stop()


class Desk:
    """An application that asks and looks into the ledger."""

    def __init__(self, service: Any, vendor: ScriptedUpstream) -> None:
        self.service = service
        self.vendor = vendor
        self.trace = uuid.uuid4().hex
        vendor.journal.clear()

    def ask(
        self, feature: str, text: str = "Say something.", path: str = "/v1/chat/completions", seconds: float = 30, **more: Any
    ) -> httpx.Response:
        """One call; headers begin with `breakeven_` or `x_`."""
        headers = {"breakeven-feature": feature, "breakeven-trace": self.trace, "authorization": "Bearer mine"}
        headers |= {name.replace("_", "-"): more.pop(name) for name in list(more) if name.startswith(("breakeven_", "x_"))}
        body = {"model": DEAR, "messages": [{"role": "user", "content": text}]} | more
        return httpx.post(f"{self.service.url}{path}", json=body, headers=headers, timeout=seconds)

    def rows(self, count: int) -> list[dict[str, Any]]:
        """The attempts of this desk's calls."""
        found: list[dict[str, Any]] = self.service.calls(count, f"trace_id = '{self.trace}'")
        return found

    def told(self, count: int) -> list[tuple[Any, ...]]:
        """Rung, status, model and what was tried, of each attempt."""
        return [(row["rung"], row["status"], row["model"], json.loads(row["rungs_tried"] or "null")) for row in self.rows(count)]


@pytest.fixture
def desk(ladders: Any, vendor: ScriptedUpstream) -> Desk:
    """A new desk before the shared gateway."""
    return Desk(ladders, vendor)


def test_a_cheap_answer_that_stands(desk: Desk) -> None:
    """The first rung answers; the ledger has its cost and the baseline's, at the prices of the same tokens."""
    said = desk.ask("passing")
    assert (said.headers["breakeven-rung"], said.headers["breakeven-model"]) == ("small", "gpt-4o-mini")
    (row,) = desk.rows(1)
    assert (row["rung"], row["status"], row["rungs_tried"]) == ("small", "ok", "[]")
    cost = Decimal(desk.service.cost(row))
    assert row["baseline_cost"] == row["input_tokens"] * Decimal("0.0000025") + row["output_tokens"] * Decimal("0.00001")
    assert cost < row["baseline_cost"]
    assert len(row["template"]) == 12


def test_an_answer_that_fails_its_check_is_climbed_over(desk: Desk) -> None:
    """The caller sees the dear answer alone; both attempts are in the ledger with their costs, the first one as rejected."""
    said = desk.ask("checked")
    assert said.json()["choices"][0]["message"]["content"] == WORDS
    assert said.headers["breakeven-rung"] == "frontier"
    first, last = desk.told(2)
    assert first[:3] == ("small", "rejected", "gpt-4o-mini")
    assert last[:3] == ("frontier", "ok", "gpt-4o")
    assert [rung for rung, _ in last[3]] == ["small"]
    assert "pattern" in last[3][0][1]
    rows = desk.rows(2)
    assert Decimal(desk.service.cost(rows[0])) > 0
    assert rows[1]["baseline_cost"] == Decimal(desk.service.cost(rows[1]))


@pytest.mark.parametrize("feature", ["checked", "passing", "unchecked", "kept"])
def test_streams_are_whole_whatever_answers(desk: Desk, feature: str) -> None:
    """A streaming caller gets one well-formed stream, whether held, climbed over, or flowing; with usage where it asks for it."""
    expected = WORDS
    with openai.OpenAI(base_url=f"{desk.service.url}/v1", api_key="mine", max_retries=0) as client:
        headers = {"breakeven-feature": feature, "breakeven-trace": desk.trace}
        for options in (None, {"include_usage": True}):
            more: Any = {} if options is None else {"stream_options": options}
            messages: Any = [{"role": "user", "content": f"Stream {options}"}]
            chunks = list(client.chat.completions.create(model=DEAR, messages=messages, stream=True, extra_headers=headers, **more))
            assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == expected
            assert any(chunk.usage for chunk in chunks) == bool(options)


def test_a_rungs_parameters_reach_the_vendor_and_nothing_else_changes(desk: Desk) -> None:
    """The body that the vendor sees is the caller's with the rung's model and parameters."""
    desk.ask("unchecked", "Größe", seed=7, temperature=0.9)
    body = json.loads(desk.vendor.journal[-1].body)
    assert body == {
        "model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Größe"}], "seed": 7, "temperature": 0.5,
        "reasoning_effort": "low",
    }  # fmt: skip
    assert desk.vendor.journal[-1].header("breakeven-ladder") is None


def test_control_and_headers_hold_calls(desk: Desk) -> None:
    """A control call goes to the last rung and says so; a header turns the ladder off, or begins at a rung."""
    desk.ask("held")
    desk.ask("checked", breakeven_ladder="off")
    desk.ask("passing", breakeven_ladder="frontier")
    assert sorted(desk.told(3), key=str) == sorted(
        [
            ("frontier", "ok", "gpt-4o", [["ladder", "control"]]),
            ("asked", "ok", "gpt-4o", [["ladder", "off by its header"]]),
            ("frontier", "ok", "gpt-4o", [["ladder", "from frontier on, by its header"]]),
        ],
        key=str,
    )
    assert not any(b"ladder" in name for exchange in desk.vendor.journal for name, _ in exchange.headers)


def test_a_vendor_that_fails_is_climbed_over(desk: Desk) -> None:
    """An error of a cheap rung, retryable or not, leads to the next; the last rung's error is the caller's."""
    for status in (500, 404):
        script = json.dumps({"status": status, "path": "/second"})
        assert desk.ask("failing", f"fails {status}", x_script=script).status_code == 200
    told = desk.told(4)
    assert [row[:2] for row in told] == [("small", "failed"), ("frontier", "ok")] * 2
    assert "it answered 404" in told[3][3][0][1]
    assert desk.ask("failing", x_script=json.dumps({"status": 500})).status_code == 500


def test_a_rung_that_takes_too_long(desk: Desk) -> None:
    """After its time the rung is given up and the next one answers."""
    said = desk.ask("slow", "slowly", x_script=json.dumps({"delay": 1.5, "path": "/second"}))
    assert said.headers["breakeven-rung"] == "frontier"
    rows = desk.told(2)
    assert rows[0][:2] == ("small", "failed")
    assert rows[1][3] == [["small", "the rung took too long"]]


def test_two_cheap_rungs_that_agree_are_believed(desk: Desk) -> None:
    """Two models say the same: the first one's answer stands, and both are paid for."""
    said = desk.ask("agreeing")
    assert said.headers["breakeven-rung"] == "one"
    rows = desk.rows(2)
    assert sorted((row["rung"], row["model"]) for row in rows) == [("one", "gpt-4o-mini"), ("two", "gpt-4.1-mini")]
    assert {json.loads(exchange.body)["model"] for exchange in desk.vendor.journal} == {"gpt-4o-mini", "gpt-4.1-mini"}
    assert [row["rungs_tried"] for row in rows if row["rung"] == "one"] == ["[]"]


def test_two_cheap_rungs_that_differ_lead_to_the_top(desk: Desk) -> None:
    """The second opinion differs: the call climbs to the top, past the rung that it was compared with."""
    said = desk.ask("disagreeing")
    assert said.headers["breakeven-rung"] == "frontier"
    rows = desk.told(3)
    assert {row[0] for row in rows} == {"one", "two", "frontier"}
    (tried,) = next(row[3] for row in rows if row[0] == "frontier")
    assert tried[1].startswith("agreement: the answer states")


def test_a_judge_is_paid_for_and_decides(desk: Desk) -> None:
    """The scripted judge says neither PASS nor FAIL, which does not pass: the call climbs, and the judge's cost is recorded."""
    said = desk.ask("judged")
    assert said.headers["breakeven-rung"] == "frontier"
    rows = desk.rows(3)
    assert [row["rung"] for row in rows if row["rung"].startswith("judge")] == ["judge:gpt-4.1-mini"]
    assert all(Decimal(desk.service.cost(row)) > 0 for row in rows)


def test_a_feature_without_a_ladder_is_as_before(desk: Desk) -> None:
    """No rung, no template, no header."""
    said = desk.ask("plain")
    assert "breakeven-rung" not in said.headers
    (row,) = desk.rows(1)
    assert (row["rung"], row["template"], row["rungs_tried"], row["baseline_cost"]) == (None, None, None, None)


def test_no_room_for_a_dearer_rung(desk: Desk) -> None:
    """Where the budget has no room for the next rung, an answer that does not stand is not passed off as one."""
    said = desk.ask("limited", "x", max_tokens=100)
    assert said.status_code == 402
    assert said.headers["x-should-retry"] == "false"
    assert "did not stand" in said.json()["error"]["message"]


def test_a_call_is_one_call_for_its_limits_whatever_it_tries(desk: Desk) -> None:
    """With room for one call at once: climbing, second opinions, judges, and callers who hang up in between leave it free after."""
    for delay in (0.0, 0.4):
        script = json.dumps({"delay": delay})
        assert desk.ask("single", f"{delay}", x_script=script).headers["breakeven-rung"] == "frontier"
        with pytest.raises(httpx.ReadTimeout):
            desk.ask("single", "gone", x_script=json.dumps({"delay": 0.4}), seconds=0.2 + delay)
        time.sleep(1.5)
    assert desk.ask("single", "after").status_code == 200
    rows = desk.service.calls(16, f"trace_id = '{desk.trace}'", 8.0)
    assert all(desk.service.cost(row) is not None for row in rows)


def test_what_a_ladder_cannot_serve_goes_as_it_would_without(desk: Desk) -> None:
    """Embeddings of a feature whose ladder names chat models are answered by the model asked for, and the ledger says why."""
    said = desk.ask("named", path="/v1/embeddings", input="x", model="text-embedding-3-small")
    assert (said.status_code, said.headers["breakeven-rung"]) == (200, "asked")
    assert json.loads(desk.vendor.journal[-1].body)["model"] == "text-embedding-3-small"
    assert desk.ask("named").headers["breakeven-rung"] == "top"
    rows = desk.rows(3)
    assert {why for _, why in json.loads(rows[0]["rungs_tried"])} == {"the API that was called is no conversation"}


def test_policies_hold_on_every_rung(desk: Desk) -> None:
    """A rung whose model a policy forbids is passed over; where it is the last one, the call is refused as by the policy."""
    said = desk.ask("governed", breakeven_environment="staging")
    assert said.headers["breakeven-rung"] == "two"
    (row,) = desk.rows(1)
    ((rung, why),) = json.loads(row["rungs_tried"])
    assert rung == "one"
    assert "Policy" in why
    refused = desk.ask("governed", breakeven_environment="staging", breakeven_ladder="three")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "policy_refused")


def test_a_task_class_and_a_start(desk: Desk) -> None:
    """A header names the kind of task; calls begin at the declared start, past cheaper models."""
    desk.ask("started", breakeven_task_class="invoice")
    (row,) = desk.rows(1)
    assert (row["task_class"], row["rung"], row["rungs_tried"]) == ("invoice", "two", "[]")


def test_the_deadline_of_the_whole_ladder(desk: Desk) -> None:
    """When its time is over, a call goes straight to the last rung."""
    said = desk.ask("late", x_script=json.dumps({"delay": 1.0, "path": "/second"}))
    assert said.headers["breakeven-rung"] == "frontier"
    assert [row[0] for row in desk.told(2)] == ["one", "frontier"]


# --- rungs of another dialect -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("feature", ["foreign", "foreigncached"])
def test_a_rung_of_another_vendor_answers_in_the_callers_dialect(desk: Desk, feature: str, streamed: bool) -> None:
    """A call of the OpenAI dialect served by an Anthropic rung, held or flowing, kept or not: the SDK reads it as its own."""
    headers = {"breakeven-feature": feature, "breakeven-trace": desk.trace}
    text: Any = [{"role": "user", "content": uuid.uuid4().hex}]
    with openai.OpenAI(base_url=f"{desk.service.url}/v1", api_key="mine", max_retries=0, default_headers=headers) as client:
        for _ in range(2):
            if streamed:
                chunks = client.chat.completions.create(model=DEAR, messages=text, stream=True)
                said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
            else:
                said = client.chat.completions.create(model=DEAR, messages=text).choices[0].message.content or ""
            assert said == WORDS
    rungs = [row["rung"] for row in desk.rows(2)]
    assert rungs == ["claude", "cache" if feature == "foreigncached" else "claude"]
    assert all(exchange.target.endswith("/messages") for exchange in desk.vendor.journal)


@pytest.mark.parametrize("streamed", [False, True])
def test_an_anthropic_caller_on_an_openai_rung(desk: Desk, streamed: bool) -> None:
    """The reverse: messages answered by a chat model, checked before the caller sees them."""
    headers = {"breakeven-feature": "homeward", "breakeven-trace": desk.trace}
    messages: Any = [{"role": "user", "content": "Say something."}]
    with anthropic.Anthropic(base_url=desk.service.url, api_key="mine", max_retries=0, default_headers=headers) as claude:
        if streamed:
            with claude.messages.stream(model="claude-haiku-4-5", max_tokens=100, messages=messages) as stream:
                assert stream.get_final_text() == WORDS
        else:
            content: Any = claude.messages.create(model="claude-haiku-4-5", max_tokens=100, messages=messages).content
            assert content[0].text == WORDS
    (row,) = desk.rows(1)
    assert (row["rung"], row["provider"]) == ("mini", "openai")
    assert row["baseline_cost"] > Decimal(desk.service.cost(row))


def test_two_vendors_that_agree(desk: Desk) -> None:
    """The cascade: two cheap models of different vendors and dialects agree, and the first one's answer stands."""
    assert desk.ask("twovendors").headers["breakeven-rung"] == "one"
    assert sorted((row["rung"], row["provider"]) for row in desk.rows(2)) == [("one", "openai"), ("two", "anthropic")]


# --- the cache --------------------------------------------------------------------------------------------------------------------


def test_the_same_request_is_answered_from_the_cache(desk: Desk) -> None:
    """Byte for byte the same answer, at no cost, with what the baseline would have cost; other parameters are another request."""
    text = uuid.uuid4().hex
    first = desk.ask("kept", text, user="ana", seed=1)
    again = desk.ask("kept", text, user="ben", seed=1.0, metadata={"a": "b"})
    other = desk.ask("kept", text, seed=2)
    assert first.content == again.content
    assert (again.headers["breakeven-rung"], again.headers["breakeven-cost-usd"]) == ("cache", "0")
    assert other.headers["breakeven-rung"] == "frontier"
    assert len(desk.vendor.journal) == 2
    rows = desk.rows(3)
    assert [row["rung"] for row in rows] == ["frontier", "cache", "frontier"]
    assert rows[1]["baseline_cost"] == rows[0]["baseline_cost"] > 0
    assert (rows[1]["state"], rows[1]["input_tokens"], desk.service.cost(rows[1])) == ("not_billed", None, "0")


def test_answers_do_not_cross_customers(desk: Desk) -> None:
    """One customer's answer is not another's, and without a customer nothing is kept."""
    text = uuid.uuid4().hex
    names = ("acme", "globex", "acme", None, None)
    customers: list[dict[str, Any]] = [{"breakeven_customer": name} if name else {} for name in names]
    rungs = [desk.ask("percustomer", text, **more).headers["breakeven-rung"] for more in customers]
    assert rungs == ["asked", "asked", "cache", "asked", "asked"]
    assert "no customer is known" in desk.told(5)[4][3][0][1]


@pytest.mark.parametrize(
    "more",
    [
        {"temperature": 1.5},
        {"n": 2},
        {"tools": [{"type": "function", "function": {"name": "pay", "parameters": {}}}]},
        {"previous_response_id": "r"},
    ],
)
def test_what_is_never_kept(desk: Desk, more: dict[str, Any]) -> None:
    """Sampling above the limit, several answers, tools that may have effects, and state that the vendor keeps."""
    text = uuid.uuid4().hex
    assert [desk.ask("kept", text, **more).headers["breakeven-rung"] for _ in range(2)] == ["frontier", "frontier"]


def test_an_error_is_not_kept(desk: Desk) -> None:
    """What failed once is asked again."""
    text = uuid.uuid4().hex
    script = json.dumps({"status": 400, "times": 1})
    assert desk.ask("kept", text, x_script=script).status_code == 400
    assert desk.ask("kept", text, x_script=script).headers["breakeven-rung"] == "frontier"


def test_identical_calls_at_once_are_asked_once(desk: Desk) -> None:
    """Twenty callers, one request at the vendor, twenty answers; nineteen of them are the cache's."""
    text, answers = uuid.uuid4().hex, []
    script = json.dumps({"delay": 0.5})

    def ask() -> None:
        answers.append(desk.ask("kept", text, x_script=script))

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({answer.content for answer in answers}) == 1
    assert len(desk.vendor.journal) == 1
    assert sorted(row["rung"] for row in desk.rows(20)) == ["cache"] * 19 + ["frontier"]


def test_a_leader_that_fails_leaves_nobody_waiting(desk: Desk) -> None:
    """The first of several identical calls gets an error: the others ask for themselves."""
    text, answers = uuid.uuid4().hex, []
    script = json.dumps({"status": 400, "times": 1, "delay": 0.3})
    threads = [threading.Thread(target=lambda: answers.append(desk.ask("kept", text, x_script=script))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200, 200, 400]


def test_a_leader_whose_caller_goes_away(desk: Desk) -> None:
    """The caller of the first one hangs up: another one asks in its place."""
    text = uuid.uuid4().hex
    script = json.dumps({"delay": 0.6})

    def gives_up() -> None:
        headers = {"breakeven-feature": "kept", "x-script": script}
        body = {"model": DEAR, "messages": [{"role": "user", "content": text}]}
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{desk.service.url}/v1/chat/completions", json=body, headers=headers, timeout=0.3)

    leader = threading.Thread(target=gives_up)
    leader.start()
    time.sleep(0.1)
    assert desk.ask("kept", text, x_script=script).status_code == 200
    leader.join()


@pytest.mark.parametrize("streamed", [False, True])
def test_the_sdks_accept_what_is_replayed(desk: Desk, streamed: bool) -> None:
    """Chat, responses and messages, streamed or not: the second answer comes from the cache and reads as the first did."""
    headers = {"breakeven-feature": "kept", "breakeven-trace": desk.trace}
    text = uuid.uuid4().hex
    for _ in range(2):
        assert _asked_by_sdks(desk.service.url, headers, text, streamed=streamed) == [WORDS] * 3
    assert len(desk.vendor.journal) == 3
    assert sorted(row["rung"] for row in desk.rows(6)) == ["cache"] * 3 + ["frontier"] * 3


def _asked_by_sdks(url: str, headers: dict[str, str], text: str, *, streamed: bool) -> list[str]:
    messages: Any = [{"role": "user", "content": text}]
    with (
        openai.OpenAI(base_url=f"{url}/v1", api_key="mine", max_retries=0, default_headers=headers) as client,
        anthropic.Anthropic(base_url=url, api_key="mine", max_retries=0, default_headers=headers) as claude,
    ):
        if streamed:
            chunks = client.chat.completions.create(model=DEAR, messages=messages, stream=True)
            chat = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
            with client.responses.stream(model=DEAR, input=text) as events:
                response = events.until_done().get_final_response().output_text
            with claude.messages.stream(model="claude-haiku-4-5", max_tokens=100, messages=messages) as stream:
                message = stream.get_final_text()
            return [chat, response, message]
        said = client.chat.completions.create(model=DEAR, messages=messages).choices[0].message.content or ""
        response = client.responses.create(model=DEAR, input=text).output_text
        content: Any = claude.messages.create(model="claude-haiku-4-5", max_tokens=100, messages=messages).content
        return [said, response, "".join(part.text for part in content)]
