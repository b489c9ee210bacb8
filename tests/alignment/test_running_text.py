"""Contracts and other running text: which law a clause names, and which date is the text's own."""

from __future__ import annotations

from random import Random

import pytest

from breakeven.alignment.compiled.documents import read_document
from breakeven.alignment.compiled.explaining import explain, in_words
from breakeven.alignment.compiled.handler import Handler
from breakeven.alignment.compiled.handler_file import from_file, read_file
from breakeven.alignment.compiled.jurisdictions import laws
from breakeven.alignment.compiled.learning import Learner
from breakeven.alignment.compiled.ownwords import own_words
from breakeven.alignment.compiled.printed import dates

FILLER = "The parties shall perform their duties with care and in good faith, and shall tell each other what they learn. " * 12
PLACES = ("Nevada", "New York", "Texas", "Ohio", "Germany", "Israel", "Ontario", "Delaware")
CLAUSE = "This Agreement shall be governed by and construed in accordance with the\nlaws of the State of {}, whatever its rules."


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It is governed by the laws of the State of New  York.", ["New York"]),
        ("It is governed by the laws of the STATE OF COLORADO.", ["Colorado"]),
        ("The law of the Federal Republic of Germany applies.", ["Germany"]),
        ("governed by the law of the People\u2019s Republic of China.", ["People's Republic of China"]),
        ("governed by the laws of England and Wales.", ["England and Wales"]),
        ("a corporation under the laws of Delaware, with offices in Ohio.", []),
        ("governed by rules. The laws of Delaware were changed.", []),
        ("governed by the laws of the Republic of Ruritania.", ["Ruritania"]),
        ("shall comply with all applicable laws.", []),
        ("This Agreement is governed by English law and nothing else.", ["England"]),
        ("to be construed in accordance with Ohio law, save for that.", ["Ohio"]),
        ("The execution of this Agreement will be governed by PRC Laws.", ["People's Republic of China"]),
        ("An opinion under English law was given. It is governed by the laws of Utah.", ["Utah"]),
        ("governed by the laws of the Province of Ontario and the federal laws of Canada applicable therein.", ["Ontario, Canada"]),
        ("governed by the laws of British Columbia.", ["British Columbia"]),
        ("governed by the laws of New York and the laws of the United States applicable therein.", ["New York"]),
        ("governed by the laws of the United States.", ["United States"]),
        ("Any controversy shall be determined in accordance with the laws of the State of Michigan.", ["Michigan"]),
        ("Disputes are settled by courts. A company under the laws of Delaware.", []),
    ],
)
def test_which_law_a_clause_names(text: str, found: list[str]) -> None:
    """A place counts where a clause governs, construes or applies its law; under whose law a company stands says nothing."""
    assert [one.place for one in laws(text)] == found


def test_a_contract_names_its_law_and_a_conflict_is_declined() -> None:
    """The law is answered where all clauses name one place, also across lines and never seen before; not where they differ."""
    random = Random(1)
    truths = [random.choice(PLACES) for _ in range(90)]
    handler, words = _learned([(_contract([place], random), place) for place in truths])
    answer = handler.answer(read_document(_contract(["Utah"], random)))
    assert (answer.answered, answer.fields) == (True, {"answer": "Utah"})
    assert not handler.answer(read_document(_contract(["Utah", "Ohio"], random))).answered
    assert not handler.answer(read_document(FILLER * 4)).answered
    assert any("places whose law a clause names" in line for line in words)


def test_a_place_that_is_written_in_several_ways() -> None:
    """Of the ways in which a province is written down the usual one is answered, as far as the examples agree on one."""
    random = Random(4)
    always = [(place, place if place != "Ontario" else "Ontario, Canada") for place in (random.choice(PLACES) for _ in range(120))]
    handler, words = _learned([(_contract([place], random), truth) for place, truth in always])
    assert handler.answer(read_document(_contract(["Ontario"], random))).fields == {"answer": "Ontario, Canada"}
    assert any("it is written with its country" in line for line in words)
    mixed = [(place, truth if random.random() < 0.5 else place) for place, truth in always]
    handler, _ = _learned([(_contract([place], random), truth) for place, truth in mixed])
    assert not handler.answer(read_document(_contract(["Ontario"], random))).answered
    assert handler.answer(read_document(_contract(["Texas"], random))).answered


def test_the_texts_own_date_is_told_from_others() -> None:
    """Of two dates the one is answered that the text is made on, whether it comes first or after another agreement's."""
    random = Random(2)
    examples = [_dated(random) for _ in range(120)]
    handler, _ = _learned(examples[:90])
    answers = [(handler.answer(read_document(text)), truth) for text, truth in examples[90:]]
    assert sum(answer.answered for answer, _ in answers) >= 20
    assert all(answer.fields["answer"] == truth for answer, truth in answers if answer.answered)


def test_a_sentence_says_whose_date_it_is() -> None:
    """A date after this text's own words is told from one after another agreement's, and the only one of its own is marked."""
    text = "WHEREAS that certain Lease dated May 1, 2001 ended; THIS AGREEMENT is made as of June 2, 2003 by them."
    found = dates(text)
    other, own = own_words(text, [span.start for span in found], [span.worth for span in found])
    assert "said: dated, of something else" in other
    assert "said: as of, of this text" in own
    assert "the only date said of this text" in own
    assert "the only date said of this text" not in other


def _contract(places: list[str], random: Random) -> str:
    clauses = [CLAUSE.format(place) for place in places]
    return "\n".join(
        [FILLER, f"The Seller is a company under the laws of {random.choice([*PLACES, 'Utah'])}.", *clauses, FILLER * 2]
    )


def _dated(random: Random) -> tuple[str, str]:
    own, other = (f"{random.randrange(1, 13)}/{random.randrange(1, 29)}/20{random.randrange(10, 25)}" for _ in range(2))
    first = f"THIS AGREEMENT is made and entered into as of {own} by the parties."
    second = f"They were parties to that certain Lease dated {other} before."
    return " ".join([*random.sample([first, second], 2), FILLER, FILLER]), own


def _learned(examples: list[tuple[str, str]]) -> tuple[Handler, list[str]]:
    """A handler read from its file, and the file in words; no rule is shown by its internal name."""
    learner = Learner(("answer",), 0.9, 0.95, Random(0))
    for number, (text, truth) in enumerate(examples):
        learner.learn(read_document(text), {"answer": truth}, str(number))
    _, content = learner.write()
    file = read_file(content, "handler.json")
    rules = [rule.when for rows in file.fields.values() for rule in rows.rules]
    assert [when for when in rules if in_words(when) == when] == []
    return from_file(file), list(explain(file))
