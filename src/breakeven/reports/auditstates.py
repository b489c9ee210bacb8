"""What was decided on the classes of an audit: rollouts and how they stand, and findings that were rejected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from breakeven.alignment.rollout import ENDED, Plan, State
from breakeven.governance.decisions import Decision
from breakeven.reports.auditfacts import ClassKey
from breakeven.settings import Settings

REJECTED = "rejected"


def subject_of(feature: str | None, task_class: str) -> str:
    """What a decision on a class is about."""
    return f"class {feature} / {task_class}" if feature else f"class {task_class}"


def states(settings: Settings, standings: Mapping[str, State], decisions: Iterable[Decision]) -> dict[ClassKey, str]:
    """By class: rejected, on trial (with its share of calls), adopted, or how its rollout ended. A rollout outweighs that."""
    last: dict[str, str | None] = {}
    for decision in decisions:
        if decision.subject.startswith("class ") and decision.allowed:
            last[decision.subject] = decision.after
    found: dict[ClassKey, str] = {}
    for name, after in last.items():
        feature, slash, task_class = name.removeprefix("class ").rpartition(" / ")
        if after == REJECTED:
            found[feature if slash else None, task_class] = REJECTED
    for declared in settings.features.values():
        for plan in declared.rollouts:
            found[plan.feature, plan.task_class] = state_words(plan, standings.get(plan.id))
    return found


def state_words(plan: Plan, state: State | None) -> str:
    """How a rollout stands, as an audit says it."""
    if state is None:
        return "accepted, not running yet"
    if state.status in ENDED or state.status == "adopted":
        return state.status
    return f"on trial at {state.share(plan):.0%}"
