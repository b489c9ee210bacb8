"""The section `telemetry`: the running service pushes what it seals to an OpenTelemetry receiver.

telemetry: {endpoint: https://collector.example.org:4318, headers: {api-key: OTEL_API_KEY}, send: [spans, metrics]}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

from breakeven.settings.quantities import flag, seconds
from breakeven.yamlfields import Fields, Problems, entries, suggestion
from breakeven.yamlfile import Node

TELEMETRY_FIELDS = ("endpoint", "headers", "every", "send", "users")
Signal = Literal["spans", "metrics"]
SIGNALS: tuple[Signal, ...] = ("spans", "metrics")
EVERY = 10.0
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")


@dataclass(frozen=True, slots=True)
class TelemetrySettings:
    """Where to and what. `headers`: the variable that holds the value of each header; `every`: seconds between looks.

    `users`: whether spans carry the users' ids, in the form in which the ledger has them.
    """

    endpoint: str
    headers: Mapping[str, str] = field(default_factory=dict)
    every: float = EVERY
    send: tuple[Signal, ...] = SIGNALS
    users: bool = False


def telemetry_of(node: Node | None, problems: Problems, warnings: Problems) -> TelemetrySettings | None:
    """The section, checked; None where it is not there: nothing is pushed."""
    if node is None or (node.value is None and node.mapping is None):
        return None
    fields = Fields(node, "telemetry", TELEMETRY_FIELDS, problems)
    endpoint = (fields.text("endpoint", required=True) or "").rstrip("/")
    if endpoint and not _whole(endpoint):
        fields.fault(
            "endpoint", "endpoint is no address", "Write https://HOST:4318, without user, query or fragment; keys go into headers."
        )
    elif endpoint.startswith("http://") and not _here(endpoint):
        warnings.add(node, "telemetry: calls go to another machine in plain text", "Use https://, or a collector on this machine.")
    send = fields.words("send") if "send" in fields else SIGNALS
    for name in send:
        if name not in SIGNALS:
            fields.fault("send", f"{name!r} cannot be sent", suggestion(name, SIGNALS))
    return TelemetrySettings(
        endpoint,
        _headers(fields, problems),
        seconds(fields, "every", EVERY),
        tuple(each for each in SIGNALS if each in send),
        flag(fields, "users", default=False),
    )


def _headers(fields: Fields, problems: Problems) -> dict[str, str]:
    """The names of headers with those of variables; what is no variable's name may be a secret, and is not repeated."""
    found: dict[str, str] = {}
    for name, node in entries(fields.get("headers"), "telemetry: headers", problems).items():
        variable = node.value if isinstance(node.value, str) else ""
        if not _HEADER.match(name):
            problems.add(node, f"telemetry: {name[:40]!r} is no name of a header", "Write a name such as api-key.")
        elif not _VARIABLE.match(variable):
            remedy = f"Write `{name}: VARIABLE`, the name of a variable, never the value itself."
            problems.add(node, f"telemetry: the header {name} names no variable", remedy)
        else:
            found[name] = variable
    return found


def _whole(text: str) -> bool:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    plain = parts.username is None and not parts.query and not parts.fragment
    return parts.scheme in ("http", "https") and bool(parts.hostname) and plain


def _here(text: str) -> bool:
    host = urlsplit(text).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
