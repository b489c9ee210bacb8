"""What a rung can take, held against what a feature's calls need: refused when the configuration is read, not when a call comes.

`takes` of a rung lists what its model takes beside text; `context` is how many tokens, question and answer together. `needs` of the
feature and `context` of the ladder say what calls ask for. What a rung does not say is unknown, and refuses nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from breakeven.errors import Problem
from breakeven.governance.charter import Assumptions
from breakeven.settings.ladders import ASKED, CAPABILITIES, Ladder, Rung

_OF_MEMBER: Mapping[str, str] = {
    "image_url": "images", "image": "images", "input_audio": "audio", "file": "files", "document": "files", "tool_choice": "tools",
    "parallel_tool_calls": "tools", "tool_calls": "tools", "tool_use": "tools", "tool_result": "tools", "functions": "tools",
    "response_format": "structured", "output_config": "structured",
}  # fmt: skip
"""Members of requests that ask for one of these."""


def asked_for(needs: Sequence[str]) -> tuple[str, ...]:
    """What these needs ask of a model, in the order of `CAPABILITIES`."""
    found = {_OF_MEMBER.get(need, need) for need in needs}
    return tuple(each for each in CAPABILITIES if each in found)


def longest_of(ladder: Ladder, assumed: Assumptions | None) -> int:
    """How many tokens calls need: as the ladder says, else as the charter assumes of a usual call; 0: nothing is said."""
    return ladder.context or (0 if assumed is None else assumed.input_tokens + assumed.output_tokens)


def overreached(what: str, needs: Sequence[str], ladder: Ladder, assumed: Assumptions | None = None) -> list[Problem]:
    """The rungs that say themselves that they cannot take what calls need."""
    wanted, longest = asked_for(needs), longest_of(ladder, assumed)
    found: list[Problem] = []
    for rung in ladder.rungs:
        lacks = [each for each in wanted if rung.takes is not None and each not in rung.takes]
        if lacks:
            told = "Name another model, correct its `takes`, or take it out of `needs`."
            found.append(Problem(rung.place, f"{what}: rung {rung.name} takes no {' and no '.join(lacks)}, which calls need", told))
        if rung.context is not None:
            found += too_long(what, rung, rung.context, longest)
    return found


def too_long(what: str, rung: Rung, window: int, longest: int, whose: str = "calls need") -> list[Problem]:
    """The fault of a rung whose context is shorter than what calls need."""
    if longest <= window:
        return []
    told = "Name a model with a longer context, or give such calls a feature of their own."
    return [Problem(rung.place, f"{what}: rung {rung.name} takes {window:,} tokens, and {whose} {longest:,}", told)]


def models_of(ladder: Ladder) -> list[Rung]:
    """The rungs whose model is named."""
    return [rung for rung in ladder.rungs if rung.kind == "model" and rung.model != ASKED]
