"""What rules are made of: patterns, mentions, layouts, points; and that a handler is the same after its file."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.alignment.compiled.documents import read_document
from breakeven.alignment.compiled.explaining import explain, in_words
from breakeven.alignment.compiled.fields import Choice, FieldRules
from breakeven.alignment.compiled.fitting import Candidates, fit, tabulate
from breakeven.alignment.compiled.handler import Handler
from breakeven.alignment.compiled.handler_file import from_file, read_file
from breakeven.alignment.compiled.layouts import Layouts
from breakeven.alignment.compiled.learning import Learner
from breakeven.alignment.compiled.lines import WAYS, taken
from breakeven.alignment.compiled.mentions import cues_of, prose
from breakeven.alignment.compiled.proposals import Proposals
from breakeven.alignment.compiled.rearranged import filled, pattern_of, propose_rearranged
from breakeven.alignment.compiled.scorecard import sureness
from breakeven.alignment.compiled.spans import propose_spans

Example = dict[str, Any]
Examples = Callable[[int], list[Example]]

STATES = ("Nevada", "New York", "Texas", "Ohio", "Delaware", "Oregon", "Utah", "North Carolina", "Hong Kong", "Spain")
CLAUSES = (
    "This Agreement shall be governed by the laws of the State of {0}, without regard to conflicts of law.",
    "It is construed in accordance with the laws of {0} and governed by them.",
)


def learned(examples: list[Example], fields: tuple[str, ...], floor: float = 0.93, aim: float = 0.98) -> tuple[Handler, bytes]:
    """A handler learned from these examples, and its file."""
    learner = Learner(fields, floor, aim, Random(0))
    for number, one in enumerate(examples):
        truth = one["output"] if isinstance(one["output"], dict) else {"answer": one["output"]}
        learner.learn(read_document(one["input"]), truth, str(number))
    return learner.write()


def contract(random: Random, state: str) -> Example:
    """An invented contract whose parties come from states too."""
    filler = " ".join(random.choice(("delivery", "party", "notice", "payment", "term", "goods")) for _ in range(200))
    seat = random.choice(STATES)
    return {
        "input": f"A company of {seat} and another agree. {filler} {random.choice(CLAUSES).format(state)} {filler}",
        "output": state,
    }


def test_a_name_never_seen_is_found_by_the_words_around_it() -> None:
    """The governing law is found where the clause names it, also a place that no past contract had, and never the seat."""
    random = Random(3)
    places = [*STATES[:6] * 20, *(f"{name.capitalize()}land" for name in words_of(random, 60))]
    random.shuffle(places)
    handler, _ = learned([contract(random, place) for place in places], ("answer",))
    asked = [contract(random, place) for place in (*STATES, "Ruritania", "Grand Fenwick")]
    answers = [(handler.answer(read_document(one["input"])), one["output"]) for one in asked]
    assert {state for answer, state in answers if answer.answered} >= {"Nevada", "Utah", "Ruritania"}
    assert all(answer.fields["answer"] == state for answer, state in answers if answer.answered)


def words_of(random: Random, count: int) -> list[str]:
    """So many invented words."""
    return ["".join(random.choice("abcdefghiklmnoprstuvw") for _ in range(7)) for _ in range(count)]


def test_cues_are_the_rare_words_before_a_name() -> None:
    """A cue stands shortly before the answer and is rare; an answer that is no name has none."""
    text = prose(read_document("so " * 40 + "the law of Texas so applies " + "so " * 40 + "texas so"))
    assert cues_of(text, "Texas") == {"the", "law", "of"}
    assert cues_of(text, "texas so") == set()
    assert cues_of(text, "a name of too many words") == set()


@given(st.lists(st.from_regex(r"[A-Za-z]{2,6}", fullmatch=True), min_size=2, max_size=5, unique_by=str.casefold), st.randoms())
def test_a_pattern_writes_what_it_was_taken_from(runs: list[str], random: Random) -> None:
    """The pattern of an answer made of an input's runs, in any order and spelling, writes that answer again."""
    text = ", ".join(runs)
    chosen = random.sample(runs, random.randrange(1, len(runs) + 1))
    answer = " / ".join(random.choice((str, str.upper, str.lower, str.capitalize))(run) for run in chosen)
    pattern = pattern_of(text, answer)
    assert pattern is not None
    assert filled(pattern, text) == answer


