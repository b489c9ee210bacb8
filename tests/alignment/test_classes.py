"""Task classes are found from traffic without labels, stay what they are, and are named by what distinguishes them."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from breakeven.alignment.classes import LEAST, Signature, classified, named, signature
from breakeven.alignment.task import Task

KINDS = {
    "Extract the governing law clause": "clause",
    "Translate this letter to French": "french",
    "Classify the support ticket by urgency": "ticket",
}


def _signatures(count: int, seed: int) -> list[Signature]:
    random = Random(seed)
    asked = [random.choice(list(KINDS)) for _ in range(count)]
    return [signature(Task(f"{kind}. Item {random.random()}"), "same-template") for kind in asked]


def test_kinds_of_tasks_within_one_template_are_told_apart_and_named() -> None:
    """Three kinds under one system prompt become three classes, each named by a word of its own."""
    classes, places = classified(_signatures(60, 1))
    found = named(classes)
    assert (len(found), len(set(places))) == (3, 3)
    assert {word for one in found for word in KINDS.values() if word in one.name} == set(KINDS.values())


def test_names_stay_when_more_traffic_comes() -> None:
    """Later requests join the classes there are, in whatever order they come."""
    first = named(classified(_signatures(60, 1))[0])
    second, _ = classified(_signatures(60, 2), first)
    assert [one.name for one in named(second)] == [one.name for one in first]
    assert sum(one.count for one in second) == 120


def test_templates_schemas_and_lengths_divide() -> None:
    """The same words under another template, with another schema or much longer are another class."""
    schema = {"type": "object", "properties": {"law": {"type": "string"}}}
    words = "Which law governs"
    several = [
        signature(Task(words), "a"),
        signature(Task(words), "b"),
        signature(Task(words, schema=schema), "a"),
        signature(Task(words + " x" * 2_000), "a"),
    ]
    assert len(classified(several)[0]) == 4


def test_rare_kinds_are_not_named() -> None:
    """Fewer than the least count of requests have no name yet."""
    few = [signature(Task("Extract the governing law"), "t")] * (LEAST - 1)
    assert [one.name for one in named(classified(few)[0])] == [""]


@given(st.lists(st.text(max_size=60), max_size=30))
def test_every_request_has_one_class_and_names_are_unique(prompts: list[str]) -> None:
    """Whatever is asked: counts add up, and no two classes share a name."""
    classes, places = classified([signature(Task(prompt), "t") for prompt in prompts])
    assert len(places) == len(prompts) == sum(one.count for one in classes)
    names = [one.name for one in named(classes) if one.name]
    assert len(names) == len(set(names))
