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
