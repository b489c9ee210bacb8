"""How a handler stands: what its checks have shown so far, whether it may answer, and why it was withdrawn.

Each check compares the handler's answer with what the model said to the same task. With r agreements in n checks the bounds are
those of a confidence sequence, so they may be looked at after every check (Robbins 1970; the mixture is Beta(1, 1)):

    the shares p with  B(r + 1, n − r + 1) / (pʳ (1 − p)ⁿ⁻ʳ)  <  1 / α        (B: the beta function)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Mode = Literal["off", "shadow", "trial", "live"]
Part = Literal["none", "shadow", "answer", "answer and check"]
MODES: tuple[Mode, ...] = ("off", "shadow", "trial", "live")
ALPHA = 0.05
"""The chance of withdrawing, ever, a handler that keeps its floor."""


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
    """Counts that decide everything: mergeable, in no order but that of the blocks.

    `blocks` are checks and agreements by block of `BLOCK` checks, so that a change is not drowned in a long past.
    """

    checks: int = 0
    agreements: int = 0
    blocks: tuple[tuple[int, int], ...] = ()
    withdrawn: str | None = None
    """The sentence that says why it answers no more; None while it may answer."""


def part(terms: Terms, standing: Standing, draw: float, check_draw: float) -> Part:
    """What the handler does with one task; the draws are independent and uniform on [0, 1).

    `none`: not asked. `shadow`: its answer is compared with the model's and not given. `answer`: given to the caller. `answer and
    check`: given to the caller, and the model is asked besides for comparison.
    """
    raise NotImplementedError


def observed(standing: Standing, terms: Terms, agreed: Sequence[bool]) -> Standing:
    """The standing after further checks, with its withdrawal where they call for it."""
    raise NotImplementedError


def bounds(agreements: int, checks: int, alpha: float = ALPHA) -> Bounds:
    """The confidence sequence's bounds after these checks; 0 and 1 where there are none."""
    raise NotImplementedError


def sentence(name: str, terms: Terms, standing: Standing) -> str:
    """How the handler stands, in one sentence."""
    raise NotImplementedError
