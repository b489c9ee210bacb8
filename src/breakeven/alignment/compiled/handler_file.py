"""A handler as readable data: what is written to its file, and how it is read back.

The file holds everything an answer depends on and nothing that runs: sources, rules with their points and the examples behind them,
known answers with the lines that point to them, layouts with where answers stood, and the record behind the certificate. Reading it
back gives a handler that answers just as the one written.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from breakeven.alignment.compiled.certificate import CONFIDENCE, LIMITS, Certificate, ClassRecord, Tally
from breakeven.alignment.compiled.fields import FieldRules
from breakeven.alignment.compiled.handler import Handler
from breakeven.alignment.compiled.known import KnownAnswers
from breakeven.alignment.compiled.layouts import Layout, Layouts
from breakeven.alignment.compiled.recognition import Marks, Recogniser
from breakeven.alignment.compiled.shape import TaskShape
from breakeven.alignment.compiled.sources import ABSENT, MENTIONED, Sources
from breakeven.alignment.compiled.wording import answer_text, folded
from breakeven.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = "breakeven compiled handler 1"
_REMEDY = "Write it anew with: breakeven compile learn"


class RuleRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One rule: an observation, what it counts for, and the examples behind it."""

    when: str
    points: float
    seen: int = 0
    """Examples in which some candidate showed it."""
    right: int = 0
    """Examples in which the right candidate showed it."""
    examples: tuple[str, ...] = ()
    """Names of some in which the right candidate showed it, else of some in which a wrong one did."""


class KnownRow(msgspec.Struct, frozen=True):
    """One past answer, how often it was given, and in how many of those documents each line stood."""

    answer: str | float | int | bool | None
    times: int
    lines: dict[str, int]


class ClassRow(msgspec.Struct, frozen=True):
    """One class of rules: its tries that were sure enough to answer, and how many were right."""

    name: str
    tries: int
    right: int


class FieldRows(msgspec.Struct, frozen=True, omit_defaults=True):
    """The rules of one field."""

    sources: list[tuple[str, str]]
    rules: list[RuleRow]
    depth: int = 0
    recalls: bool = False
    labels: bool = False
    elsewhere: bool = False
    classes: list[ClassRow] = []
    known: list[KnownRow] = []
    places: dict[str, dict[str, int]] = {}
    """By layout: in how many of its documents the answer stood where; under the empty text, of how many."""


class LayoutRow(msgspec.Struct, frozen=True):
    """One layout: its documents, and in how many of them each line stood."""

    documents: int
    lines: dict[str, int]


class StepRow(msgspec.Struct, frozen=True):
    """Tries whose unsureness is at most this limit and above the one before."""

    limit: float
    tries: int
    right: int


class RecognitionRow(msgspec.Struct, frozen=True):
    """What an input must look like: words it must have, the least share of known words, and the known words and shapes."""

    constant: list[str]
    least_known: float
    by_shape: bool
    words: list[str]
    shapes: list[str]


class HandlerFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """A compiled handler, as its file holds it."""

    format: str
    examples: int
    floor: float
    aim: float
    confidence: float
    answers_up_to: float
    """The unsureness up to which it answers; 0: it declines everything."""
    record: list[StepRow]
    fields: dict[str, FieldRows]
    layouts: list[LayoutRow]
    recognition: RecognitionRow
    shape: TaskShape | None = None
    """How the task is asked and answered, where it was learned from whole requests; else the examples were inputs alone."""


def to_file(handler: Handler, rules: Mapping[str, list[RuleRow]], shape: TaskShape | None = None) -> bytes:
    """The handler as indented JSON, with the rules as the learner explains them."""
    certificate = handler.certificate
    record = [StepRow(limit, step.tries, step.right) for limit, step in zip(LIMITS, certificate.steps, strict=True)]
    fields = {name: _field_rows(one, rules[name]) for name, one in handler.fields.items()}
    layouts = [LayoutRow(one.documents, dict(one.lines)) for one in handler.layouts.found]
    file = HandlerFile(
        FORMAT,
        handler.examples,
        certificate.floor,
        certificate.aim,
        CONFIDENCE,
        handler.limit,
        record,
        fields,
        layouts,
        _recognition_row(handler.recogniser),
        shape,
    )
    return msgspec.json.format(msgspec.json.encode(file), indent=1)


