"""The plan as a comparison: what a period was meant to cost and earn, as sums that the P&L subtracts."""

from __future__ import annotations

from breakeven.economics.allocation import prorated
from breakeven.economics.periods import by_month, month_of
from breakeven.economics.pnl import Tally, total
from breakeven.errors import DataError, UsageError
from breakeven.reports.question import Question
from breakeven.reports.tallies import Key, Sums
from breakeven.settings.plans import Plan, PlanLine

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
