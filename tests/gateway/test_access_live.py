"""People on the gateway's own paths: by token and role."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from click.testing import CliRunner

from breakeven.cli.acting import TOKEN
from breakeven.cli.main import cli
from breakeven.errors import PolicyFailed
from breakeven.ledger.tokens import create_token

ROLES = """
access: {{people: {{dan: {{role: engineer}}, eve: {{role: viewer}}}}}}
gateway: {{keys: required}}
"""


def test_the_web_port_knows_people(own_service: Callable[..., Any], usual_config: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outcomes are taken from a token whose role may report them, and refused from one that may not, with whom to ask."""
    service = own_service(usual_config + ROLES)
    now = datetime.now(UTC).replace(tzinfo=None)
    tokens = {name: create_token(service.ledger, name, now)[1] for name in ("dan", "eve")}
    place = ["--ledger", str(service.ledger), "--config", str(service.config)]
    monkeypatch.setenv(TOKEN, tokens["eve"])
    assert isinstance(CliRunner().invoke(cli, ["reload", *place]).exception, PolicyFailed)
    monkeypatch.setenv(TOKEN, tokens["dan"])
    assert CliRunner().invoke(cli, ["reload", *place], catch_exceptions=False).exit_code == 0
    body = json.dumps({"outcomes": [{"unit": "ticket", "at": "2026-11-23T10:00:00Z"}]}).encode()

    def send(secret: str) -> tuple[int, Any]:
        headers = {"authorization": f"Bearer {secret}", "content-type": "application/json"}
        request = urllib.request.Request(f"{service.url}/api/v1/outcomes", body, headers)  # noqa: S310 - our own gateway
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - as above
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    assert send(tokens["dan"])[0] == 200
    status, said = send(tokens["eve"])
    assert (status, said["error"]["code"]) == (403, "role")
    assert "dan" in said["error"]["message"]
    assert send("bet-forged")[0] == 403
    assert send("sk-anything")[0] == 401
