"""Attribution through a running gateway: what the vendor sees of it, and what the ledger keeps."""

from __future__ import annotations

import json
from typing import Any

from breakeven.testing import ScriptedUpstream

SENT = {
    "breakeven-feature": "live-%C3%BC",
    "Breakeven-Tags": "plan=pro",
    "breakeven-featrue": "misspelt",
    "x-litellm-tags": "beta",
    "X-LiteLLM-Customer-Id": "acme",
    "x-litellm-end-user-id": "u1",
    "x-litellm-spend-logs-metadata": "{not json",
    "x-portkey-metadata": '{"_environment":"staging"}',
    "x-portkey-trace-id": "trace-1",
    "cf-aig-metadata": '{"paid":true}',
    "Helicone-User-Id": "u2",
    "Helicone-Session-Id": "trace-2",
    "Helicone-Session-Name": "nightly",
    "Helicone-Property-Team": "web",
    "x-bf-customer-id": "other",
    "x-claude-code-session-id": "trace-3",
    "baggage": "breakeven.plan=free,userId=u3",
}


def test_every_header_at_once(service: Any, vendor: ScriptedUpstream) -> None:
    """A call with every tool's headers: the vendor sees none, the ledger has the best source of each dimension, faults are told."""
    body = json.dumps({"model": "gpt-4o-mini", "messages": [], "user": "u4", "metadata": {"region": "eu"}}).encode()
    lines = "".join(f"{name}: {value}\r\n" for name, value in SENT.items())
    head = "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nX-Request-Id: 7\r\nConnection: close\r\n"
    answer = service.raw(f"{head}{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    assert answer.startswith(b"HTTP/1.1 200")
    (received,) = vendor.journal
    assert received.header("x-request-id") == "7"
    assert [name for name in SENT if received.header(name) is not None] == []
    assert received.body == body
    (call,) = service.calls(1, "feature = 'live-ü'")
    dimensions = {name: call[name] for name in ("team", "customer", "user_id", "workflow", "trace_id", "environment")}
    assert dimensions == {
        "team": "web",
        "customer": "acme",
        "user_id": "u1",
        "workflow": "nightly",
        "trace_id": "trace-1",
        "environment": "staging",
    }
    assert json.loads(call["tags"]) == {
        "plan": "pro",
        "beta": "true",
        "paid": "true",
        "region": "eu",
        "attribution_fault": "breakeven-featrue: no such header; x-litellm-spend-logs-metadata: no readable JSON object",
    }
    assert json.loads(call["attribution_sources"])["user_id"] == "header:x-litellm-end-user-id"
