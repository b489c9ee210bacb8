"""Passages: learned from examples, certified, and never fewer than the record admits; as the command line shows it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.alignment.passages.learning import bounded
from breakeven.alignment.passages.scoring import with_neighbours
from breakeven.alignment.passages.selector import selection
from breakeven.alignment.passages.splitting import WORDS, is_covered, passages_of, places_of

Run = Callable[..., tuple[int, str, str]]
FILLER = (
    "the",
    "parties",
    "agree",
    "that",
    "each",
    "keeps",
    "books",
    "and",
    "talks",
    "to",
    "other",
    "about",
    "work",
    "of",
    "season",
)
CLAUSES = {
    "law": "This agreement is governed by the laws of {0}.",
    "term": "Unless renewed the agreement ends after {1} years.",
    "fee": "The buyer pays a yearly fee of {1},000 crowns to the seller.",
}
PARTS = ("--input", "text", "--evidence", "evidence")


def contracts(count: int, *, evident: bool = True) -> list[dict[str, Any]]:
    """Invented contracts of some 900 words with three clauses; not evident: the evidence is any sentence, told by nothing."""
    chance = Random(5)
    found: list[dict[str, Any]] = []
    for number in range(count):
        said = {
            name: text.format(chance.choice(["Narnia", "Oz", "Utopia"]), chance.randrange(2, 30)) for name, text in CLAUSES.items()
        }
        plain = [" ".join(chance.choices(FILLER, k=20)).capitalize() + "." for _ in range(40)]
        for clause in said.values():
            plain.insert(chance.randrange(len(plain)), clause)
        evidence = {name: [clause if evident else chance.choice(plain)] for name, clause in said.items()}
        found.append({"id": str(number), "text": " ".join(plain), "evidence": evidence, "tokens": 1200})
    return found


@pytest.fixture
def examples(tmp_path: Path) -> Callable[[Sequence[dict[str, Any]]], Path]:
    """Writes examples to a file, one JSON object a line."""

    def write(found: Sequence[dict[str, Any]]) -> Path:
        path = tmp_path / "contracts.jsonl"
        path.write_text("".join(json.dumps(one) + "\n" for one in found), encoding="utf-8")
        return path

    return write


def test_most_of_the_input_is_left_out_and_the_evidence_sent(breakeven: Run, examples: Any, tmp_path: Path) -> None:
    """Learned from 100 contracts, tried on 100 others: nine tenths of the evidence and more in a third of the text or less."""
    past, later, selector = contracts(200)[:100], contracts(200)[100:], tmp_path / "selector.json"
    code, out, _ = breakeven("compile", "passages", "learn", examples(past), *PARTS, "-o", selector, "--json")
    learned = json.loads(out)
    assert code == 0
    assert learned["recall_lower_bound"] >= 0.95
    code, out, _ = breakeven(
        "compile",
        "passages",
        "replay",
        examples(later),
        *PARTS,
        "--selector",
        selector,
        "--tokens",
        "tokens",
        "--price",
        "2.50",
        "--json",
    )
    figures = json.loads(out)
    assert figures["recall"] >= 0.95
    assert figures["sent"] < 0.34
    assert (figures["cost_per_thousand"], figures["tokens_estimated"]) == ("3", False)
    assert float(figures["cost_per_thousand_sent"]) == pytest.approx(3 * figures["sent"], rel=1e-4)
    _, shown, _ = breakeven("compile", "passages", "show", selector)
    assert "<- in force" in shown
    assert "laws" in shown
    text = tmp_path / "contract.txt"
    text.write_text(later[0]["text"])
    _, sent, _ = breakeven("compile", "passages", "select", selector, text)
    assert all(clause in sent for pieces in later[0]["evidence"].values() for clause in pieces)
    assert len(sent) < len(later[0]["text"]) / 2


def test_where_nothing_tells_the_evidence_everything_is_sent(breakeven: Run, examples: Any, tmp_path: Path) -> None:
    """No record keeps the promise: the selector leaves nothing out, and says so."""
    selector = tmp_path / "selector.json"
    code, out, _ = breakeven("compile", "passages", "learn", examples(contracts(30, evident=False)), *PARTS, "-o", selector)
    assert code == 0
    assert "sends everything" in out
    code, out, _ = breakeven("compile", "passages", "replay", examples(contracts(20)), *PARTS, "--selector", selector, "--json")
    assert json.loads(out)["sent"] == 1.0
    assert json.loads(out)["recall"] == 1.0


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ('{"text": 7, "evidence": {}}', "is no text"),
        ('{"text": "a b", "evidence": []}', "no object of fields"),
        ('{"words": "a"}', "there is no field 'text'"),
        ('{"text": "a b", "evidence": {"x": ["not there"]}}', "no evidence that stands in its input"),
    ],
)
def test_faulty_examples_are_told(breakeven: Run, tmp_path: Path, row: str, fault: str) -> None:
    """Exit code 3, what is wrong, and what to do."""
    path = tmp_path / "bad.jsonl"
    path.write_text(row + "\n")
    code, _, err = breakeven("compile", "passages", "replay", path, *PARTS)
    assert code == 3
    assert fault in err


@given(st.text(alphabet="ab .\n;", max_size=2000))
def test_passages_are_the_text(text: str) -> None:
    """In order, without overlap or gap, none longer than twice the measure."""
    found = passages_of(text)
    assert "".join(one.text for one in found) == text or not text[len("".join(one.text for one in found)) :].strip()
    assert all(one.text == text[one.start : one.end] for one in found)
    assert all(len(one.text.split()) <= 2 * WORDS for one in found)
    assert selection(text, found).text == "".join(one.text for one in found)


@given(st.lists(st.sampled_from(["alpha", "beta.", "gamma", "delta;"]), min_size=20, max_size=300), st.data())
def test_evidence_is_found_whatever_its_spacing_and_covered_by_its_passages(words: list[str], data: st.DataObject) -> None:
    """A piece of the text with other spaces is found, and sending its passages sends it."""
    text = " ".join(words)
    start = data.draw(st.integers(0, len(words) - 10))
    places = places_of("\n ".join(words[start : start + 9]), text)
    assert places
    touched = [one for one in passages_of(text) if any(first < one.end and one.start < last for first, last in places)]
    assert is_covered(places, touched)
    assert not is_covered(places, [])


def test_the_bound_holds_where_recall_is_what_it_is() -> None:
    """Simulated: of 300 records of 100 examples with a mean recall of 90%, the bound lies above it in at most 5%."""
    chance = Random(3)
    above = sum(bounded([1.0 if chance.random() < 0.7 else 2 / 3 for _ in range(100)]) > 0.9 for _ in range(300))
    assert above <= 15


def test_neighbours_raise_and_lower_a_passage() -> None:
    """A passage between two likely ones is likelier than between two unlikely ones; an end stands in for what is missing."""
    assert with_neighbours([2.0, 0.0, 2.0])[1] > with_neighbours([-2.0, 0.0, -2.0])[1]
    assert with_neighbours([1.0]) == [1.5]
    assert with_neighbours([]) == []


def test_contracts_of_the_real_world(breakeven: Run, shared_data: Path) -> None:
    """246 real contracts, half learned, half tried: names, dates and law are in a quarter of the text, 95% of them or more."""
    file = shared_data / "documents" / "contracts_cuad.parquet"
    fields = "Document Name,Parties,Agreement Date,Effective Date,Expiration Date,Renewal Term,Governing Law"
    code, out, _ = breakeven(
        "compile",
        "passages",
        "replay",
        file,
        "--input",
        "text",
        "--evidence",
        "expected_json.clauses",
        "--fields",
        fields,
        "--json",
    )
    figures = json.loads(out)
    assert code == 0
    assert figures["recall"] >= 0.95
    assert figures["sent"] <= 0.25
