"""Choosing the passages of an input that are sent, and the file that says how."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from breakeven.alignment.passages.scoring import features_of, scores
from breakeven.alignment.passages.splitting import Passage, passages_of
from breakeven.errors import DataError

FORMAT = "breakeven passages 1"
OMITTED = "\n[...]\n"
"""Stands where passages were left out, so that no reader takes what follows for the next sentence."""


class TryRow(msgspec.Struct, frozen=True):
    """What the record says of one threshold: recall and its lower bound, and the share of the input that is sent."""

    threshold: float
    recall: float
    recall_lower_bound: float
    sent: float


class PassageFile(msgspec.Struct, frozen=True):
    """A selector as its file holds it. `threshold` is None where no record keeps the promise: then everything is sent."""

    format: str
    examples: int
    fields: list[str]
    floor: float
    confidence: float
    threshold: float | None
    bias: float
    record: list[TryRow]
    weights: dict[str, float]


@dataclass(frozen=True, slots=True)
class Selection:
    """The passages of one input that are sent, in order, and the text that they make."""

    sent: tuple[Passage, ...]
    text: str
    share: float
    """The share of the input's characters that is sent."""


def select(file: PassageFile, text: str) -> Selection:
    """What of a text is sent."""
    passages = passages_of(text)
    chosen = chosen_by(scores(features_of(passages), file.weights, file.bias), file.threshold)
    return selection(text, [one for one, taken in zip(passages, chosen, strict=True) if taken])


def chosen_by(found: list[float], threshold: float | None) -> list[bool]:
    """Which passages are sent: all without a threshold, else those that reach it, and the likeliest in any case."""
    if threshold is None or not found:
        return [True] * len(found)
    most = max(found)
    return [each >= threshold or each == most for each in found]


def selection(text: str, sent: list[Passage]) -> Selection:
    """The passages joined: neighbours as they stand in the text, a mark where something was left out."""
    pieces: list[str] = []
    end = 0
    for one in sent:
        if one.start > end:
            pieces.append(OMITTED)
        pieces.append(one.text)
        end = one.end
    if text[end:].strip():
        pieces.append(OMITTED)
    return Selection(tuple(sent), "".join(pieces), sum(one.end - one.start for one in sent) / len(text) if text else 1.0)


def written(file: PassageFile) -> bytes:
    """The file's content, indented."""
    return msgspec.json.format(msgspec.json.encode(file), indent=1)


def read_selector(content: bytes, where: str) -> PassageFile:
    """A selector file. Raises DataError naming `where`."""
    remedy = "Write it anew with: breakeven compile passages learn"
    try:
        file = msgspec.json.decode(content, type=PassageFile)
    except msgspec.DecodeError as error:
        raise DataError(f"{where} is no passage selector: {error}", remedy) from None
    if file.format != FORMAT:
        raise DataError(f"{where} has the format {file.format!r}, this version reads {FORMAT!r}", remedy)
    return file
