"""`breakeven.sdk` in an application before a real gateway: tags reach every call, outcomes arrive once whatever happens."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven import sdk
from breakeven.gateway.attribution import Attributor, BodyHints
from breakeven.ledger import open_ledger

SOURCE = Path(__file__).parents[2] / "src"
MESSAGES: Any = [{"role": "user", "content": "hello"}]
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Cf", "Zs", "Co", "Cn"]), min_size=1, max_size=60)


def outcomes(service: Any, where: str, count: int, patience: float = 8.0) -> list[tuple[Any, ...]]:
    """Unit, feature, customer, success and value of the outcomes that match, once there are so many."""
    until = time.monotonic() + patience
    while True:
        with open_ledger(service.ledger) as ledger:
            found = ledger.query(
                f"SELECT unit, feature, customer, succeeded, value FROM outcomes WHERE {where} ORDER BY occurred_at"
            )
        if len(found) >= count or time.monotonic() > until:
            assert len(found) == count, found
            return found
        time.sleep(0.05)


@pytest.fixture
def reporting(service: Any, tmp_path: Path) -> Iterator[Any]:
    """The SDK pointed at the gateway, with a spool of its own."""
    sdk.configure(url=service.url, spool=str(tmp_path / "spool"), interval=0.05)
    yield service
    sdk.configure(url="http://127.0.0.1:9", spool=str(tmp_path / "nowhere"))


def test_tags_reach_the_calls_of_both_clients(service: Any) -> None:
    """Calls carry the tags of where they are made: nested, in threads, in tasks, sync and async, of both SDKs."""
    feature = f"sdk-{uuid.uuid4().hex[:8]}"

    def plain(customer: str) -> None:
        with sdk.tag(customer=customer), sdk.attach(openai.OpenAI(base_url=f"{service.url}/v1", api_key="k")) as client:
            client.chat.completions.create(model="gpt-4o", messages=MESSAGES)

    @sdk.tagged(workflow="nightly")
    async def asynchronous(customer: str) -> None:
        async with sdk.attach(anthropic.AsyncAnthropic(base_url=service.url, api_key="k")) as client:
            with sdk.tag(customer=customer, tags={"plan": "pro, or é"}):
                await asyncio.sleep(0)
                await client.messages.create(model="claude-haiku-4-5", max_tokens=9, messages=MESSAGES)

    async def both() -> None:
        await asyncio.gather(asynchronous("task-1"), asynchronous("task-2"))

    with sdk.tag(feature=feature, customer="outer"):
        plain("inner")
        asyncio.run(both())
        with ThreadPoolExecutor(2) as executor:
            list(executor.map(sdk.carried(plain), ["thread-1", "thread-2"]))
        assert sdk.attribution() == {"feature": feature, "customer": "outer"}
    assert sdk.attribution() == {}
    calls = service.calls(5, f"feature = '{feature}'")
    assert sorted(call["customer"] for call in calls) == ["inner", "task-1", "task-2", "thread-1", "thread-2"]
    tasks = [call for call in calls if call["customer"].startswith("task")]
    assert {(call["workflow"], call["tags"]) for call in tasks} == {("nightly", '{"plan":"pro, or é"}')}


def test_attach_refuses_what_it_does_not_know() -> None:
    """Anything but an official client is refused with the way that always works."""
    with pytest.raises(TypeError, match="headers"):
        sdk.attach(object())
    with pytest.raises(TypeError, match="feature"), sdk.tag(nonsense="x"):
        pass


@given(
    values=st.dictionaries(st.sampled_from(["feature", "team", "customer", "user", "workflow", "trace"]), TEXT),
    tags=st.dictionaries(TEXT, TEXT, max_size=4),
)
def test_any_text_arrives(values: dict[str, str], tags: dict[str, str]) -> None:
    """Whatever printable text a dimension or tag is, the gateway reads it back, and the headers are plain ASCII on one line."""
    with sdk.tag(tags=tags, **values):
        sent = sdk.headers()
    assert all(value.isascii() and value.isprintable() for value in sent.values())
    pairs = tuple((name.encode(), value.encode()) for name, value in sent.items())
    read: Any = Attributor().attribute(pairs, None, BodyHints(), None)
    columns = {"user": "user_id", "trace": "trace_id"}
    assert {name: getattr(read, columns.get(name, name)) for name in values} == values
    assert json.loads(read.tags or "{}") == tags


def test_outcomes_arrive_with_their_tags(reporting: Any) -> None:
    """An outcome is for whom the tags say, with exact value; the same key twice is one outcome."""
    feature = f"sdk-{uuid.uuid4().hex[:8]}"
    with sdk.tag(feature=feature, customer="acme"):
        sdk.outcome("ticket", succeeded=True, value=Decimal("1.25"), key=f"{feature}-1")
        sdk.outcome("ticket", succeeded=True, value=Decimal("1.25"), key=f"{feature}-1", at=time.time())
        sdk.outcome("ticket", succeeded=False, customer="other")
    assert sdk.flush()
    found = outcomes(reporting, f"feature = '{feature}'", 2)
    assert sorted(found, key=str) == sorted(
        [("ticket", feature, "acme", True, Decimal("1.250000000000000000")), ("ticket", feature, "other", False, None)], key=str
    )
    assert sdk.stats()["queued"] == 0


def test_wrong_outcomes_are_set_aside(reporting: Any, tmp_path: Path) -> None:
    """A row that the server refuses is kept beside with the reason and loses no other."""
    feature = f"sdk-{uuid.uuid4().hex[:8]}"
    with sdk.tag(feature=feature):
        sdk.outcome("document", value="about three")
        sdk.outcome("document", value="3")
    assert sdk.flush()
    assert (sdk.stats()["sent"], sdk.stats()["rejected"]) == (1, 1)
    assert len(outcomes(reporting, f"feature = '{feature}'", 1)) == 1
    assert "about three" in (tmp_path / "spool" / "rejected.ndjson").read_text()


PROGRAM = """
import sys, time
from breakeven import sdk
sdk.configure(url=sys.argv[1], spool=sys.argv[2], interval=0.05)
with sdk.tag(feature=sys.argv[3]):
    for number in range(int(sys.argv[4])):
        sdk.outcome("document", key=f"{sys.argv[3]}-{sys.argv[5]}-{number}")
