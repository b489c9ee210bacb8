"""Where the values of a field come from: the smallest set of sources that reproduces the examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from breakeven.alignment.compiled.forms import PRINTED, fitting, forms_for
from breakeven.alignment.compiled.jurisdictions import laws
from breakeven.alignment.compiled.known import KnownAnswers, labels
from breakeven.alignment.compiled.lines import DEEPEST_ROWS, WAYS, row_texts, taken
from breakeven.alignment.compiled.mentions import Prose, cues_of, prose
from breakeven.alignment.compiled.rearranged import pattern_of, whole_text
from breakeven.alignment.compiled.spans import READERS, places
from breakeven.alignment.compiled.wording import answer_text, folded, words

if TYPE_CHECKING:
    from breakeven.alignment.compiled.documents import Document

WORTH_HAVING = 0.02
"""A source is kept where it alone reproduces at least this share of the examples."""
MENTIONED_WORTH_HAVING = 0.1
"""Past answers are looked for in the text where nothing else reproduces this share of the examples."""
MOST_CUES = 5
KNOWN_WORTH_HAVING = 0.2
"""Past answers are a source where the lines of a document point to the right one this often."""
ELSEWHERE = 0.15
"""Where the sources miss at least this share of the answers, that none of the candidates is right is a choice too."""
REACHED = 0.9
"""Labels are tried where printed values reproduce fewer of the examples than this."""
ABSENT = "absent"
MENTIONED = "mentioned"
LINE = "line"
REARRANGED = "rearranged"
LAW = "law"
TOLD = 0.5
"""Where clauses that name a law reproduce this share of the examples, no answer is guessed from other words of the text."""
_ORDER = ("date", "amount", "code", LAW, LINE, REARRANGED, ABSENT)
_FEW = 2
"""So many examples are too few to ask of a source that it reproduces several."""

RIVALS = {"amount": (PRINTED, "without currency")}
"""Forms that are candidates wherever a kind is a source."""

Source: TypeAlias = tuple[str, str]
"""A kind of printed value with its form, or `line` with the way of taking it."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources of one field, in the order of what they reproduce."""

    chosen: tuple[Source, ...] = ()
    depth: int = 0
    """Rows in which a line may begin, counted from the top."""
    known: bool = False
    labels: bool = False
    elsewhere: bool = False
    """Whether answers often stand nowhere among the candidates, so that saying so must be one of the choices."""

    def forms(self, kind: str) -> tuple[str, ...]:
        """The forms of one kind of printed value, or the ways of taking lines; empty where it is no source."""
        chosen = tuple(form for source, form in self.chosen if source == kind)
        return tuple(dict.fromkeys([*chosen, *RIVALS.get(kind, ())])) if chosen else ()


