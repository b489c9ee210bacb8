"""Learning from anything: odd texts, odd answers, odd boxes."""

from __future__ import annotations

from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from breakeven.alignment.compiled.documents import read_document
from breakeven.alignment.compiled.explaining import explain
from breakeven.alignment.compiled.handler_file import from_file, read_file
from breakeven.alignment.compiled.learning import Learner

pieces = st.sampled_from(
    [
        *("Total", "12.90", "RM 9.00", "-0.00", "9,99 €", "31/02/2024", "3 May 2024", "20240503", "May", "1.2.3", "A-17"),
        *("(ACME)", "a: b", "-", "\t", "  ", "\n", "{1}", "İ", "ß", "٣", "²", "$", "%"),
    ]
)
texts = st.lists(st.one_of(pieces, st.text(max_size=4)), max_size=12).map(" ".join)
boxes = st.lists(
    st.fixed_dictionaries({"text": texts, "box": st.lists(st.integers(-9, 99), min_size=4, max_size=4)}), min_size=1, max_size=6
)
answers = st.one_of(pieces, texts, st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False))


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.one_of(texts, boxes), answers, answers), min_size=1, max_size=30), st.one_of(texts, boxes))
def test_no_example_breaks_the_learner(examples: list[tuple[object, object, object]], strange: object) -> None:
    """Whatever the examples, a handler comes of them that reads back the same, explains itself, and takes any input."""
    learner = Learner(("one", "other"), 0.1, 0.1, Random(0))
    for number, (given_input, one, other) in enumerate(examples):
        learner.learn(read_document(given_input), {"one": one, "other": other}, str(number))
    handler, content = learner.write()
    file = read_file(content, "handler.json")
    assert list(explain(file))
    read = from_file(file)
    for value in (strange, *(example[0] for example in examples)):
        ours, theirs = handler.answer(read_document(value)), read.answer(read_document(value))
        assert (ours.answered, ours.fields, ours.why) == (theirs.answered, theirs.fields, theirs.why)
