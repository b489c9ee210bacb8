"""Both answers of a replay beside each other, with what differs marked: evidence that one can read.

Only where bodies are kept: the feature's charter says so, they are redacted, and they go when their time is over (decision 39).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

import msgspec

from breakeven.ledger import captures
from breakeven.ledger.captures import Exchange
from breakeven.ledger.layout import Layout
from breakeven.providers.spoken import answer_of, task_of
from breakeven.reports.question import Facts, statement
from breakeven.reports.words import count

MOST_SHOWN = 20
LONGEST = 8_000
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


Key = tuple[str | None, str | None, str | None]


class _Row(NamedTuple):
    call_id: str | None
    to_rung: str
    to_model: str | None
    from_rung: str | None
    from_model: str | None
    agreed: bool
    scored_by: str | None

    @property
    def key(self) -> Key:
        return self.call_id, self.to_rung, self.to_model


class Piece(msgspec.Struct, frozen=True):
    """A stretch of text that both answers have, or that only one of them has."""

    text: str
    found_in: Literal["both", "before", "again"]


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """One task: what was asked, what was answered (`before`), and what the cheaper rung answered (`again`).

    `pieces` in their order: those of `both` and `before` spell the first answer, those of `both` and `again` the second.
    `cut`: a text was longer than is compared.
    """

    call_id: str
    agreed: bool
    scored_by: str | None
    from_rung: str | None
    from_model: str | None
    to_rung: str
    to_model: str | None
    asked: str
    before: str
    again: str
    pieces: Sequence[Piece]
    cut: bool


class SideBySide(msgspec.Struct, frozen=True, kw_only=True):
    """The replays of a class whose both answers are kept, disagreements first; `replays` counts all of them."""

    feature: str
    task_class: str
    replays: int
    disagreements: int
    kept: int
    pairs: Sequence[Pair]
    sentence: str


def side_by_side(ledger: Facts, layout: Layout, feature: str, task_class: str, limit: int = MOST_SHOWN) -> SideBySide:
    """The answers of a class's replays that are kept, at most `limit` of them."""
    rows = [_Row(*row) for row in ledger.query(statement("audit_side_by_side"), {"feature": feature, "task_class": task_class})]
    before, again = _kept(captures.read(layout, feature, replays=None), {row.call_id for row in rows if row.call_id is not None})
    found = [(row, before[row.call_id], again[row.key]) for row in rows if row.call_id in before and row.key in again]
    pairs = [_pair(*one) for one in found[:limit]]
    disagreements = sum(not row.agreed for row in rows)
    return SideBySide(
        feature=feature,
        task_class=task_class,
        replays=len(rows),
        disagreements=disagreements,
        kept=len(found),
        pairs=pairs,
        sentence=_sentence(len(rows), disagreements, len(found), len(pairs)),
    )


def marked(before: str, again: str) -> list[Piece]:
    """Two texts as one row of pieces, by words; equal stretches once."""
    first, second = _WORDS.findall(before), _WORDS.findall(again)
    pieces: list[Piece] = []
    for kind, a, b, c, d in SequenceMatcher(None, first, second, autojunk=False).get_opcodes():
        if kind == "equal":
            pieces.append(Piece("".join(first[a:b]), "both"))
            continue
        if a < b:
            pieces.append(Piece("".join(first[a:b]), "before"))
        if c < d:
            pieces.append(Piece("".join(second[c:d]), "again"))
    return pieces


def _kept(exchanges: Iterable[Exchange], wanted: set[str]) -> tuple[dict[str, Exchange], dict[Key, Exchange]]:
    """What is kept of these calls: as they were answered, and as they were answered again, the latest by rung and model."""
    before: dict[str, Exchange] = {}
    again: dict[Key, Exchange] = {}
    for each in exchanges:
        if each.call_id in wanted and each.replay:
            again[each.call_id, each.rung, each.model] = each
        elif each.call_id in wanted:
            before[each.call_id] = each
    return before, again


def _pair(row: _Row, before: Exchange, again: Exchange) -> Pair:
    task = task_of(before.request)
    texts = ("" if task is None else task.prompt, answer_of(before.response) or "", answer_of(again.response) or "")
    asked, first, second = (text[:LONGEST] for text in texts)
    return Pair(
        call_id=before.call_id,
        agreed=row.agreed,
        scored_by=row.scored_by,
        from_rung=row.from_rung,
        from_model=row.from_model,
        to_rung=row.to_rung,
        to_model=row.to_model,
        asked=asked,
        before=first,
        again=second,
        pieces=marked(first, second),
        cut=max(map(len, texts)) > LONGEST,
    )


def _sentence(replays: int, disagreements: int, kept: int, shown: int) -> str:
    if not replays:
        return "No task of this class was answered again yet."
    told = f"{disagreements:,} of {count(replays, 'replay')} gave another answer."
    if not kept:
        return f"{told} No answers are kept: that takes an audit run while the feature's charter says capture."
    some = "" if shown == kept else f" Shown are {shown:,}, those that differ first."
    return f"{told} Both answers of {kept:,} are kept.{some}"