def _recognition_row(recogniser: Recogniser) -> RecognitionRow:
    marks = recogniser.marks
    shapes = list(recogniser.shapes) if marks.shapes else []
    return RecognitionRow(list(marks.constant), marks.least_known, marks.shapes, list(recogniser.words), shapes)


def _field_rows(rules: FieldRules, rows: list[RuleRow]) -> FieldRows:
    sources = rules.sources
    recalled = sources.known or sources.labels or bool(sources.forms(MENTIONED)) or bool(sources.forms(ABSENT))
    return FieldRows(
        list(sources.chosen),
        rows,
        sources.depth,
        sources.known,
        sources.labels,
        sources.elsewhere,
        [ClassRow(name, tally.tries, tally.right) for name, tally in sorted(rules.classes.tallies.items())],
        _known_rows(rules.known, lines=sources.known) if recalled else [],
        {str(layout): dict(places) for layout, places in rules.places.items()},
    )


def _known_rows(known: KnownAnswers, *, lines: bool) -> list[KnownRow]:
    by_answer: dict[str, dict[str, int]] = {key: {} for key in known.answers}
    if lines:
        for anchor, counts in known.by_anchor.items():
            for key, count in counts.items():
                by_answer[key][anchor] = count
    return [KnownRow(_plain(answer), known.times[key], by_answer[key]) for key, answer in known.answers.items()]


def _plain(answer: object) -> str | float | int | bool | None:
    return answer if answer is None or isinstance(answer, str | float | int) else answer_text(answer)


def read_file(content: bytes, where: str) -> HandlerFile:
    """The content of a handler file. Raises DataError naming `where`."""
    try:
        file = msgspec.json.decode(content, type=HandlerFile)
    except msgspec.DecodeError as error:
        raise DataError(f"{where} is no compiled handler: {error}", _REMEDY) from None
    if file.format != FORMAT:
        raise DataError(f"{where} has the format {file.format!r}, this version reads {FORMAT!r}", _REMEDY)
    if tuple(row.limit for row in file.record) != LIMITS:
        raise DataError(f"{where} records its tries at other limits than {', '.join(map(str, LIMITS))}", _REMEDY)
    return file


def from_file(file: HandlerFile) -> Handler:
    """The handler that a file holds, ready to answer."""
    steps = [Tally(row.tries, row.right) for row in file.record]
    certificate = Certificate(len(file.fields), file.floor, file.aim, steps)
    fields = {name: _rules(rows, file.floor) for name, rows in file.fields.items()}
    return Handler(fields, certificate, _layouts(file.layouts), _recogniser(file.recognition), file.examples)


def _recogniser(row: RecognitionRow) -> Recogniser:
    """The marks, and the words and shapes that occurred: how often does not matter to an input that is to be answered."""
    marks = Marks(tuple(row.constant), row.least_known, row.by_shape)
    return Recogniser(Counter(row.words), Counter(row.shapes), marks=marks)


def _rules(rows: FieldRows, floor: float) -> FieldRules:
    sources = Sources(tuple(rows.sources), rows.depth, rows.recalls, rows.labels, rows.elsewhere)
    places = {int(layout): Counter(found) for layout, found in rows.places.items()}
    classes = ClassRecord({row.name: Tally(row.tries, row.right) for row in rows.classes})
    points = {rule.when: rule.points for rule in rows.rules}
    return FieldRules(sources, _known(rows.known), places, {}, points, classes, classes.withdrawn(floor))


def _known(rows: list[KnownRow]) -> KnownAnswers:
    known = KnownAnswers()
    for row in rows:
        key = folded(answer_text(row.answer))
        known.remember(key, row.answer)
        known.times[key] = row.times
        for anchor, count in row.lines.items():
            known.by_anchor[anchor][key] = count
    return known


def _layouts(rows: list[LayoutRow]) -> Layouts:
    layouts = Layouts()
    for number, row in enumerate(rows):
        layouts.found.append(Layout(row.documents, Counter(row.lines)))
        layouts.documents += row.documents
        layouts.times.update(row.lines)
        for line in row.lines:
            layouts.by_line[line].append(number)
    return layouts
