"""A route as readable data: what its file holds, and how it is read back.

The file holds everything that a decision depends on and nothing that runs: every word with its points, every tag, the figures of a
text's form, how points become an uplift, what was proven, and what traffic looked like when it was learned.
"""

from __future__ import annotations

import msgspec

from breakeven.errors import DataError

FORMAT = "breakeven route 1"
REMEDY = "Train it anew with: breakeven route train"


class TagRow(msgspec.Struct, frozen=True):
    """One workflow tag of the replays: how many, the uplift they showed, and the points that the tag gives a task."""

    rows: int
    uplift: float
    points: float


class FormRow(msgspec.Struct, frozen=True):
    """One figure of a text's form: its mean and deviation in the replays, and the points per deviation."""

    name: str
    mean: float
    deviation: float
    points: float


class ReliabilityRow(msgspec.Struct, frozen=True):
    """Replays with much the same predicted uplift, predicted without having seen them: what was foretold and what came."""

    rows: int
    predicted: float
    observed: float


class CandidateRow(msgspec.Struct, frozen=True):
    """One way of weighing what is read, and its share in the route: the better it foretold replays it had not seen, the more."""

    penalty: float
    with_form: bool
    share: float


class Learned(msgspec.Struct, frozen=True):
    """How the route was chosen, and how well it ordered replays that had no part in the points they were ordered by."""

    rows: int
    folds: int
    mixture: list[CandidateRow]
    weak_quality: float
    strong_quality: float
    gap_recovered: float | None
    """Area under gap recovered against share of weak; None where the gap is too small to be shared out."""


class CertificateRow(msgspec.Struct, frozen=True):
    """What was proven of sending a share of tasks to the weak rung: the mean loss is at most the margin, with this confidence."""

    margin: float
    confidence: float
    pairs: int
    evidence: str
    """`cross-fitted`, or `fresh` where the pairs had no part in the training at all."""
    threshold: float | None
    """Tasks with at most so many points go to the weak rung; None: nothing is certified, all stay."""
    share: float
    mean_loss: float | None
    harm_at_most: float | None
    fingerprint: str


class Traffic(msgspec.Struct, frozen=True):
    """What replays looked like: bounds between bins of points, of known words and of length, and how many fell into each."""

    points: list[float]
    points_rows: list[int]
    known: list[float]
    known_rows: list[int]
    length: list[float]
    length_rows: list[int]


class RouteFile(msgspec.Struct, frozen=True):
    """A route, as its file holds it."""

    format: str
    weak: str
    strong: str
    tag: str | None
    learned: Learned
    certificate: CertificateRow
    base: float
    """Points that every task begins with."""
    calibration: list[tuple[float, float]]
    """Points and the uplift they stand for, lowest first; between two entries on the straight line."""
    reliability: list[ReliabilityRow]
    tags: dict[str, TagRow]
    tag_parts: dict[str, tuple[float, float]]
    """Points and weight of a tag's name and of the words in it: a new tag is judged by the words it shares."""
    form: list[FormRow]
    traffic: Traffic
    words: dict[str, float]
    """Points of a word or pair of words, before they are divided by the length of the text's row."""
    seen: dict[str, int]
    """In how many replays each stood: the rarer, the heavier."""


def to_bytes(file: RouteFile) -> bytes:
    """The file as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(file), indent=1)


def read_route(content: bytes, where: str) -> RouteFile:
    """The content of a route's file. Raises DataError naming `where`."""
    try:
        file = msgspec.json.decode(content, type=RouteFile)
    except msgspec.DecodeError as error:
        raise DataError(f"{where} is no route: {error}", REMEDY) from None
    if file.format != FORMAT:
        raise DataError(f"{where} has the format {file.format!r}, this version reads {FORMAT!r}", REMEDY)
    if file.words.keys() != file.seen.keys() or not file.calibration:
        raise DataError(f"{where} is not whole: words without counts, or no calibration", REMEDY)
    return file
