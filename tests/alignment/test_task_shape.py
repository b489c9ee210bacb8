"""What past requests and answers show of a task: its constant prompt, its input, its answer's fields; strangers are declined."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import islice
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.alignment.compiled.documents import read_document
from breakeven.alignment.compiled.learning import Learner
from breakeven.alignment.compiled.served import ServedHandler, served_handler
from breakeven.alignment.compiled.shape import Spoken, find_shape
from breakeven.alignment.task import Declined, Reply, Task
from breakeven.errors import DataError
from breakeven.gateway.attribution import NOBODY
from breakeven.gateway.tasks import task_of as gateway_task
from breakeven.providers.spoken import answer_of, task_of
from breakeven.sample.documents import AFTER, BEFORE, SYSTEM, InventedInvoice, invented_invoices
from breakeven.sample.prompts import NAMES, TICKETS, plain_requests

lines = st.text(alphabet="abcXYZ019 :.", min_size=1, max_size=12).filter(str.strip)


def spoken(requests: list[tuple[bytes, str]]) -> list[Spoken]:
    """Requests and answers as they are read from captures."""
    return [Spoken(str(number), task, answer) for number, (body, answer) in enumerate(requests) if (task := task_of(body))]


def compiled(requests: list[tuple[bytes, str]]) -> ServedHandler:
    """A handler from whole requests, written to its file and read back."""
    found = find_shape(spoken(requests))
    learner = Learner(list(found.shape.fields), 0.93, 0.98, Random(1))
    for one in found.examples:
        learner.learn(read_document(one.text), one.answer, one.name)
    return served_handler(learner.write(found.shape)[1], "handler.json")


def invoices(count: int, seed: int = 3) -> list[InventedInvoice]:
    """Invented invoices."""
    return list(islice(invented_invoices(seed), count))


def test_the_shape_of_the_sample_companys_invoices_is_found() -> None:
    """The prompt before and after the invoice, the system text, the four fields and how the JSON is written, also with strays."""
    past = spoken([(one.body, one.answer) for one in invoices(80)])
    strays = [Spoken("x", Task("Say hello"), "Hello"), Spoken("y", Task("Hi", tools=True), "Hello")]
    odd = [replace(past[0], name="z", answer="I cannot read this."), replace(past[1], name="w", answer='{"supplier": "x"}')]
    found = find_shape([*past, *strays, *odd])
    shape = found.shape
    assert (shape.system, shape.before, shape.fields, shape.writing) == (
        SYSTEM, BEFORE, ("supplier", "number", "date", "total"), "spaced",
    )  # fmt: skip
    assert shape.after.endswith(AFTER)
    assert len(found.examples) == 80
    assert sum(found.left_out.values()) == 4


@pytest.mark.parametrize(("feature", "coverage"), [(TICKETS, 0.9), (NAMES, 0.98)])
def test_classification_and_reformatting_are_served_to_the_letter(feature: str, coverage: float) -> None:
    """Of later requests of the sample company nearly all are answered, each byte for byte as the frontier model did."""
    requests = [(one.body, one.answer) for one in islice(plain_requests(feature, 11), 500)]
    served = compiled(requests[:250])
    replies = [(served.answer(task), answer) for body, answer in requests[250:] if (task := task_of(body))]
    answered = [(reply.text, answer) for reply, answer in replies if isinstance(reply, Reply)]
    assert len(answered) >= coverage * len(replies)
    assert all(ours == theirs for ours, theirs in answered)


def test_repeated_layouts_are_answered_and_other_requests_declined() -> None:
    """Three in four later invoices, none wrongly, with the JSON to the letter; another prompt, tools, a turn before: declined."""
    found = invoices(400)
    served = compiled([(one.body, one.answer) for one in found[:200]])
    replies = [(served.answer(task), one) for one in found[200:] if (task := task_of(one.body))]
    answered = [(reply.text, one.answer) for reply, one in replies if isinstance(reply, Reply)]
    assert len(answered) >= 150
    assert all(ours == theirs for ours, theirs in answered)
    task = task_of(found[0].body)
    assert task is not None
    strangers = [
        replace(task, prompt="Translate this.\n" + task.prompt), replace(task, prompt=task.prompt + "\nIn French."),
        replace(task, tools=True), replace(task, media=True), replace(task, earlier=(("user", "Hi"),)),
        replace(task, system="You are a pirate."), replace(task, prompt=BEFORE + AFTER),
        replace(task, prompt=f"{BEFORE}Dear Sir,\nwhat is the weather?\nThank you. This invoice is invented.{AFTER}"),
    ]  # fmt: skip
    assert all(isinstance(served.answer(one), Declined) for one in strangers)


@given(
    st.lists(lines, min_size=2, max_size=6, unique=True), st.lists(lines, max_size=3), st.lists(lines, max_size=3), st.booleans()
)
def test_a_shape_reads_back_every_example_it_was_found_in(
    middles: list[str], before: list[str], after: list[str], one: bool
) -> None:
    """Whatever is constant and whatever varies: the input and the constant parts together are the prompt, and never empty."""
    glue = " " if one else "\n"
    prompts = [glue.join([*before, middle, *after]) for middle in middles]
    found = find_shape([Spoken(prompt, Task(prompt), "yes") for prompt in prompts])
    for each in found.examples:
        assert f"{found.shape.before}{each.text}{found.shape.after}" == each.name
        assert found.shape.input_of(Task(each.name)) == each.text
        assert each.text


def test_what_has_no_common_shape_is_refused() -> None:
    """Two tasks under one feature, or a field that is a list: said in words, nothing is compiled."""
    many = [Spoken(str(number), Task(f"{number}", system=f"You are {number}."), "a") for number in range(30)]
    with pytest.raises(DataError, match="asked in many ways"):
        find_shape(many)
    with pytest.raises(DataError, match="'lines' holds a list"):
        find_shape([Spoken(str(number), Task(f"Read {number}"), '{"lines": [1]}') for number in range(30)])


REQUEST = {
    "chat": {"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": [{"type": "text", "text": "P"}]}]},
    "messages": {"system": [{"type": "text", "text": "S"}], "messages": [{"role": "user", "content": "P"}]},
    "responses": {"instructions": "S", "input": "P"},
    "generate": {"systemInstruction": {"parts": [{"text": "S"}]}, "contents": [{"role": "user", "parts": [{"text": "P"}]}]},
}


APIS = {"chat": "openai_chat", "messages": "anthropic", "responses": "openai_responses"}


@pytest.mark.parametrize("dialect", APIS)
def test_what_is_learned_from_is_what_the_gateway_asks(dialect: str) -> None:
    """A kept request is the same task to the learner as to the gateway, also with several texts and system texts."""
    body = json.loads(json.dumps(REQUEST[dialect]))
    if dialect == "chat":
        body["messages"] = [
            {"role": "system", "content": "S"}, {"role": "developer", "content": "T"}, {"role": "user", "content": "A"},
            {"role": "assistant", "content": "B"},
            {"role": "user", "content": [{"type": "text", "text": "P"}, {"type": "text", "text": "Q"}]},
        ]  # fmt: skip
    asked = gateway_task(APIS[dialect], body, NOBODY)
    assert asked is not None
    assert asked == task_of(json.dumps(body).encode())


@pytest.mark.parametrize("dialect", REQUEST)
def test_a_task_is_the_same_in_every_dialect(dialect: str) -> None:
    """System text and prompt, wherever a dialect puts them."""
    assert task_of(json.dumps(REQUEST[dialect]).encode()) == Task("P", "S")


def test_a_tools_call_or_an_unknown_form_is_no_answer() -> None:
    """Only what was said counts, and nothing that is no answer raises."""
    assert answer_of(b'{"choices":[{"message":{"content":null,"tool_calls":[{}]}}]}') is None
    assert answer_of(b'{"content":[{"type":"text","text":"a"},{"type":"tool_use","input":{}}]}') is None
    assert answer_of(b'{"content":[{"type":"thinking","thinking":"x"},{"type":"text","text":"a"}]}') == "a"
    for body in (b"", b"[]", b'{"choices":[7]}', b'{"output":["x"]}', b'{"candidates":[{}]}', b'{"message":{}}'):
        assert answer_of(body) is None
