"""What of the configuration is governed, noted in the decisions log whenever it changes."""

from __future__ import annotations

import getpass
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from breakeven.alignment.rollout import terms
from breakeven.governance.budgets import Budget, exact
from breakeven.governance.decisions import Decision
from breakeven.ledger.decisions import note_changes
from breakeven.ledger.layout import Layout
from breakeven.reports.budgets import budget_words
from breakeven.settings import Settings


def governed(settings: Settings) -> dict[str, Any]:
    """Every limit, raise, policy, route, floor, owner and role, by what a decision about it is called."""
    found: dict[str, Any] = {}
    for budget in settings.budgets:
        found[f"{budget.kind} {budget.id}"] = _limit(budget)
        for each in budget.raises:
            found[f"raise of {budget.id} until {_instant(each.until)}"] = (
                f"{exact(budget.measure, each.amount)} by {each.author}: {each.reason}"
            )
    for policy in settings.policies:
        found[f"policy {policy.name}"] = policy.words
    for route in settings.gateway.routes:
        found[f"route {route.model}"] = ", ".join(f"{to.provider} {to.model or ''}".strip() for to in route.to)
    for name, feature in settings.features.items():
        said = {
            "owner": feature.owner,
            "margin_floor": _number(feature.margin_floor),
            "quality_floor": _number(feature.quality_floor),
            "rungs": ", ".join(feature.rungs) or None,
            "models": ", ".join(feature.models) or None,
            "capture": None if feature.capture is None else feature.capture.words,
        }
        found |= {f"{field} of {name}": value for field, value in said.items() if value is not None}
        found |= {f"rollout {plan.id}": terms(plan) for plan in feature.rollouts}
    for person in settings.access.people.values():
        found[f"role of {person.name}"] = ", ".join((person.role, *person.features))
    return found


def note(settings: Settings, layout: Layout, config: Path | None) -> int:
    """Put into the decisions log what has changed since the last time; returns how many things those were."""
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    origin = f"{config.name if config else 'defaults'} as {getpass.getuser()} on {socket.gethostname()} serves it"
    return note_changes(layout, governed(settings), Decision(at, "configuration", "", "configure", "", origin=origin))


def _limit(budget: Budget) -> str:
    steps = ", ".join(f"{each.action} at {each.share / 100:g}%" for each in budget.thresholds)
    return f"{budget_words(budget)}{f'; {steps}' if steps else ''}"


def _number(value: object) -> str | None:
    return None if value is None else str(value)


def _instant(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