print("reported", flush=True)
time.sleep(float(sys.argv[6]))
"""


def test_a_killed_application_loses_no_outcome(service: Any, tmp_path: Path) -> None:
    """What was reported before kill -9, with the server away, is delivered by the next process, each exactly once."""
    feature, spool = f"sdk-{uuid.uuid4().hex[:8]}", str(tmp_path / "spool")
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}

    def start(url: str, count: int, run: str, wait: str) -> subprocess.Popen[str]:
        line = [sys.executable, "-c", PROGRAM, url, spool, feature, str(count), run, wait]
        process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True, env=environment)
        assert process.stdout is not None
        assert process.stdout.readline() == "reported\n"
        return process

    for run in ("first", "second"):
        with start("http://127.0.0.1:9", 700, run, "30") as killed:
            killed.send_signal(signal.SIGKILL)
    with start(service.url, 10, "third", "3"):
        assert len(outcomes(service, f"feature = '{feature}'", 1410, 20)) == 1410
    assert list(Path(spool).glob("*.ndjson")) == [] or all(path.stat().st_size < 2000 for path in Path(spool).glob("*.ndjson"))


def test_a_full_spool_drops_and_counts(tmp_path: Path) -> None:
    """With the server away and the spool full, events are dropped and counted; the application is never kept waiting."""
    sdk.configure(url="http://127.0.0.1:9", spool=str(tmp_path / "small"), most_bytes=10_000)
    began = time.monotonic()
    threads = [threading.Thread(target=lambda: [sdk.outcome("document") for _ in range(500)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - began < 5
    stats = sdk.stats()
    assert stats["queued"] + stats["dropped"] == 2000
    assert 0 < stats["queued"] < 200
    sdk.configure(spool=str(tmp_path / "other"))


def test_the_outcomes_path_says_what_is_wrong(service: Any) -> None:
    """The wire format: a row is acknowledged or named with its index; a body that is no batch is refused as a whole."""

    def post(body: bytes) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=5)
        connection.request("POST", "/api/v1/outcomes", body, {"content-type": "application/json"})
        answer = connection.getresponse()
        said = json.loads(answer.read())
        connection.close()
        return answer.status, said

    at = "2026-11-23T10:00:00+01:00"
    rows = [{"unit": "lead", "at": at}, {"unit": "lead"}, {"unit": 3, "at": at}, {"unit": "lead", "at": at, "price": 1}]
    status, said = post(json.dumps({"outcomes": rows}).encode())
    assert (status, said["accepted"], [each["index"] for each in said["rejected"]]) == (200, 1, [1, 2, 3])
    assert all(each["remedy"] for each in said["rejected"])
    assert post(b"[]")[0] == 400
    assert post(b"\xff")[0] == 400
