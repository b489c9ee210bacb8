"""Built-in handlers answer what they understand to the last word, exactly, and decline the rest."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.alignment.task import Declined, Reply, Task
from breakeven.errors import DataError, Unreachable
from breakeven.handlers.builtin import BUILTIN
from breakeven.handlers.builtin.expressions import NotRead, worth
from breakeven.handlers.builtin.lookup import Lookup

ARITHMETIC = BUILTIN["arithmetic"]({})
RESHAPE = BUILTIN["reshape"]({})


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What is 12 * (3 + 4)?", "84"),
        ("2+2=", "4"),
        ("Calculate 1,250.50 + 49.5", "1300"),
        ("Compute 2^10", "1024"),
        ("What is 7 / 8?", "0.875"),
        ("What is 1/3, rounded to 2 decimal places?", "0.33"),
        ("What is 2/3 rounded to 2 decimals?", "0.67"),
        ("What is 15% of 80?", "12"),
        ("What is -3 - -4?", None),
        ("What is 1/3?", None),
        ("What is 1/0?", None),
        ("What is 6/2*3?", None),
        ("What is -2^2?", None),
        ("What is 2^3^2?", None),
        ("What is 100 + 10%?", None),
        ("What is 555-1234?", None),
        ("What is 2024-02-29?", None),
        ("What is 10/12/2024?", None),
        ("What is 007 + 1?", None),
        ("What is 1,23 + 4?", None),
        ("What is 9^64^2?", None),
        ("What is 2 + 2 in French?", None),
        ("Convert 5 km to m", "5000"),
        ("Convert 3 feet to meters.", "0.9144"),
        ("How many minutes are in 2.5 hours?", "150"),
        ("How many grams are in a kilogram?", "1000"),
        ("What is 100 °C in °F?", "212"),
        ("Convert 10 miles to km to 1 decimal place", "16.1"),
        ("Convert 10 km to miles", None),
        ("Convert 5 gallons to liters", None),
        ("Convert 5 km to kg", None),
        ("Convert 1 Mb to MB", None),
        ("What day of the week was 2024-02-29?", "Thursday"),
        ("What day of the week is 2023-02-29?", None),
        ("How many days are there between 2024-02-01 and 2024-03-01?", "29"),
        ("How many days between 3 May 2024 and May 10, 2024?", "7"),
        ("How many days are there between 2024-03-01 and 2024-02-01?", None),
        ("What date is 30 days after 2024-01-31?", "2024-03-01"),
        ("What date is 2 weeks before 2024-01-07?", "2023-12-24"),
        ("What date is 30 days after 03/05/2024?", None),
        ("Tom has 3 apples and buys 4 more. How many?", None),
    ],
)
def test_arithmetic_units_and_dates(question: str, answer: str | None) -> None:
    """The answer is exact, or there is none; whatever could be meant in two ways is declined."""
    found = ARITHMETIC(Task(question))
    assert (found.text if isinstance(found, Reply) else None) == answer


@given(st.integers(-999, 999), st.sampled_from("+-*"), st.integers(0, 999), st.sampled_from("+-*"), st.integers(0, 999))
def test_expressions_mean_what_python_means(first: int, one: str, second: int, other: str, third: int) -> None:
    """Precedence and sums are those of arithmetic."""
    text = f"{first} {one} {second} {other} {third}"
    assert worth(text) == Fraction(eval(text))  # noqa: S307 - digits and signs made above


@given(st.text(alphabet="0123456789+-*/^(). ,x", max_size=40))
def test_no_text_breaks_the_reader(text: str) -> None:
    """Any string of digits and signs has a value or none, at once."""
    with contextlib.suppress(NotRead):
        worth(text)


@pytest.mark.parametrize(
    "task",
    [
        Task("2+2=", tools=True),
        Task("2+2=", media=True),
        Task("2+2=", earlier=(("user", "hi"),)),
        Task("2+2=", "Answer in French."),
    ],
)
def test_what_is_more_than_the_text_is_declined(task: Task) -> None:
    """Tools, images, a conversation or system text may change what is asked, so nothing is answered."""
    assert isinstance(ARITHMETIC(task), Declined)
    if task.system:
        assert BUILTIN["arithmetic"]({"system": "any"})(task) == Reply("4", 4)


def test_an_answer_follows_the_request_s_schema() -> None:
    """A schema of one field gets an object, one that does not fit gets nothing."""
    schema = {"type": "object", "properties": {"answer": {"type": "number"}}, "required": ["answer"]}
    found = ARITHMETIC(Task("2+2=", schema=schema))
    assert found == Reply('{"answer":4}', {"answer": 4})
    other = {"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}}, "required": ["a", "b"]}
    assert isinstance(ARITHMETIC(Task("2+2=", schema=other)), Declined)


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [
        ('Minify this JSON:\n{ "a" : 1.0, "b": [1e5, 2] }', '{"a":1.0,"b":[1e5,2]}'),
        ('Format this JSON with 4 spaces:\n{"a":1}', '{\n    "a": 1\n}'),
        ('Convert this JSON to CSV:\n```json\n[{"a": 1.50, "b": "x, y"}]\n```', 'a,b\n1.50,"x, y"'),
        ("Convert the following CSV to JSON with all values as strings:\na,b\n1,x", '[\n  {\n    "a": "1",\n    "b": "x"\n  }\n]'),
        ("Convert this CSV to a Markdown table:\na,b\n1,x", "| a | b |\n| --- | --- |\n| 1 | x |"),
        ("Convert this CSV to JSON:\na,b\n1,x", None),
        ("Convert this CSV to JSON:\na,b\nred,x", '[\n  {\n    "a": "red",\n    "b": "x"\n  }\n]'),
        ('Convert this JSON to CSV:\n[{"a": {"b": 1}}]', None),
        ('Convert this JSON to CSV:\n[{"a": 1}, {"b": 1}]', None),
        ("Convert this CSV to a Markdown table:\na,b\n1,x|y", None),
        ("Convert this CSV to JSON:\na,b\nred", None),
        ('Minify this JSON:\n{"a": 1, "a": 2}', None),
        ('Minify this JSON:\n{"a": NaN}', None),
        ("Minify this JSON:\n" + "[" * 5_000, None),
        ('Minify this JSON and add a field b:\n{"a": 1}', None),
        ('Minify this JSON:\n{"a": 1}\nThen explain it.', None),
    ],
)  # fmt: skip
def test_reshaping(prompt: str, answer: str | None) -> None:
    """Data comes out in the other form with every digit as it was, or not at all."""
    found = RESHAPE(Task(prompt))
    assert (found.text if isinstance(found, Reply) else None) == answer


@given(st.lists(st.fixed_dictionaries({"name": st.text(min_size=1), "city": st.text(min_size=1)}), min_size=1, max_size=5))
def test_nothing_is_lost_in_reshaping(rows: list[dict[str, str]]) -> None:
    """Tables of any texts come out of CSV as they went in."""
    found = RESHAPE(Task("Convert this JSON to CSV:\n" + json.dumps(rows)))
    if isinstance(found, Reply):
        assert list(csv.DictReader(io.StringIO(found.text, newline=""))) == rows


def test_look_up(tmp_path: Path) -> None:
    """The value of the key that the question names, whatever its case; a key with two values, or another question, is declined."""
    table = tmp_path / "codes.csv"
    table.write_text("name,code,note\nFrance,FR,\nSpain,ES,\nGeorgia,GE,\ngeorgia,US-GA,\nfrance,FR,again\n", encoding="utf-8")
    look = Lookup({"table": str(table), "key": "name", "value": "code", "question": "What is the code of {key}?"})
    assert look(Task("what is the  code of FRANCE?")) == Reply("FR", "FR")
    for prompt in ("What is the code of Georgia?", "What is the code of Peru?", "France", "What is the code of France? And why?"):
        assert isinstance(look(Task(prompt)), Declined)
    plain = tmp_path / "codes.json"
    plain.write_text('{"red": 1, "blue": {"a": 2}}', encoding="utf-8")
    assert Lookup({"table": str(plain)})(Task(" Blue ")) == Reply('{"a":2}', {"a": 2})


@pytest.mark.parametrize(
    ("content", "options", "told"),
    [
        ("a,b\n1,2\n", {"key": "c"}, "codes.csv:1 has no column 'c'"),
        ("a,b\n1\n", {}, "codes.csv, row 2 has 1 cells instead of 2"),
        ("", {}, "codes.csv:1 has no column ''"),
        ("a,b\n", {"question": "Code?"}, "question is 'Code?'"),
    ],
)
def test_a_bad_table_is_told(tmp_path: Path, content: str, options: dict[str, str], told: str) -> None:
    """What is wrong with it, and where."""
    table = tmp_path / "codes.csv"
    table.write_text(content, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        Lookup({"table": str(table), **options})
    assert told in str(caught.value)
    with pytest.raises(Unreachable):
        Lookup({"table": str(tmp_path / "none.csv")})


def test_nothing_else_is_recognised(shared_data: Path) -> None:
    """Of 8,139 real prompts (school questions, sums told as stories, Python) none is mistaken for arithmetic or reshaping."""
    prompts = pl.read_parquet(shared_data / "routing" / "queries.parquet")["prompt"].to_list()
    assert len(prompts) > 8_000
    assert [prompt for prompt in prompts for answers in (ARITHMETIC, RESHAPE) if isinstance(answers(Task(prompt)), Reply)] == []
