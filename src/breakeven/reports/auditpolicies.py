"""Which policy a feature should go by: every class where it is, all of them on one rung, or each on a rung of its own.

A rung here is also a cascade of two, or a route that judges single tasks (`auditcomposed.py`): all are policies of one family.

    saving a month = worth of the moved classes (`auditfacts.worth`) − what checking costs
    checking       = share that is checked × cost of the moved calls on the dear rung
    break-even     = share that may be checked before the low end of the worth is used up

All candidates rest on the verdicts of one audit, so they share its error budget: a policy is proven where each class that it moves
is proven on its rung. Of the proven ones the policy with the greatest expected saving is taken; where none saves, everything stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from breakeven.economics.money import ATTO, digits
from breakeven.reports.auditfacts import rank

STAY, EACH = "stay", "class by class"


@dataclass(frozen=True, slots=True)
class Move:
    """One undecided class on one cheaper rung: what that is worth, low and high (None: unknown), and what dearer rungs are paid.

    Amounts are atto-dollars a month; `worth` is without the cost of checking.
    """

    task_class: str
    rung: str
    proven: bool
    worth: tuple[int, int] | None
    dear: int

    def saving(self, checked: float) -> tuple[int, int] | None:
        """What is left of the worth where this share of the moved calls is checked."""
        if self.worth is None:
            return None
        cost = checking(self.dear, checked)
        return self.worth[0] - cost, self.worth[1] - cost


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """One way to serve a feature. `rungs`: the classes that move, and where to; all others stay.

    `saving_per_month` is from the low to the high end, after `checking_per_month`, null where a rung's cost is unknown.
    `break_even_checked` is the share of the moved calls that may be checked before the low end saves nothing.
    """

    feature: str | None
    policy: str
    rungs: Mapping[str, str]
    proven: bool
    chosen: bool
    saving_per_month: tuple[str | None, str | None]
    checking_per_month: str
    break_even_checked: float | None


def checking(dear: int, checked: float) -> int:
    """What it costs to ask the dear rung as well for this share of the calls that cost `dear` there."""
    return dear * round(checked * 10**6) // 10**6


def policies(feature: str | None, moves: Sequence[Move], checked: float) -> list[Policy]:
    """The candidates of a feature, what stays first, with the one to take marked. `moves`: its classes on each replayed rung."""
    rungs = sorted({one.rung for one in moves}, key=lambda name: (rank(name), name))
    classes = {one.task_class for one in moves}
    found = [(STAY, list[Move]())]
    found += [(f"all on {rung}", [one for one in moves if one.rung == rung]) for rung in rungs]
    whole = [(name, taken) for name, taken in found if name == STAY or {one.task_class for one in taken} == classes]
    best = _each(moves, checked)
    if best and all(best != taken for _, taken in whole):
        whole.append((EACH, best))
    chosen = _chosen(whole, checked)
    return [_policy(feature, name, taken, checked, chosen=name == chosen) for name, taken in whole]


def _each(moves: Sequence[Move], checked: float) -> list[Move]:
    """Each class on the proven rung that is expected to save most; a class that would lose money stays."""
    best: dict[str, tuple[int, Move]] = {}
    for one in moves:
        ends = one.saving(checked)
        expected = 0 if ends is None or not one.proven else sum(ends)
        if expected > max(best[one.task_class][0] if one.task_class in best else 0, 0):
            best[one.task_class] = expected, one
    return [move for _, move in best.values()]


def _chosen(candidates: Sequence[tuple[str, Sequence[Move]]], checked: float) -> str:
    """The proven candidate with the greatest expected saving; the first of equal ones, so that what saves nothing stays."""
    expected = {
        name: sum(sum(one.saving(checked) or (0, 0)) for one in taken)
        for name, taken in candidates
        if all(one.proven and one.worth is not None for one in taken)
    }
    return max(expected, key=expected.__getitem__)


def _policy(feature: str | None, name: str, taken: Sequence[Move], checked: float, *, chosen: bool) -> Policy:
    savings = [one.saving(checked) for one in taken]
    known = [ends for ends in savings if ends is not None]
    dear = sum(one.dear for one in taken)
    whole = len(known) == len(savings)
    low = sum(one.worth[0] for one in taken if one.worth is not None)
    return Policy(
        feature=feature,
        policy=name,
        rungs={one.task_class: one.rung for one in taken},
        proven=all(one.proven for one in taken),
        chosen=chosen,
        saving_per_month=(_cents(sum(ends[0] for ends in known)), _cents(sum(ends[1] for ends in known)))
        if whole
        else (None, None),
        checking_per_month=_cents(checking(dear, checked)) or "0",
        break_even_checked=min(max(low / dear, 0.0), 1.0) if whole and dear else None,
    )


def _cents(value: int) -> str | None:
    cent: int = ATTO // 100
    return digits((value + cent // 2) // cent * cent)