def test_what_no_pattern_writes() -> None:
    """An answer that shares nothing with its input, or holds a brace, has no pattern; a pattern needs its runs."""
    assert pattern_of("Hopper, Grace", "42") is None
    assert pattern_of("Hopper, Grace", "{Grace}") is None
    assert pattern_of("", "Grace") is None
    assert filled("{3}", "Hopper, Grace") is None
    found = Proposals()
    for text in ("Hopper", "Hopper, Grace " * 30, "Hopper, Grace"):
        propose_rearranged(read_document(text), ["{2} {1}"], found)
    assert [proposal.answer for proposal in found.values()] == ["Grace Hopper"]


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ("whole row", "ACME (M) LTD (123)"),
        ("without the bracket at its end", "ACME (M) LTD"),
        ("up to the first bracket", "ACME"),
        ("after the colon", None),
        ("two rows joined", "ACME (M) LTD (123) Tel: 5 5"),
        ("three rows joined", None),
    ],
)
def test_ways_of_taking_a_line(way: str, expected: str | None) -> None:
    """Every way takes its part of a line, and nothing where it would take no part of its own."""
    assert way in WAYS
    assert taken(["ACME (M) LTD (123)", "Tel: 5 5"], 0, way) == expected
    assert taken(["ACME (M) LTD (123)", "Tel: 5 5"], 1, "after the colon") == "5 5"


def test_documents_that_share_rare_lines_share_a_layout() -> None:
    """A document joins the layout with whose rare lines it agrees; lines that every document has tell nothing."""
    layouts = Layouts()
    shops = {name: tuple(f"{name} line {number}" for number in range(12)) for name in ("north", "south", "west")}
    for name in [*shops] * 10:
        layouts.learn((*shops[name], "thank you"))
    found = [layouts.belongs(shops[name][:10]) for name in shops]
    assert None not in found
    assert len(set(found)) == 3
    assert layouts.belongs(("thank you",)) is None
    layouts.learn((*shops["north"], "a lamp that was bought once"))
    layouts.trim()
    assert "a lamp that was bought once" not in layouts.by_line
    assert layouts.belongs(shops["north"][:10]) == found[0]


def test_points_do_not_depend_on_where_the_search_begins() -> None:
    """The loss is convex: from nothing, from the result and from nonsense the same points are found."""
    random = Random(2)
    examples = []
    for _ in range(60):
        shown = {key: [item for item in "abcd" if random.random() < 0.5] for key in ("x", "y", "z")}
        best = max(shown, key=lambda key: ("a" in shown[key]) + 0.5 * ("b" in shown[key]) + random.random())
        examples.append(Candidates(shown, best))
    table = tabulate(examples)
    found = fit(table)
    assert found["a"] > found["b"] > 0
    for start in (found, {"a": -5.0, "c": 9.0}):
        again = fit(table, start)
        assert all(again.get(item, 0.0) == pytest.approx(points, abs=0.02) for item, points in found.items())


@given(st.dictionaries(st.sampled_from("xyz"), st.lists(st.sampled_from("abc")), min_size=1))
def test_sureness_is_shared_among_the_candidates(evidence: dict[str, list[str]]) -> None:
    """The sureness of all candidates sums to one, and more points never make a candidate less sure."""
    shares = sureness({"a": 1.0, "b": -2.0}, evidence)
    assert sum(shares.values()) == pytest.approx(1.0)
    points = {key: sum({"a": 1.0, "b": -2.0}.get(item, 0.0) for item in items) for key, items in evidence.items()}
    assert sorted(shares, key=lambda key: (points[key], key)) == sorted(shares, key=lambda key: (round(shares[key], 12), key))


