"""Pseudonyms and erasure through running gateways."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from breakeven.cli.main import cli
from breakeven.governance.privacy import ERASED, pseudonym
from breakeven.ledger.captures import read
from breakeven.ledger.layout import Layout

KEY = "0123456789abcdef0123456789abcdef"
DISGUISED = "privacy: {{pseudonymise: [user, customer], key_env: TEST_PSEUDONYM_KEY}}\n"


def ask(service: Any, user: str, text: str = "Hello") -> None:
    """One call of a user."""
    body = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}).encode()
    given = {
        "content-type": "application/json",
        "breakeven-feature": "letters",
        "breakeven-customer": "north",
        "breakeven-user": user,
    }
    request = urllib.request.Request(f"{service.url}/v1/chat/completions", body, given)  # noqa: S310 - our own gateway
    urllib.request.urlopen(request, timeout=20).read()  # noqa: S310 - as above


def send(url: str, path: str, body: dict[str, Any], headers: dict[str, str]) -> None:
    """One request, which must be taken."""
    given = {"content-type": "application/json", "breakeven-feature": "letters", **headers}
    request = urllib.request.Request(url + path, json.dumps(body).encode(), given)  # noqa: S310 - our own service
    urllib.request.urlopen(request, timeout=20).read()  # noqa: S310 - as above


def report(service: Any, user: str) -> None:
    """One outcome of a user."""
    body = json.dumps({"outcomes": [{"unit": "letter", "at": "2026-11-23T10:00:00Z", "feature": "letters", "user": user}]}).encode()
    request = urllib.request.Request(f"{service.url}/api/v1/outcomes", body, {"content-type": "application/json"})  # noqa: S310
    urllib.request.urlopen(request, timeout=20).read()  # noqa: S310 - as above


def holding(folder: Path, name: bytes) -> list[str]:
    """Files of a ledger in which a name stands as it is."""
    return [path.name for path in folder.rglob("*") if path.is_file() and name in path.read_bytes()]


def test_a_gateway_writes_pseudonyms_only(
    own_service: Callable[..., Any], usual_config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Users and customers of calls and outcomes reach the disk disguised, while the gateway runs and after it."""
    monkeypatch.setenv("TEST_PSEUDONYM_KEY", KEY)
    service = own_service(usual_config + DISGUISED)
    ask(service, "ada-lovelace")
    report(service, "ada-lovelace")
    (call,) = service.calls(1)
    assert call["user_id"] == pseudonym(KEY.encode(), "user", "ada-lovelace")
    assert call["customer"] == pseudonym(KEY.encode(), "customer", "north")
    assert holding(service.ledger, b"ada-lovelace") == []
    service.stop()
    assert holding(service.ledger, b"ada-lovelace") == []


CHARTER = "features:\n  letters: {{owner: ann, retention: 30d, capture: {{redact: [email]}}}}\n"


def test_tags_and_kept_bodies_know_no_names_either(
    own_service: Callable[..., Any], usual_config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name in a tag, an address in a tag, and the members of kept bodies that say who asks, are written disguised alone."""
    monkeypatch.setenv("TEST_PSEUDONYM_KEY", KEY)
    service = own_service(usual_config + DISGUISED + CHARTER)
    told = {"breakeven-tags": "who=ada-lovelace,mail=ada%40example.org,plan=pro"}
    message = {"model": "gpt-4o", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]}
    named = {"metadata": {"user_id": "ada-lovelace", "tenant": "north-ltd", "plan": "pro"}}
    send(service.url, "/v1/chat/completions", {**message, "user": "ada-lovelace", "metadata": {"customer": "north-ltd"}}, told)
    send(service.url, "/v1/messages", {**message, **named}, {**told, "anthropic-version": "2023-06-01"})
    responses = {"model": "gpt-4o", "input": "Hello", "safety_identifier": "ada-lovelace", **named, "stream": True}
    send(service.url, "/v1/responses", responses, told)
    web = json.loads((service.ledger / "run" / "serve.json").read_bytes())["web"]
    call = {"id": "c-1", "at": "2026-11-01T10:00:00Z", "provider": "openai", "model": "gpt-4o", "usage": {"input": 1, "output": 1}}
    tags = {"who": "ada-lovelace", "mail": "<ada@example.org>"}
    send(web, "/api/v1/calls", {"calls": [{**call, "user": "ada-lovelace", "customer": "north-ltd", "tags": tags}]}, {})
    outcome = {"unit": "letter", "at": "2026-11-23T10:00:00Z", "user": "ada-lovelace", "tags": tags}
    send(service.url, "/api/v1/outcomes", {"outcomes": [outcome]}, {})
    mine, northern = pseudonym(KEY.encode(), "user", "ada-lovelace"), pseudonym(KEY.encode(), "customer", "north-ltd")
    found = [json.loads(each["tags"]) for each in service.calls(4)]
    assert [each["who"] for each in found] == [mine] * 4
    assert {each["mail"] for each in found} == {"[email]", "<[email]>"}
    assert [each.get("plan") for each in found[1:]] == ["pro"] * 3
    service.stop()
    kept = [json.loads(each.request) for each in read(Layout(service.ledger), "letters")]
    assert [each.get("user") or each.get("safety_identifier") for each in kept] == [mine, None, mine]
    assert [each["metadata"] for each in kept] == [
        {"customer": northern}, *[{"user_id": mine, "tenant": northern, "plan": "pro"}] * 2,
    ]  # fmt: skip
    assert [holding(service.ledger, name) for name in (b"ada-lovelace", b"ada@example.org", b"north-ltd")] == [[], [], []]


def test_erasure_reaches_what_was_reported_to_the_web_port(own_service: Callable[..., Any], usual_config: str) -> None:
    """The books' process, too, begins a new segment when somebody is erased: nothing stays open with the name in it."""
    service = own_service(usual_config)
    web = json.loads((service.ledger / "run" / "serve.json").read_bytes())["web"]
    call = {"id": "c-1", "at": "2026-11-01T10:00:00Z", "provider": "openai", "model": "gpt-4o", "usage": {"input": 1, "output": 1}}
    send(web, "/api/v1/calls", {"calls": [{**call, "user": "ada-lovelace"}]}, {})
    service.calls(1)
    place = ["--ledger", str(service.ledger), "--config", str(service.config)]
    done = CliRunner().invoke(cli, ["ledger", "erase", "--user", "ada-lovelace", "--yes", "--json", *place], catch_exceptions=False)
    assert json.loads(done.stdout)["open_segments"] == 0
    assert holding(service.ledger, b"ada-lovelace") == []


def test_erasure_beside_running_gateways(own_service: Callable[..., Any], usual_config: str) -> None:
    """A user is erased while calls go on: within seconds the name is in no file, the calls are all there."""
    service = own_service(usual_config)
    for number in range(5):
        ask(service, "ada-lovelace", f"Hello {number}")
        ask(service, "bob-babbage", f"Hello {number}")
    service.calls(10)
    assert holding(service.ledger, b"ada-lovelace") != []
    place = ["--ledger", str(service.ledger), "--config", str(service.config)]
    done = CliRunner().invoke(cli, ["ledger", "erase", "--user", "ada-lovelace", "--yes", "--json", *place], catch_exceptions=False)
    told = json.loads(done.stdout)
    assert (told["calls"], told["open_segments"]) == (5, 0)
    assert told["before"] == told["after"]
    assert holding(service.ledger, b"ada-lovelace") == []
    ask(service, "bob-babbage")
    assert len(service.calls(6, "user_id = 'bob-babbage'")) == 6
    assert len(service.calls(5, f"user_id = '{ERASED}'")) == 5
    service.stop()
