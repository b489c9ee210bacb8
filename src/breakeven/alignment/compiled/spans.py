"""Evidence for a value that is printed: what stands beside, above and below it, where on the page, and whether the sums agree."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from breakeven.alignment.compiled.documents import Cell
from breakeven.alignment.compiled.forms import written
from breakeven.alignment.compiled.mentions import AFTER, BEFORE, around
from breakeven.alignment.compiled.ownwords import own_words
from breakeven.alignment.compiled.printed import Span, amounts, codes, dates, readings
from breakeven.alignment.compiled.wording import answer_text, folded, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from breakeven.alignment.compiled.documents import Document
    from breakeven.alignment.compiled.proposals import Proposals

READERS: dict[str, Callable[[str], list[Span]]] = {"date": dates, "amount": amounts, "code": codes}
_DIGITS = re.compile("9+")
NEAR_WORDS = 5
"""How many words beside a value are looked at."""
PROSE = 250
"""A cell with more signs than this is running text: more of the words around a value tell what it is."""
_FOLLOWING = 3
_BESIDE_FORM = ("prefix", "shape")
"""Evidence that may decide in which form a value is wanted."""
_RUN = 14
_COIN = 5
"""The smallest coin where totals are rounded, in hundredths."""
_TAX_LOW, _TAX_HIGH = 0.03, 0.25


@dataclass(frozen=True, slots=True)
class Place:
    """A printed value and where it stands."""

    span: Span
    cell: Cell
    index: int
    """The place of its cell in its row."""


def places(document: Document, kind: str) -> list[Place]:
    """Every value of one kind in the document, in reading order."""
    read = READERS[kind]
    if document.running:
        whole = Cell(document.running, 0, 0.0, 0.0, 1.0, 1.0)
        return [Place(span, whole, 0) for span in read(document.running)]
    return [Place(span, cell, index) for row in document.rows for index, cell in enumerate(row) for span in read(cell.text)]


def propose_spans(document: Document, kind: str, forms: Sequence[str], into: Proposals) -> None:
    """Add every printed value of this kind, in each form that past answers had, with its evidence."""
    found = places(document, kind)
    if not found:
        return
    worths = _evidence_of_worths(kind, [place.span.worth for place in found])
    last = len(found) - 1
    said: list[list[str]] = [[]] * len(found)
    if kind == "date" and document.running:
        said = own_words(document.running, [place.span.start for place in found], [place.span.worth for place in found])
    for number, place in enumerate(found):
        evidence = [*_beside(document, place), *_where(place, kind), *worths[place.span.worth], *said[number]]
        if kind == "date" and not readings(place.span.text):
            evidence.append("no such day")
        evidence.append(
            f"first {number}" if number < _FOLLOWING else f"last {last - number}" if last - number < _FOLLOWING else "mid"
        )
        _add(kind, forms, place, evidence, into)


def _add(kind: str, forms: Sequence[str], place: Place, evidence: Sequence[str], into: Proposals) -> None:
    """Add one printed value in every form; where the forms differ here, which one it is becomes evidence too."""
    answers = [(form, answer) for form in forms if (answer := written(kind, form, place.span.text)) is not None]
    differ = len({folded(answer_text(answer)) for _, answer in answers}) > 1
    for form, answer in answers:
        proposal = into.at(answer)
        proposal.extend(evidence)
        if differ:
            proposal.add(f"form {form}")
            proposal.extend(f"form {form} & {item}" for item in evidence if item.startswith(_BESIDE_FORM))


def _beside(document: Document, place: Place) -> Iterator[str]:
    """What the neighbours say."""
    row, cell, span = document.rows[place.cell.row], place.cell, place.span
    own = words(cell.text[max(0, span.start - PROSE) : span.start])
    left = [word for other in row[: place.index] for word in words(other.text)] + list(own)
    yield f"left {' '.join(left[-NEAR_WORDS:])}"
    for word in left[-NEAR_WORDS:]:
        yield f"left word {word}"
    right = words(cell.text[span.end : span.end + PROSE])
    if len(cell.text) > PROSE:
        yield from around(own[-BEFORE:], right[:AFTER])
    yield f"right {' '.join(right[:2])}" if right else "right nothing"
    if document.running:
        return
    above = document.words[cell.row - 1] if cell.row else ()
    below = document.words[cell.row + 1] if cell.row + 1 < len(document.words) else ()
    if not left:
        yield f"above {' '.join(above[-NEAR_WORDS:])}"
    else:
        yield f"row above {' '.join(above[:NEAR_WORDS])}"
    yield f"row below {' '.join(below[:NEAR_WORDS])}"


def _where(place: Place, kind: str) -> Iterator[str]:
    """Position on the page and the shape of what is printed."""
    cell, span = place.cell, place.span
    if len(cell.text) > PROSE:
        yield f"zone {int((cell.top + (cell.bottom - cell.top) * span.start / len(cell.text)) * 6)}"
    else:
        yield f"zone {int(cell.top * 6)}"
        yield f"edge {int(cell.right * 8)}"
    prefix = words(span.text)[:1]
    yield f"prefix {prefix[0] if prefix else ('sign' if span.text[:1] in '$€£¥' else 'none')}"
    printed = shape(span.text)
    yield f"shape {_DIGITS.sub('9', printed) if kind == 'amount' else printed}"  # how large an amount is tells nothing
    if span.start == 0 and span.end >= len(cell.text.rstrip()):
        yield "alone"


def shape(text: str) -> str:
    """Digits as 9, runs of letters as A, the rest as it is; long runs are cut short."""
    out: list[str] = []
    for char in text[:24]:
        sign = "9" if char.isdigit() else "A" if char.isalpha() else char
        if sign != "A" or out[-1:] != ["A"]:
            out.append(sign)
    return "".join(out)


def _evidence_of_worths(kind: str, worths: Sequence[str]) -> dict[str, list[str]]:
    """What the values say about one another: printed again, the largest, lines and tax that add up, cash less change."""
    times = Counter(worths)
    found = {worth: [f"printed {min(count, 4)} times"] for worth, count in times.items()}
    if len(found) == 1:
        next(iter(found.values())).append("the only one")
    if kind == "amount":
        sums = [int(worth) for worth in worths]
        for worth, evidence in found.items():
            evidence.extend(_sums(int(worth), sums))
    return found


def _sums(value: int, values: Sequence[int]) -> Iterator[str]:
    """The arithmetic checks that this amount passes among all amounts of the document."""
    distinct = set(values)
    yield f"size rank {min(4, sum(other > value for other in distinct))}"
    first = values.index(value)
    yield f"amounts after {min(5, len(set(values[first + 1 :])))}"
    if value <= 0:
        yield "zero"
        return
    if any(0 < abs(other - value) < _COIN for other in distinct):
        yield "check rounds another amount" if value % _COIN == 0 else "rounded by another amount"
    if any(other > 0 and other != value and value + other in distinct for other in distinct):
        yield "check cash less change"
    if _paid_then_change(value, values, first):
        yield "check paid and change follow"
    if any(sum(values[start:first]) == value for start in range(max(0, first - _RUN), first - 1)):
        yield "check sum of the lines before"
    if any(_TAX_LOW < other / (value - other) < _TAX_HIGH for other in distinct if 0 < other < value and value - other in distinct):
        yield "check net plus tax"


def _paid_then_change(value: int, values: Sequence[int], first: int) -> bool:
    """Whether what was paid and the exact change are the next amounts printed."""
    following = values[first + 1 : first + 2 + _FOLLOWING]
    return any(paid >= value and paid - value in following[number + 1 :] for number, paid in enumerate(following))
