"""The plan as a comparison: what a period was meant to cost and earn, as sums that the P&L subtracts; and a plan as text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from breakeven.economics.allocation import prorated
from breakeven.economics.periods import by_month, month_of
from breakeven.economics.pnl import Tally, total
from breakeven.economics.scenario.model import Path
from breakeven.errors import DataError, UsageError
from breakeven.reports.question import Question
from breakeven.reports.scenariofigures import exact
from breakeven.reports.tallies import Key, Sums
from breakeven.settings.plans import Plan, PlanLine
from breakeven.settings.scenarios import Scenario

PLAN = "plan"
"""What `--vs` calls it."""


def planned(plan: Plan, question: Question) -> Sums:
    """What the plan says of a question's period, by feature; days of a month that is asked for in part are prorated.

    Raises UsageError where the question is not by feature, DataError where the plan does not cover the period.
    """
    if question.by != ("feature",) or any(name != "feature" for name, _ in question.filters):
        raise UsageError("the plan is by feature", "Leave out --by and other filters than --feature with --vs plan.")
    wanted = {value for _, value in question.filters}
    rows: dict[Key, Tally] = {
        (name,): _tally(line, plan, question) for name, line in plan.lines.items() if not wanted or name in wanted
    }
    return Sums(rows, total(rows.values()))


def _tally(line: PlanLine, plan: Plan, question: Question) -> Tally:
    found = Tally()
    for part in by_month(question.period):
        month = month_of(part.start)
        at = (month.start.year - plan.start.year) * 12 + month.start.month - plan.start.month
        if not 0 <= at < len(line.cost):
            raise DataError(
                f"{plan.source} says nothing of {month.label}", f"It covers {plan.months} months from {plan.start:%Y-%m} on."
            )
        span = month.start, month.end
        tasks = round(line.tasks[at] * ((part.end - part.start) / (month.end - month.start)))
        found += Tally(
            cost=prorated(line.cost[at], span, part),
            value=None if line.value is None else prorated(line.value[at], span, part),
            calls=tasks,
            outcomes=tasks,
        )
    return found


def plan_text(asked: Scenario, paths: Mapping[str | None, Path], start: datetime, adopted: datetime) -> str:
    """A scenario's middle paths as the text of a plan file."""
    head = [
        "# The plan that `breakeven pnl --vs plan` compares with: the middle path of a scenario, one figure per month.",
        "plan:",
        f"  name: {json.dumps(asked.name, ensure_ascii=False)}",
        f"  scenario: {json.dumps(asked.source, ensure_ascii=False)}",
        f"  seed: {asked.seed}",
        f"  adopted: {adopted:%Y-%m-%d}",
        f"  from: {start:%Y-%m}",
        "  features:" if any(name is not None for name in paths) else "  features: {}",
    ]
    for name, path in paths.items():
        if name is not None:
            head += [f"    {json.dumps(name, ensure_ascii=False)}:", *_lines(path, "      ")]
    if None in paths:
        head += ["  unattributed:", *_lines(paths[None], "    ")]
    return "\n".join(head) + "\n"


def _lines(path: Path, indent: str) -> list[str]:
    figures = {"tasks": [f"{round(one)}" for one in path.tasks[0]], "cost": _cents(path.cost[0])}
    if path.value is not None:
        figures["value"] = _cents(path.value[0])
    return [f"{indent}{name}: [{', '.join(json.dumps(one) for one in each)}]" for name, each in figures.items()]


def _cents(line: Sequence[float]) -> list[str]:
    return [exact(round(float(one), 2)) or "0" for one in line]