@dataclass(slots=True)
class SourceCounts:
    """Which sources reproduced which share of the examples."""

    examples: int = 0
    known: int = 0
    together: Counter[frozenset[Source]] = field(default_factory=Counter)
    """How many examples just this set of sources reproduces."""
    depths: Counter[int] = field(default_factory=Counter)
    cues: Counter[str] = field(default_factory=Counter)
    """In how many examples each word stands shortly before the answer."""

    def add(self, document: Document, anchors: Iterable[str], answer: object, known: KnownAnswers) -> None:
        """Look in which ways one example's answer could have been had."""
        self.examples += 1
        key = folded(answer_text(answer))
        votes, _ = known.votes(anchors)
        self.known += bool(votes) and max(votes, key=lambda one: votes[one]) == key
        if not key:
            self.together[frozenset({(ABSENT, "")})] += 1
            return
        found = {(kind, form) for kind in READERS for form in _span_forms(document, kind, answer)}
        if isinstance(answer, str):
            found |= {(LAW, PRINTED) for one in laws(document.running) if folded(one.place) == key}
            found |= self._lines(document, key)
            found |= {(REARRANGED, pattern) for pattern in [pattern_of(whole_text(document), answer)] if pattern}
            found |= self._mentions(prose(document), answer, known)
        self.together[frozenset(found)] += 1

    def _lines(self, document: Document, key: str) -> set[Source]:
        rows = row_texts(document)
        found = {way: start for start in range(len(rows) - 1, -1, -1) for way in WAYS if _takes(rows, start, way, key)}
        if found:
            self.depths[min(found.values())] += 1
        return {(LINE, way) for way in found}

    def _mentions(self, text: Prose, answer: str, known: KnownAnswers) -> set[Source]:
        cues = cues_of(text, answer)
        self.cues.update(sorted(cues))  # in an order that does not depend on hashing
        spoken = words(answer)
        again = spoken and known.times_seen(folded(answer)) and f" {' '.join(spoken)} " in f" {' '.join(text.words)} "
        return {(MENTIONED, "")} if cues or again else set()

    def choose(self, times: Mapping[str, int]) -> Sources:
        """The fewest sources that reproduce what can be reproduced.

        Where a few answers are given again and again and are not simply printed, they are labels, told by words. Else always next
        comes the source that reproduces most of the rest, and past answers are looked for in the text where much remains.
        """
        printed, rest = self._cover(without=REARRANGED)
        told = sum(count for sources, count in self.together.items() if (LAW, PRINTED) in sources) >= TOLD * self.examples > 0
        if told:
            return Sources(tuple(source for source in printed if source[0] in {LAW, ABSENT}), elsewhere=True)
        if labels(times) and rest.total() > (1 - REACHED) * self.examples:
            return Sources(tuple((MENTIONED, cue) for cue in self._cues()) if self._mentioned(self.together) else (), labels=True)
        chosen, rest = self._cover(without="") if rest else (printed, rest)
        known = self.known >= KNOWN_WORTH_HAVING * self.examples
        missed = rest.total() - (self.known if known else 0)
        if not known and (mentioned := self._mentioned(rest)):
            chosen += [(MENTIONED, cue) for cue in self._cues()]
            missed -= mentioned
        depth = self._depth() if any(source == LINE for source, _ in chosen) else 0
        return Sources(tuple(chosen), depth, known, elsewhere=missed >= ELSEWHERE * self.examples > 0)

    def _cover(self, without: str) -> tuple[list[Source], Counter[frozenset[Source]]]:
        """Sources chosen one after the other, and the examples that none of them reproduces."""
        rest = Counter(self.together)
        chosen: list[Source] = []
        while best := _best(rest, self._least(), {MENTIONED, without}):
            chosen.append(best)
            rest = Counter({sources: count for sources, count in rest.items() if best not in sources})
        return chosen, rest

    def _mentioned(self, among: Mapping[frozenset[Source], int]) -> int:
        """How many of these examples mention a past answer that is theirs; 0 where too few to be worth it."""
        count = sum(count for sources, count in among.items() if (MENTIONED, "") in sources)
        return count if count >= MENTIONED_WORTH_HAVING * self.examples else 0

    def _cues(self) -> list[str]:
        """The words that most often stand before the answer; the empty text stands for past answers wherever they are."""
        often = [cue for cue, count in self.cues.most_common(MOST_CUES) if count >= MENTIONED_WORTH_HAVING * self.examples]
        return ["", *often]

    def _least(self) -> float:
        return 1 if self.examples <= _FEW else max(2, WORTH_HAVING * self.examples)

    def _depth(self) -> int:
        """Down to which row answers have begun, leaving out the deepest 1% as accidents, and three rows more."""
        spare = self.depths.total() // 100
        for row in sorted(self.depths, reverse=True):
            spare -= self.depths[row]
            if spare < 0:
                return min(DEEPEST_ROWS, row + 4)
        return 0


def _best(rest: Mapping[frozenset[Source], int], least: float, without: set[str]) -> Source | None:
    """The source that reproduces most of the rest; among equals the plainest. None where none is worth having."""
    counts: Counter[Source] = Counter()
    for sources, count in rest.items():
        for source in sources:
            if source[0] not in without:
                counts[source] += count
    best = min(counts, key=lambda source: (-counts[source], _ORDER.index(source[0]), _rank(source), source), default=None)
    return best if best is not None and counts[best] >= least else None


def _rank(source: Source) -> int:
    """The plainest form or way first, so that a tie is decided alike everywhere."""
    order: Iterable[str] = WAYS if source[0] == LINE else forms_for(source[0])
    return next((number for number, form in enumerate(order) if form == source[1]), 0)


def _span_forms(document: Document, kind: str, answer: object) -> set[str]:
    """The forms in which some printed value of this kind is the answer."""
    texts = {place.span.text for place in places(document, kind)}
    return {form for text in texts for form in fitting(kind, text, answer)}


def _takes(rows: list[str], start: int, way: str, key: str) -> bool:
    text = taken(rows, start, way)
    return text is not None and folded(text) == key
