"""How an alert is written: one JSON object for programs, a few lines for people."""

from __future__ import annotations

from typing import Any

import msgspec

from breakeven.governance.alerts import Alert


def payload(alert: Alert) -> dict[str, Any]:
    """The alert as programs take it. Money is a string of exact digits, shares are numbers from 0 to 1, null is unknown."""
    return {
        "type": "breakeven.alert",
        "id": alert.id,
        "kind": alert.kind,
        "subject": alert.subject,
        "severity": alert.severity,
        "what": alert.what,
        "next": alert.next_step,
        "owner": alert.owner,
        "crossing": alert.crossing,
        "at": alert.at.isoformat(timespec="seconds") + "Z",
        "figures": dict(alert.figures),
    }


def encoded(alert: Alert) -> bytes:
    """The payload as JSON on one line."""
    return msgspec.json.encode(payload(alert))


def headline(alert: Alert) -> str:
    """One short line: `Breakeven, critical: budget contracts-month`."""
    return f"Breakeven, {alert.severity}: {alert.subject} ({alert.kind.replace('_', ' ')})"


def answerable(alert: Alert) -> str:
    """Who answers for it."""
    return f"Owner: {alert.owner or 'nobody yet; assign one in breakeven.yaml'}"


def text(alert: Alert) -> str:
    """The alert as people read it."""
    return "\n\n".join((alert.what, alert.next_step, answerable(alert), f"{alert.at:%Y-%m-%d %H:%M} UTC, alert {alert.id}"))
