"""From overlapping counts to disjoint classes: the arithmetic that every vendor's rule ends in.

A vendor reports a whole and some of its parts, each in its own nesting. These functions take the parts out of the whole by
modality, so that what is left is the plain text. They never invent: where a split is not said and more than one is possible, the
reading says which one was taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from breakeven.providers.reading import Notes, nonzero

MODALITIES = ("text", "audio", "image", "video")
_INPUT = {"text": "input", "audio": "input_audio", "image": "input_image", "video": "input_video"}
_READ = {"text": "cache_read", "audio": "cache_read_audio", "image": "cache_read_image", "video": "cache_read_video"}
_OUTPUT = {"text": "output", "audio": "output_audio", "image": "output_image", "video": "output_video"}


@dataclass(frozen=True, slots=True)
class InputCounts:
    """Input tokens: `total` contains the modalities, the cache reads and the cache writes.

    `by_modality` names what is known not to be text. `cached` counts cache reads of all modalities, `cached_by_modality` their
    split as far as it is said. `written` counts cache writes by usage class.
    """

    total: int
    by_modality: Mapping[str, int] = field(default_factory=dict)
    cached: int = 0
    cached_by_modality: Mapping[str, int] = field(default_factory=dict)
    written: Mapping[str, int] = field(default_factory=dict)


def input_classes(counts: InputCounts, notes: Notes) -> dict[str, int]:
    """Disjoint input classes; they sum to `counts.total`. Faults go to `notes`."""
    left = _by_modality(counts.total, counts.by_modality, notes, "input tokens")
    usage: dict[str, int] = {}
    split = sum(counts.cached_by_modality.values())
    if not notes.within(split, "the cache reads by modality", counts.cached, "cached tokens"):
        return {}
    if not notes.within(counts.cached + sum(counts.written.values()), "cache reads and writes", counts.total, "input tokens"):
        return {}
    for modality, quantity in counts.cached_by_modality.items():
        if not notes.within(quantity, f"cached {modality} tokens", left[modality], f"{modality} input tokens"):
            return {}
        left[modality] -= quantity
        usage[_READ[modality]] = quantity
    for modality, quantity in _taken(left, counts.cached - split, notes, "cached tokens").items():
        usage[_READ[modality]] = usage.get(_READ[modality], 0) + quantity
    for name, quantity in counts.written.items():
        usage[name] = sum(_taken(left, quantity, notes, "cache writes").values())
    return nonzero(usage | {_INPUT[modality]: quantity for modality, quantity in left.items()})


def output_classes(total: int, by_modality: Mapping[str, int], reasoning: int, notes: Notes) -> dict[str, int]:
    """Disjoint output classes of a `total` that contains the modalities and the reasoning (which is text)."""
    left = _by_modality(total, by_modality, notes, "output tokens")
    if not notes.within(reasoning, "reasoning tokens", left["text"], "output tokens that are text"):
        return {}
    left["text"] -= reasoning
    return nonzero({"reasoning": reasoning} | {_OUTPUT[modality]: quantity for modality, quantity in left.items()})


def _by_modality(total: int, named: Mapping[str, int], notes: Notes, what: str) -> dict[str, int]:
    """The tokens of each modality; what is not named is text."""
    others = {modality: named.get(modality, 0) for modality in MODALITIES[1:]}
    if not notes.within(sum(others.values()), f"audio, image and video {what}", total, what):
        others = dict.fromkeys(others, 0)
    return {"text": total - sum(others.values()), **others}


def _taken(left: dict[str, int], quantity: int, notes: Notes, what: str) -> dict[str, int]:
    """Takes tokens of unstated modality out of `left`, text first; says so where another split was possible."""
    possible = [modality for modality in MODALITIES if left[modality]]
    if 0 < quantity < sum(left.values()) and len(possible) > 1:
        notes.doubt(f"the vendor does not say which modality its {quantity} {what} are of; taken as text first")
    taken: dict[str, int] = {}
    for modality in MODALITIES:
        taken[modality] = min(quantity, left[modality])
        left[modality] -= taken[modality]
        quantity -= taken[modality]
    return nonzero(taken)
