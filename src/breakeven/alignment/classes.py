"""Task classes found from traffic where nobody says them: by prompt template, answer schema, length and wording.

Calls with the same constant part (system text, tools, schema: the *template*) are one class. Within a template that serves many
kinds of tasks, requests are told apart by the band of their length and by their leading words. No model and no embedding is asked.
A class is found by leaders: a request joins the first known class whose signature is near enough, else it begins a new one; known
classes are an argument, so that a class keeps its name for as long as traffic like it comes.

near enough: same template and length band, and a Jaccard similarity of their words of at least `NEAR`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from breakeven.alignment.task import Task

NEAR = 0.35
LEAST = 5
"""A class of fewer requests is not named yet."""
BANDS = (200, 1_000, 5_000, 25_000)
"""Characters of a prompt: up to 200, up to 1,000, ..."""
_WORD = re.compile(r"[^\W\d_]{3,}")
_MOST_WORDS = 40
_OPENING = 400
_NAMED_BY = 3
_COMMON = frozenset({
    "the", "and", "for", "with", "that", "this", "from", "are", "was", "not", "you", "your", "please", "following", "below",
    "above", "into", "have", "has", "will", "can", "all", "any", "which", "what", "answer", "return", "give", "task", "text",
    "only", "them", "they", "its", "our",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Signature:
    """What tells one request from another: template, fields of the answer's schema, band of length, words at its start."""

    template: str
    schema: tuple[str, ...]
    band: int
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class Found:
    """One class: its name, the signature that leads it, and how many requests it has had."""

    name: str
    leader: Signature
    count: int = 1


def signature(task: Task, template: str) -> Signature:
    """What tells this request from others. The schema and the length stand for its form, the first words for its kind."""
    properties = task.schema.get("properties") if task.schema is not None else None
    fields = tuple(sorted(map(str, properties))) if isinstance(properties, Mapping) else ()
    band = sum(len(task.prompt) > limit for limit in BANDS)
    return Signature(template, fields, band, frozenset(_words(task.system) | _words(task.prompt[:_OPENING])))


def _words(text: str) -> set[str]:
    found = (word.lower() for word in _WORD.findall(text))
    return set(list(dict.fromkeys(word for word in found if word not in _COMMON))[:_MOST_WORDS])


def near(one: Signature, other: Signature) -> bool:
    """Whether two requests are of one class."""
    if (one.template, one.schema, one.band) != (other.template, other.schema, other.band):
        return False
    union = one.words | other.words
    return not union or len(one.words & other.words) / len(union) >= NEAR


def classified(signatures: Iterable[Signature], known: Sequence[Found] = ()) -> tuple[list[Found], list[int]]:
    """The classes after these requests, known ones first and with their names, and for each request the place of its class.

    New classes have no name yet (see `named`).
    """
    classes = list(known)
    places: list[int] = []
    for one in signatures:
        place = next((at for at, each in enumerate(classes) if near(one, each.leader)), None)
        if place is None:
            place = len(classes)
            classes.append(Found("", one))
        else:
            classes[place] = replace(classes[place], count=classes[place].count + 1)
        places.append(place)
    return classes, places


def named(classes: Sequence[Found], taken: Iterable[str] = ()) -> list[Found]:
    """Names for the classes that have none and are large enough: the words that distinguish them most from the others.

    A word's weight is (how much of the class has it, here: the leader) × log(classes / classes with it). A name once given stays.
    """
    spread = Counter(word for each in classes for word in each.leader.words | set(each.leader.schema))
    used = {*taken, *(each.name for each in classes if each.name)}
    result: list[Found] = []
    for each in classes:
        if each.name or each.count < LEAST:
            result.append(each)
            continue
        words = sorted(each.leader.words | set(each.leader.schema), key=lambda word: (-math.log(len(classes) / spread[word]), word))
        base = " ".join(words[:_NAMED_BY]) or f"template {each.leader.template[:6]}"
        name, number = base, 2
        while name in used:
            name, number = f"{base} {number}", number + 1
        used.add(name)
        result.append(replace(each, name=name))
    return result
