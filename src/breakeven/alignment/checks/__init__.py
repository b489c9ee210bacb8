"""Checks that decide whether a cheap answer stands; others join through the entry point group `breakeven.checks`, each a `Kind`."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from breakeven.alignment.checks import dates, digits, pattern, ranges, schema, totals
from breakeven.alignment.checks.agreement import AgreementCheck, agreement
from breakeven.alignment.checks.judge import JudgeCheck, judge
from breakeven.alignment.checks.options import Options
from breakeven.alignment.checks.port import Check, CheckFault, FunctionCheck, Kind
from breakeven.alignment.task import Reply, Task

Order = Literal["sequence", "parallel"]
ORDERS: tuple[Order, ...] = ("sequence", "parallel")
CHECKS: tuple[Kind, ...] = (
    ranges.PRESENT,
    ranges.RANGE,
    dates.KIND,
    digits.KIND,
    totals.SUM,
    totals.PRODUCT,
    pattern.KIND,
    schema.KIND,
)
"""The built-in kinds of pure checks, the cheapest first."""
OTHERS = ("function", "agreement", "judge")
"""The kinds that need more than the answer: the host, a second rung, a model."""

__all__ = [
    "CHECKS", "ORDERS", "OTHERS", "AgreementCheck", "Check", "CheckFault", "Checks", "FunctionCheck", "JudgeCheck", "Kind", "Order",
    "checks_from",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Checks:
    """What decides whether a rung's answer stands, the cheapest first: pure checks, functions, agreement, a judge.

    In sequence each begins when those before let the answer stand. In parallel the functions, the second rung and the judge begin
    together once the pure checks are through; the first reason decides.
    """

    pure: tuple[Check, ...] = ()
    functions: tuple[FunctionCheck, ...] = ()
    agreement: AgreementCheck | None = None
    judge: JudgeCheck | None = None
    order: Order = "sequence"

    def fault(self, task: Task, reply: Reply) -> str | None:
        """The first reason by which a pure check rejects the reply, led by its kind; None where all let it stand."""
        for check in self.pure:
            why = check.fault(task, reply)
            if why is not None:
                return f"{check.kind}: {why}"
        return None


def checks_from(declared: Sequence[tuple[str, object]], kinds: Sequence[Kind] = CHECKS, order: Order = "sequence") -> Checks:
    """The checks that these kinds and options make, the cheapest first whatever their order here.

    Raises CheckFault, whose path begins with the number of the check at fault.
    """
    places = {kind.name: place for place, kind in enumerate(kinds)}
    by_name = {kind.name: kind for kind in kinds}
    pure: list[tuple[int, int, Check]] = []
    functions: list[FunctionCheck] = []
    single: dict[str, AgreementCheck | JudgeCheck] = {}
    for number, (name, options) in enumerate(declared):
        try:
            if name in by_name:
                pure.append((places[name], number, by_name[name].make(options)))
            elif name == "function":
                functions.append(_function(options))
            else:
                single[name] = _single(name, options, (*by_name, *OTHERS), single)
        except CheckFault as fault:
            raise CheckFault(fault.what, fault.remedy, (number, *fault.path)) from None
    agreed, judged = single.get("agreement"), single.get("judge")
    return Checks(
        tuple(check for _, _, check in sorted(pure, key=lambda one: one[:2])),
        tuple(functions),
        agreed if isinstance(agreed, AgreementCheck) else None,
        judged if isinstance(judged, JudgeCheck) else None,
        order,
    )


def _single(name: str, options: object, known: Sequence[str], made: Collection[str]) -> AgreementCheck | JudgeCheck:
    """A check of which there is one at most."""
    if name not in OTHERS:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise CheckFault(f"there is no check {name!r}", f"{hint}Known: {', '.join(known)}.")
    if name in made:
        raise CheckFault(f"{name} stands here twice", "Keep one of them.")
    return agreement(options) if name == "agreement" else judge(options)


def _function(options: object) -> FunctionCheck:
    given = Options(options, "function", ("name", "seconds"), main="name")
    seconds = given.number("seconds")
    if seconds is not None and not 0 < seconds <= 600:  # noqa: PLR2004 - ten minutes
        raise given.fault("seconds", f"seconds is {seconds}", "Write a number above 0 and at most 600.")
    return FunctionCheck(given.text("name"), 1.0 if seconds is None else float(seconds))
