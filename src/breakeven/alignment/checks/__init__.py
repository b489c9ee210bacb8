"""Checks that decide whether a cheap answer stands; others join through the entry point group `breakeven.checks`, each a `Kind`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from breakeven.alignment.checks.agreement import AgreementCheck
from breakeven.alignment.checks.judge import JudgeCheck
from breakeven.alignment.checks.port import Check, CheckFault, FunctionCheck, Kind
from breakeven.alignment.task import Reply, Task

Order = Literal["sequence", "parallel"]
CHECKS: tuple[Kind, ...] = ()
"""The built-in kinds of pure checks, the cheapest first."""

__all__ = ["CHECKS", "AgreementCheck", "Check", "CheckFault", "Checks", "FunctionCheck", "JudgeCheck", "Kind", "checks_from"]


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
    by_name = {kind.name: kind for kind in kinds}
    made: list[object] = []
    for number, (name, options) in enumerate(declared):
        try:
            made.append(_made(name, options, by_name))
        except CheckFault as fault:
            raise CheckFault(fault.what, fault.remedy, (number, *fault.path)) from None
    return Checks(
        tuple(one for name in by_name for one in made if getattr(one, "kind", "") == name and not isinstance(one, FunctionCheck)),  # type: ignore[misc]
        tuple(one for one in made if isinstance(one, FunctionCheck)),
        next((one for one in made if isinstance(one, AgreementCheck)), None),
        next((one for one in made if isinstance(one, JudgeCheck)), None),
        order,
    )


def _made(name: str, options: object, kinds: dict[str, Kind]) -> object:
    raise NotImplementedError
