"""A handler in words: what it promises, where values come from, and every rule with the examples behind it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from breakeven.alignment.compiled.sources import MENTIONED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from breakeven.alignment.compiled.handler_file import FieldRows, HandlerFile, RecognitionRow, RuleRow
    from breakeven.alignment.compiled.shape import TaskShape

_LONGEST_QUOTE = 60
_SOURCES = {
    "date": "dates, {}",
    "amount": "amounts of money, {}",
    "code": "numbers and codes, {}",
    "line": "lines, {}",
    "absent": "no answer",
    "law": "places whose law a clause names, {}",
    "mentioned": "names after “{}”",
    "rearranged": "the input written as {}",
}
_WORDS: tuple[tuple[str, str], ...] = (
    (r"form (.+?) & (.+)", "it is written {0}, and: {1}"),
    (r"form (.+)", "it is written {0}"),
    (r"left word (.+)", "the word “{0}” stands to its left"),
    (r"left (.+)", "the words to its left are “{0}”"),
    (r"left ", "nothing stands to its left"),
    (r"right nothing", "no word follows it"),
    (r"right (.+)", "the words “{0}” follow it"),
    (r"above (.*)", "nothing stands to its left, and the row above reads “{0}”"),
    (r"row above (.*)", "the row above begins “{0}”"),
    (r"row below (.*)", "the row below begins “{0}”"),
    (r"zone (\d)", "it stands in part {0} of the page from the top (0 to 6)"),
    (r"edge (\d)", "its cell ends in part {0} of the page from the left (0 to 8)"),
    (r"prefix none", "no currency is printed before it"),
    (r"prefix sign", "a currency sign is printed before it"),
    (r"prefix (.+)", "“{0}” is printed before it"),
    (r"shape (.+)", "it is printed like {0}"),
    (r"alone", "it has a cell of its own"),
    (r"first (\d)", "it is number {0} of its kind from the top (0 is the first)"),
    (r"last (\d)", "it is number {0} of its kind from the end (0 is the last)"),
    (r"mid", "others of its kind stand before and after it"),
    (r"printed 4 times", "it is printed four times or more"),
    (r"printed (\d) times", "it is printed {0} times"),
    (r"the only one", "it is the only one of its kind"),
    (r"size rank 4", "at least four amounts are larger"),
    (r"size rank (\d)", "{0} amounts are larger"),
    (r"amounts after (\d)", "{0} different amounts follow it (5: or more)"),
    (r"no such day", "the calendar has no such day"),
    (r"zero", "it is nothing or less"),
    (r"check cash less change", "with another amount it adds up to a third: a price and its change"),
    (r"check paid and change follow", "what was paid and the exact change follow it"),
    (r"check sum of the lines before", "it is the sum of the amounts before it"),
    (r"check net plus tax", "it is the sum of a net amount and its tax"),
    (r"check rounds another amount", "it is another amount, rounded to a coin"),
    (r"rounded by another amount", "another amount is this one, rounded to a coin"),
    (r"way (.+) & row (\d)", "it is taken as: {0}, at row {1} (8: or later)"),
    (r"way (.+)", "it is taken as: {0}"),
    (r"row (\d)", "it stands in row {0} (8: or later)"),
    (r"has (.+)", "it contains the word “{0}”"),
    (r"begins (.+)", "it begins with “{0}”"),
    (r"ends with (.)", "its last sign is “{0}”"),
    (r"ends (.+)", "it ends with “{0}”"),
    (r"words (\d)", "it has {0} words (6: or more)"),
    (r"no digits", "it has no digits"),
    (r"some digits", "it has digits"),
    (r"mostly digits", "more than half of its signs are digits"),
    (r"bracket", "it has a bracket"),
    (r"no bracket", "it has no bracket"),
    (r"print size (\d)", "its print is {0} quarters of the usual height"),
    (r"row before has digits", "the row before has digits"),
    (r"row before has none", "the row before has no digits"),
    (r"row before (.+)", "the row before contains “{0}”"),
    (r"row after begins (.+)", "the row after begins with “{0}”"),
    (r"row after has digits", "the row after has digits"),
    (r"row after has none", "the row after has no digits"),
    (r"row after is a bracket", "the row after begins with a bracket"),
    (r"row after (.+)", "the row after contains “{0}”"),
    (r"known, lines for it 8", "eight or more lines of the document point to this past answer"),
    (r"known, lines for it (\d)", "about {0} lines of the document point to this past answer"),
    (r"known, share of lines (\d)", "{0} fifths of the document's known lines point to this past answer"),
    (r"known, seen (\d)", "it was the answer {0} times before (4: or more)"),
    (r"known, leads by (\d)", "of all past answers the lines point to it most, by {0} (4: or more)"),
    (r"known, does not lead", "the lines point to another past answer more"),
    (r"known and printed", "it is a past answer and is printed here too"),
    (r"known", "some line of the document was seen with this past answer"),
    (r"layout, (.+) as in all of (\d)", "its “{0}” is as in this layout's earlier documents ({1} seen, 3: or more)"),
    (r"layout, (.+) as in some", "its “{0}” is as in some of this layout's earlier documents"),
    (r"layout, nothing as before", "it stands nowhere where this layout's earlier answers stood"),
    (r"label (\S*) & words? (.+)", "the text has “{1}”, for the label {0}"),
    (r"label (\S*)", "the label is {0}, whatever the text"),
    (r"mentioned after (.*)", "it follows “{0}” in the text"),
    (r"mentioned near (.*)", "it stands soon after “{0}” in the text"),
    (r"mentioned before (.*)", "it stands soon before “{0}” in the text"),
    (r"mentioned (\d) times", "it is mentioned {0} times (4: or more)"),
    (r"an answer before", "it was an answer before"),
    (r"a new name", "it is a name that was no answer before"),
    (r"pattern (.+) & (\d+) runs", "the answer is written {0}, for inputs of {1} runs of letters and digits"),
    (r"pattern (.+) & shape (.+)", "the answer is written {0}, for inputs like {1}"),
    (r"pattern (.+)", "the answer is written {0}"),
    (r"none of these, of (\d)", "none of the {0} candidates (5: or more) is right"),
    (r"none of these", "none of the candidates is right"),
    (r"no clause names another law", "every clause that names a law names this one"),
    (r"law, in (\d) clauses, others in others", "{0} clauses name this law (3: or more), and others another"),
    (r"law of a (.+)", "it is a {0}"),
    (r"law, written (.+)", "it is written {0}"),
    (r"law, governed by", "a clause says: governed by, construed or interpreted under its law"),
    (r"law, applies", "a clause says that its law applies"),
    (r"law & then (.+)", "the clause goes on “{0}”"),
    (r"law & then ", "the clause ends with it"),
    (r"said: (.+), of (.+)", "the sentence says “{0}” of it, speaking of {1}"),
    (r"said of (.+)", "its sentence speaks of {0}"),
    (r"the first & said: (.+), of (.+)", "it is the first date of which a sentence speaking of {1} says “{0}”"),
    (r"the first said of (.+)", "it is the first date in a sentence that speaks of {0}"),
    (r"the only date said of this text", "no other date stands in a sentence that speaks of this text"),
    (r"opening (\d)", "it stands in part {0} of the text (0: its first 250 signs, 4: after 10,000)"),
    (r"nothing, of (\d)", "there is nothing to answer, though {0} candidates stand here (5: or more)"),
)  # fmt: skip
_COMPILED = tuple((re.compile(pattern), words) for pattern, words in _WORDS)


def in_words(observation: str) -> str:
    """One observation as a sentence about the candidate."""
    for pattern, words in _COMPILED:
        if found := pattern.fullmatch(observation):
            parts = list(found.groups())
            if observation.startswith("form ") and len(parts) > 1:
                parts[1] = in_words(parts[1])
            return words.format(*parts)
    return observation


def explain(file: HandlerFile, only: str = "", count: int | None = None) -> Iterator[str]:
    """The whole handler in words, line by line; `only` one field, `count` rules of each."""
    yield from _promise(file)
    yield from _asked(file.shape)
    for name, rows in file.fields.items():
        if only in {"", name}:
            yield ""
            yield from _field(name, rows, count)


def _promise(file: HandlerFile) -> Iterator[str]:
    """What the handler promises, and the record behind it."""
    yield f"Learned from {file.examples:,} examples; each was tried with rules it had no part in."
    yield (
        f"Promise: at least {file.floor:.1%} of answered fields agree, with {file.confidence:.0%} confidence; "
        f"in the record {file.aim:.1%} or more did."
    )
    yield from _record(file)
    yield from _recognised(file.recognition)
    several = sum(layout.documents > 1 for layout in file.layouts)
    yield f"{len(file.layouts):,} layouts, {several:,} of them seen more than once."


def _asked(shape: TaskShape | None) -> Iterator[str]:
    """How a request must be written to be answered."""
    if shape is not None:
        yield f"It answers requests whose prompt begins “{_brief(shape.before)}” and ends “{_brief(shape.after)}”;"
        way = "as text" if shape.writing == "text" else f"as JSON, {shape.writing}{', in a code fence' if shape.fenced else ''}"
        yield f"  system text: {len(shape.system):,} characters; earlier messages: {len(shape.earlier)}; answers are written {way}."


def _brief(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= _LONGEST_QUOTE else f"{plain[:_LONGEST_QUOTE]}..."


def _record(file: HandlerFile) -> Iterator[str]:
    """Which answers the record admits."""
    within = [step for step in file.record if step.limit <= file.answers_up_to]
    if within:
        tries, right = sum(step.tries for step in within), sum(step.right for step in within)
        yield f"It answers where its unsureness is at most {file.answers_up_to:g}: {right:,} of {tries:,} such tries were right."
    else:
        yield "No record keeps this promise yet: it declines everything."
    steps = ", ".join(f"up to {step.limit:g}: {step.right:,} of {step.tries:,} right" for step in file.record if step.tries)
    yield f"Unsureness of the tries: {steps or 'none'}."


def _recognised(mark: RecognitionRow) -> Iterator[str]:
    """What an input must look like."""
    if mark.constant:
        yield f"An input must have the words {', '.join(mark.constant)}, which all examples have."
    if mark.least_known:
        yield f"At least {mark.least_known:.0%} of its words must have occurred in examples."
    if mark.by_shape:
        yield f"It must have a shape that examples had (shapes known: {len(mark.shapes):,})."


def _field(name: str, rows: FieldRows, count: int | None) -> Iterator[str]:
    """One field: where its values come from, how its classes of rules did, and its rules."""
    yield f"{name}: {_sources(rows)}"
    for one in rows.classes:
        yield f"  tries answered by rules of the class “{one.name}”: {one.right:,} of {one.tries:,} right"
    shown = rows.rules if count is None else rows.rules[:count]
    yield from (_rule(rule) for rule in shown)
    if len(shown) < len(rows.rules):
        yield f"  and {len(rows.rules) - len(shown):,} weaker rules (--all shows them)"
    yield from _recalled(rows, count)


def _sources(rows: FieldRows) -> str:
    """Where the field's values come from."""
    found = [_SOURCES[kind].format(form) for kind, form in rows.sources if (kind, form) != (MENTIONED, "")]
    found += ["past answers found in the text"] * ((MENTIONED, "") in rows.sources)
    found += ["past answers to which the document's lines point"] * rows.recalls
    found += ["labels told by words"] * rows.labels
    return "; ".join(found) or "no source reproduces its examples"


def _rule(rule: RuleRow) -> str:
    """One rule: its points, in words, and the examples behind it."""
    names = f"; such as {', '.join(rule.examples)}" if rule.examples else ""
    shown = f"shown in {rule.seen:,} examples, by the right answer in {rule.right:,}"
    return f"  {rule.points:+.2f}  {in_words(rule.when)} ({shown}{names})"


def _recalled(rows: FieldRows, count: int | None) -> Iterator[str]:
    """The past answers and what points to them."""
    ordered = sorted(rows.known, key=lambda row: -row.times)
    for row in ordered if count is None else ordered[:count]:
        lines = sorted(row.lines, key=lambda line: -row.lines[line])[:3]
        told = f", told by the lines {', '.join(lines)}" if lines else ""
        yield f"  past answer “{row.answer}”, {row.times:,} times{told}"