def test_a_handler_is_the_same_after_its_file(invoices: Examples, tickets: Examples, names: Examples) -> None:
    """A handler read back from its file answers and declines every input as the one that was written, for the same reasons."""
    inputs = [one["input"] for one in (*invoices(60), *tickets(40), *names(40))]
    for examples, fields in ((invoices(120), ("vendor", "date", "total")), (tickets(150), ("answer",)), (names(100), ("answer",))):
        handler, content = learned(examples, fields)
        read = from_file(read_file(content, "handler.json"))
        documents = [read_document(text) for text in inputs]
        pairs = [(handler.answer(document), read.answer(document)) for document in documents]
        assert any(ours.answered for ours, _ in pairs)
        assert all((a.answered, a.fields, a.unsureness, a.why) == (b.answered, b.fields, b.unsureness, b.why) for a, b in pairs)


def test_every_observation_has_its_words(invoices: Examples, tickets: Examples, names: Examples) -> None:
    """No rule is shown by its internal name: every observation that any of these handlers rests on is said in words."""
    random = Random(3)
    contracts = [contract(random, random.choice(STATES)) for _ in range(60)]
    for examples in (invoices(120), tickets(150), names(100), contracts):
        fields = tuple(examples[0]["output"]) if isinstance(examples[0]["output"], dict) else ("answer",)
        _, content = learned(examples, fields)
        file = read_file(content, "handler.json")
        rules = [rule.when for rows in file.fields.values() for rule in rows.rules]
        assert [when for when in rules if in_words(when) == when] == []
        assert len(list(explain(file))) > len(rules)
    assert in_words("an observation of a later version") == "an observation of a later version"


def test_a_class_of_rules_that_proved_wrong_is_not_answered_by() -> None:
    """A choice whose class of rules is withdrawn is left without sureness; others stay as they are."""
    rules = FieldRules(withdrawn=frozenset({"printed"}))
    sure = [Choice("9.00", "900", 0.99, name, frozenset()) for name in ("printed", "checked")]
    assert [choice.sureness for choice in map(rules.admitted, sure) if choice is not None] == [0.0, 0.99]
    assert rules.admitted(None) is None


def test_a_date_in_running_text_is_told_by_its_sentence() -> None:
    """Of the dates of one long paragraph the one is answered that stands after the telling words."""
    random = Random(4)
    days = [f"{random.randrange(1, 29):02}/{random.randrange(1, 13):02}/20{random.randrange(10, 25)}" for _ in range(360)]
    filler = "the parties shall perform their duties with care and in good faith " * 6
    clauses = (
        "It ends on {0} at noon.",
        "The agreement is made and entered into as of {0} by them.",
        "Goods are due by {0} in full.",
    )
    examples = []
    for own in zip(days[::3], days[1::3], days[2::3], strict=True):
        order = random.sample(range(3), 3)
        text = f"{filler} ".join(clauses[number].format(own[number]) for number in order)
        examples.append({"input": text, "output": own[1]})
    handler, _ = learned(examples[:90], ("answer",))
    answers = [(handler.answer(read_document(one["input"])), one["output"]) for one in examples[90:]]
    assert sum(answer.answered for answer, _ in answers) >= 25
    assert all(answer.fields["answer"] == truth for answer, truth in answers if answer.answered)


def test_a_day_that_does_not_exist_is_told_apart() -> None:
    """A printed date that the calendar does not have carries that as evidence; a real one does not."""
    found = Proposals()
    propose_spans(read_document("made 31/02/2024 or 28/02/2024"), "date", ("as printed",), found)
    assert {proposal.answer: "no such day" in proposal.evidence for proposal in found.values()} == {
        "31/02/2024": True,
        "28/02/2024": False,
    }
    assert in_words("no such day") == "the calendar has no such day"


def test_a_declined_answer_says_why(invoices: Examples) -> None:
    """Declining names its reason: too little record, another task, or the field that is unsure or not found."""
    handler, _ = learned(invoices(120), ("vendor", "date", "total"))
    empty, _ = learned(invoices(5), ("total",))
    known = invoices(1)[0]["input"]
    undated = "\n".join(line for line in known.splitlines() if "/" not in line and "issued" not in line)
    assert "the record does not yet show" in empty.answer(read_document(known)).why
    assert handler.answer(read_document("What is the capital of France?")).why
    assert handler.answer(read_document(undated)).why == "nothing found for date"
