"""How an alert is written: one JSON object for programs, a few lines for people."""

from __future__ import annotations

from typing import Any

import msgspec

from breakeven.governance.alerts import Alert

REPORT = "report"
"""The kind of what is told on a schedule."""


def payload(alert: Alert) -> dict[str, Any]:
    """The alert as programs take it. Money is a string of exact digits, shares are numbers from 0 to 1, null is unknown."""
    document = alert.document
    return {
        "type": "breakeven.report" if alert.kind == REPORT else "breakeven.alert",
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
        **({} if document is None else {"document": {"name": document.name, "media_type": document.media_type}}),
    }


def encoded(alert: Alert) -> bytes:
    """The payload as JSON on one line."""
    return msgspec.json.encode(payload(alert))


def encoded_whole(alert: Alert) -> bytes:
    """The payload with the content of its document, for a receiver that keeps it."""
    told = payload(alert)
    if alert.document is not None:
        told["document"] |= {"content": alert.document.text}
    return msgspec.json.encode(told)


def headline(alert: Alert) -> str:
    """One short line: `Breakeven, critical: budget contracts-month`; of a report its title and period."""
    if alert.kind == REPORT:
        return f"Breakeven: {alert.subject}"
    return f"Breakeven, {alert.severity}: {alert.subject} ({alert.kind.replace('_', ' ')})"


def answerable(alert: Alert) -> str:
    """Who answers for it; nothing where there is nothing to answer for: a report."""
    if alert.kind == REPORT and alert.owner is None:
        return ""
    return f"Owner: {alert.owner or 'nobody yet; assign one in breakeven.yaml'}"


def text(alert: Alert) -> str:
    """The alert as people read it."""
    kind = "report" if alert.kind == REPORT else "alert"
    said = (alert.what, alert.next_step, answerable(alert), f"{alert.at:%Y-%m-%d %H:%M} UTC, {kind} {alert.id}")
    return "\n\n".join(filter(None, said))
