"""How a handler stands: what its checks have shown so far, whether it may answer, and why it was withdrawn.

Each check compares the handler's answer with what the model said to the same task. With r agreements in n checks the bounds are
those of a confidence sequence, so they may be looked at after every check (Robbins 1970, mixture over all shares alike):

    the shares p with  B(r + 1, n − r + 1) / (pʳ (1 − p)ⁿ⁻ʳ)  <  1 / α        (B: the beta function)

The counts are all that matters, so several processes may add theirs in any order.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

Mode = Literal["off", "shadow", "trial", "live"]
Part = Literal["none", "shadow", "answer", "answer and check"]
MODES: tuple[Mode, ...] = ("off", "shadow", "trial", "live")
ALPHA = 0.05
"""The chance of withdrawing, ever, a handler whose agreement is at its floor, because of luck in the blocks."""
BLOCK = 100
"""Checks in one block. Each block and its successor are looked at by themselves, so that a change is not drowned in a long past."""
PATIENCE = 4
"""How many times the checks that would prove the floor without a single disagreement a handler has to prove it in."""
_KEPT_BLOCKS = 2
_HALVINGS = 40


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a handler answers: its mode, the share of traffic of a trial, the share checked for ever, and its floor.

    `share` and `checked` are shares from 0 to 1, as is `floor`: the least agreement with the model that is good enough.
    """

    mode: Mode = "shadow"
    share: float = 0.1
    checked: float = 0.05
    floor: float = 0.95


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between what the true agreement lies, at every look at once with confidence 1 − α."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Standing:
    """The checks so far and their agreements; `blocks` holds the last two blocks, checks and agreements each, the latest last."""

    checks: int = 0
    agreements: int = 0
    blocks: tuple[tuple[int, int], ...] = ()
    withdrawn: str | None = None
    """The sentence that says why it answers no more; None while it may answer."""

    @property
    def agreement(self) -> float | None:
        """The share of checks that agreed; None before the first."""
        return self.agreements / self.checks if self.checks else None


def part(terms: Terms, standing: Standing, draw: float, check_draw: float) -> Part:
    """What the handler does with one task; the draws are independent and uniform on [0, 1).

    `none`: it is not asked. `shadow`: its answer is compared with the model's and not given. `answer`: given. `answer
    and check`: given to the caller, and the model is asked besides to compare. A withdrawn handler goes on in the shadow, on the
    share that is checked, so that its owner sees whether it has recovered.
    """
    checked = check_draw < terms.checked
    if terms.mode == "off":
        return "none"
    if terms.mode == "shadow":
        return "shadow" if draw < terms.share else "none"
    if standing.withdrawn is not None:
        return "shadow" if checked else "none"
    if terms.mode == "trial" and draw >= terms.share:
        return "shadow" if checked else "none"
    return "answer and check" if checked else "answer"


def observed(standing: Standing, terms: Terms, agreed: Iterable[bool]) -> Standing:
    """The standing after further checks. In the modes that answer it is withdrawn where they call for it.

    It is withdrawn when the last blocks contradict the floor (even their upper bound lies below it), and when it had its time to
    prove itself (`patience` checks) and the lower bound of all its checks is below the floor.
    """
    for one in agreed:
        standing = _after(standing, agreed=one)
        if standing.withdrawn is None and terms.mode in {"trial", "live"}:
            standing = replace(standing, withdrawn=_reason(standing, terms))
    return standing


def _after(standing: Standing, *, agreed: bool) -> Standing:
    blocks = list(standing.blocks)
    if not blocks or blocks[-1][0] >= BLOCK:
        blocks.append((0, 0))
    checks, agreements = blocks[-1]
    blocks[-1] = (checks + 1, agreements + agreed)
    return Standing(standing.checks + 1, standing.agreements + agreed, tuple(blocks[-_KEPT_BLOCKS:]), standing.withdrawn)


def _reason(standing: Standing, terms: Terms) -> str | None:
    number = (standing.checks - 1) // BLOCK  # block pairs looked at before this one
    recent, right = sum(checks for checks, _ in standing.blocks), sum(agreements for _, agreements in standing.blocks)
    spent = ALPHA / ((number + 1) * (number + 2))  # summed over all block pairs: α
    high = bounds(right, recent, spent).high
    if high < terms.floor:
        return (
            f"of the last {recent:,} checks {right:,} agreed: at most {high:.1%} of its answers agree with the model's, "
            f"and its floor is {terms.floor:.1%}"
        )
    if standing.checks >= patience(terms.floor):
        low = bounds(standing.agreements, standing.checks).low
        if low < terms.floor:
            return (
                f"{standing.agreements:,} of {standing.checks:,} checks agreed: no more than {low:.1%} is proven, "
                f"and its floor is {terms.floor:.1%}"
            )
    return None


@lru_cache(maxsize=256)
def patience(floor: float, alpha: float = ALPHA) -> int:
    """After how many checks a handler must have proven its floor: four times what it takes without a single disagreement."""
    checks = 1
    while bounds(checks, checks, alpha).low < floor and checks < 1_000_000:  # noqa: PLR2004 - a floor of 1 is never proven
        checks = checks + 1 if checks < BLOCK else checks + checks // BLOCK
    return PATIENCE * checks


def bounds(agreements: int, checks: int, alpha: float = ALPHA) -> Bounds:
    """The confidence sequence's bounds after these checks; 0 and 1 where there are none."""
    if checks <= 0:
        return Bounds(0.0, 1.0)
    missed = checks - agreements
    most = -math.log(alpha) - (math.lgamma(agreements + 1) + math.lgamma(missed + 1) - math.lgamma(checks + 2))
    # Inside are the shares p for which −r·ln p − (n − r)·ln(1 − p) stays below `most`; the middle r/n always is.
    middle = agreements / checks
    low = 0.0 if agreements == 0 else _edge(agreements, missed, most, outside=0.0, inside=middle)
    high = 1.0 if missed == 0 else _edge(agreements, missed, most, outside=1.0, inside=middle)
    return Bounds(low, high)


def _edge(agreements: int, missed: int, most: float, *, outside: float, inside: float) -> float:
    for _ in range(_HALVINGS):
        share = (outside + inside) / 2
        if _surprise(agreements, missed, share) < most:
            inside = share
        else:
            outside = share
    return outside


def _surprise(agreements: int, missed: int, share: float) -> float:
    if share <= 0 or share >= 1:
        return math.inf
    return -agreements * math.log(share) - missed * math.log1p(-share)


def sentence(name: str, terms: Terms, standing: Standing) -> str:
    """How the handler stands, in one sentence."""
    if standing.withdrawn is not None:
        return f"{name} is withdrawn: {standing.withdrawn}."
    said = {
        "off": "is off",
        "shadow": f"answers beside the model on {terms.share:.0%} of its traffic",
        "trial": f"answers {terms.share:.0%} of its traffic and is checked on {terms.checked:.0%}",
        "live": f"answers all it recognises and is checked on {terms.checked:.0%}",
    }[terms.mode]
    if not standing.checks:
        return f"{name} {said}; nothing has been checked yet."
    low = bounds(standing.agreements, standing.checks).low
    proven = "proven" if low >= terms.floor else "not proven yet"
    return (
        f"{name} {said}; {standing.agreements:,} of {standing.checks:,} checks agreed, at least {low:.1%} with 95% confidence, "
        f"so its floor of {terms.floor:.1%} is {proven}."
    )
