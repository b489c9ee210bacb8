"""Answers that are the input in another order or spelling: names turned round, numbers regrouped, codes in capitals.

A pattern writes the answer with the runs of letters and digits of a short input: `{2} {1}` is the second run, a space, the first.
`{1:upper}`, `{1:lower}`, `{1:capital}` and `{1:initial}` say how a run is spelled; everything else in a pattern stands for itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from breakeven.alignment.compiled.spans import shape

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from breakeven.alignment.compiled.documents import Document
    from breakeven.alignment.compiled.proposals import Proposals

LONGEST_INPUT = 200
"""Longer inputs are documents, not values to be rearranged."""
_RUN = re.compile(r"[^\W_]+")
_SLOT = re.compile(r"\{(\d+)(?::(\w+))?\}")
_SPELLINGS: dict[str, Callable[[str], str]] = {
    "": str,
    "upper": str.upper,
    "lower": str.lower,
    "capital": str.capitalize,
    "initial": lambda run: run[:1],
}


def whole_text(document: Document) -> str:
    """A short input as one text; empty where it is long."""
    text = " ".join(cell.text for cell in document.cells)
    return text if len(text) <= LONGEST_INPUT else ""


def pattern_of(text: str, answer: str) -> str | None:
    """The pattern that writes the answer with the runs of this text; None where it shares no run with it."""
    runs = _RUN.findall(text)
    slots = 0

    def slot(found: re.Match[str]) -> str:
        nonlocal slots
        name = _slot_of(found.group(), runs)
        slots += name is not None
        return found.group() if name is None else name

    if "{" in answer or not runs:
        return None
    pattern = _RUN.sub(slot, answer)
    return pattern if slots else None


def _slot_of(run: str, runs: Sequence[str]) -> str | None:
    """How a run of the answer is had from the runs of the input: the plainest spelling of the first that gives it."""
    for spelling, spell in _SPELLINGS.items():
        for number, given in enumerate(runs, 1):
            if spell(given) == run:
                return f"{{{number}:{spelling}}}" if spelling else f"{{{number}}}"
    return None


def filled(pattern: str, text: str) -> str | None:
    """The answer that a pattern writes with this text; None where the text has too few runs."""
    runs = _RUN.findall(text)
    if any(int(found.group(1)) > len(runs) for found in _SLOT.finditer(pattern)):
        return None
    return _SLOT.sub(lambda found: _SPELLINGS[found.group(2) or ""](runs[int(found.group(1)) - 1]), pattern)


def propose_rearranged(document: Document, patterns: Sequence[str], into: Proposals) -> None:
    """Add what every pattern writes with this input, with the input's shape as evidence for or against the pattern."""
    text = whole_text(document)
    if not text:
        return
    runs = len(_RUN.findall(text))
    for pattern in patterns:
        answer = filled(pattern, text)
        if answer is not None:
            into.at(answer).add(
                f"pattern {pattern}", f"pattern {pattern} & {runs} runs", f"pattern {pattern} & shape {shape(text)}"
            )
