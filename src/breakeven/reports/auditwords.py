"""What an audit says in words."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from breakeven.economics.money import atto
from breakeven.reports.owners import quoted
from breakeven.reports.words import count, dollars, percent

if TYPE_CHECKING:
    from breakeven.alignment.audit import Judgement
    from breakeven.reports.audit import Finding
    from breakeven.reports.auditfacts import ClassKey, Replayed
    from breakeven.reports.auditpolicies import Policy

Range = tuple[str | None, str | None]


def money_range(ends: Range) -> str:
    """`$8,100 to $8,360`, or one figure where both ends are shown alike."""
    low, high = ends
    if low is None or high is None:
        return "unknown"
    shown = [dollars(atto(Decimal(end))) for end in (low, high)]
    return shown[0] if shown[0] == shown[1] else f"{shown[0]} to {shown[1]}"


def sentence(findings: Sequence[Finding], total: Range, unclassed: int) -> str:
    """What is paid above need, where most of it is, and what is not known."""
    proven = [found for found in findings if found.verdict == "enough"]
    paid = [found for found in proven if found.calls] or proven
    parts = []
    if not findings:
        parts.append("There is no task class: no call says a workflow or a task class, and there are no replays.")
    elif not any(found.replays for found in findings):
        parts.append("No task was replayed on a cheaper rung yet, so nothing is known to be paid above need.")
    elif not proven:
        parts.append("No cheaper rung is proven to be enough for any task class.")
    else:
        parts.append(_excess(paid, total))
    open_ = [found for found in findings if found.verdict == "too little evidence" and found.replays]
    if open_:
        parts.append(f"{count(len(open_), 'class', 'classes')} {'has' if len(open_) == 1 else 'have'} too little evidence.")
    if unclassed:
        parts.append(f"{count(unclassed, 'call')} {'belongs' if unclassed == 1 else 'belong'} to no task class.")
    return " ".join(parts)


def _excess(proven: Sequence[Finding], total: Range) -> str:
    first = proven[0]
    on = f"{first.task_class} of {first.feature}" if first.feature else first.task_class
    if total[0] is None or not first.calls:
        classes = count(len(proven), "class", "classes")
        unknown = "its cost is unknown" if first.calls else "no call of it is in this period"
        return f"A cheaper rung is enough for {classes}, first {on} ({first.enough}); {unknown}."
    most = f"{money_range(first.excess_per_month)} of it on {on}, where {first.enough} is enough"
    if len(proven) == 1:
        most = f"all of it on {on}, where {first.enough} is enough"
    return f"{money_range(total)} a month is paid above need: {most}."


def evidence(found: Finding) -> str:
    """The evidence of a finding in one cell of a table."""
    if not found.replays:
        return "no replays" + needed_words(found)
    best = next(one for one in found.rungs if one.replays == found.replays and one.agreed == found.agreed)
    bound = percent(found.lower_bound)
    told = f"{found.agreed:,} of {found.replays:,} agree ({bound})"
    if best.basis == "paired scores":
        told = f"{_points(best.difference)} points, at worst {_points(best.difference_low)}, on {found.replays:,} pairs"
    if found.verdict == "not enough":
        return f"{told} on {best.rung}: keep"
    return f"{told} on {best.rung}" + (needed_words(found) if found.verdict == "too little evidence" else "")


def needed_words(found: Finding) -> str:
    """How many replays would tell, and what they would cost."""
    if found.replays_needed is None:
        return "; too near to the margin to tell"
    price = f", costing {dollars(atto(Decimal(found.replays_cost)))}" if found.replays_cost is not None else ""
    return f"; {found.replays_needed:,} more would tell{price}"


def _points(difference: float) -> str:
    value = round(100 * difference, 1)
    return f"{'+' if value > 0 else chr(0x2212) if value < 0 else ''}{abs(value):.1f}"


def overturn(verdict: str, found: Replayed | None, judged: Judgement | None, margin: float) -> str:
    """What would overturn a verdict."""
    if found is None or judged is None:
        return "Replays: there are none yet."
    loss = percent(margin, 1)
    if verdict == "enough":
        return (
            f"A true loss above {loss} (shown now: at worst {percent(max(-judged.difference.low, 0.0))}), another model, prompt or"
            " setting than the one tested, tasks that differ from those replayed, or a scorer that is wrong."
        )
    if verdict == "not enough":
        return (
            f"A margin wider than the loss (now {loss} against at least {percent(max(-judged.difference.high, 0.0))}), a better"
            f" model or prompt on {found.rung}, or a class divided so that its easy part stands alone."
        )
    return f"More replays: the true loss may lie on either side of {loss}."


def next_step(key: ClassKey, verdict: str, enough: str | None, needed: int | None, state: str | None, rung: str) -> str:
    """What to do about a finding; `rung` is the one to replay on."""
    if verdict == "not enough":
        return "keep it where it is"
    of = f" --feature {quoted(key[0])}" if key[0] else ""
    if verdict == "enough":
        return f"breakeven audit accept {quoted(key[1])}{of}" if state is None else f"none: {enough} is enough, and it is {state}"
    number = f" --replays {needed}" if needed else ""
    return f"breakeven audit run {quoted(key[1])}{of} --to {quoted(rung)}{number}"


def policy_words(policy: Policy) -> str:
    """`clauses → small, headers → handler`, or that everything stays."""
    return ", ".join(f"{task_class} → {rung}" for task_class, rung in policy.rungs.items()) or "everything stays"
