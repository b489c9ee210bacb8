"""One field of the answer: its sources, the evidence that tells the right candidate, and how sure that makes it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from breakeven.alignment.compiled.certificate import ClassRecord
from breakeven.alignment.compiled.jurisdictions import propose_laws
from breakeven.alignment.compiled.known import (
    KnownAnswers,
    anchors,
    label_words,
    propose_known,
    propose_labels,
)
from breakeven.alignment.compiled.layouts import Layouts, as_before, standing
from breakeven.alignment.compiled.lines import propose_lines
from breakeven.alignment.compiled.mentions import propose_mentioned, prose
from breakeven.alignment.compiled.proposals import Proposals
from breakeven.alignment.compiled.rearranged import propose_rearranged
from breakeven.alignment.compiled.scorecard import sureness
from breakeven.alignment.compiled.sources import ABSENT, LAW, LINE, MENTIONED, REARRANGED, Sources
from breakeven.alignment.compiled.spans import READERS, propose_spans

if TYPE_CHECKING:
    from breakeven.alignment.compiled.documents import Document

_MANY_CANDIDATES = 5


@dataclass(frozen=True, slots=True)
class Reading:
    """A document with what several fields need of it."""

    document: Document
    anchors: tuple[str, ...]
    layout: int | None


def prepare(document: Document, layouts: Layouts) -> Reading:
    """Prepare a document once for all fields."""
    lines = anchors(document)
    return Reading(document, lines, layouts.belongs(lines))


@dataclass(frozen=True, slots=True)
class Choice:
    """The best candidate of one field: its answer, how sure the points make it, the class of rule it rests on, and its evidence."""

    answer: object
    key: str
    sureness: float
    rule_class: str
    evidence: frozenset[str]


@dataclass(slots=True)
class FieldRules:
    """The rules of one field."""

    sources: Sources = field(default_factory=Sources)
    known: KnownAnswers = field(default_factory=KnownAnswers)
    places: dict[int, Counter[str]] = field(default_factory=dict)
    """Where the answers of each layout stood: how often each piece of evidence was found; under the empty text, of how many."""
    stood: dict[int, Mapping[str, str]] = field(default_factory=dict, repr=False)
    """What the places say, by layout, as far as it has been asked for."""
    points: Mapping[str, float] = field(default_factory=dict)
    classes: ClassRecord = field(default_factory=ClassRecord)
    """How often each class of rule was right in the tries."""
    withdrawn: frozenset[str] = frozenset()
    """The classes of rules whose record contradicts the quality floor: nothing is answered by them."""

    def propose(self, reading: Reading, without: str | None = None) -> Proposals:
        """Every candidate of this document. `without`: its own answer, where past answers already hold it."""
        found = self.propose_printed(reading)
        self.propose_recalled(reading, found, without)
        return found

    def propose_printed(self, reading: Reading) -> Proposals:
        """The candidates that depend on the document alone."""
        found = Proposals()
        for kind in READERS:
            if forms := self.sources.forms(kind):
                propose_spans(reading.document, kind, forms, found)
        if self.sources.forms(LAW):
            propose_laws(reading.document.running, found)
        if ways := self.sources.forms(LINE):
            propose_lines(reading.document, ways, self.sources.depth, found)
        if patterns := self.sources.forms(REARRANGED):
            propose_rearranged(reading.document, patterns, found)
        return found

    def propose_recalled(
        self, reading: Reading, into: Proposals, without: str | None = None, own: frozenset[str] = frozenset()
    ) -> None:
        """Add the candidates that depend on past answers."""
        if self.sources.labels:
            propose_labels(self.known, label_words(reading.document), into, without)
        if cues := self.sources.forms(MENTIONED):
            propose_mentioned(self.known, cues, prose(reading.document), into, without)
        if self.sources.known:
            propose_known(self.known, reading.anchors, into, without)
        self._compare(reading, into, own)
        if self.sources.forms(ABSENT):
            into.at("").add(f"nothing, of {min(_MANY_CANDIDATES, len(into))}")

    def _compare(self, reading: Reading, into: Proposals, own: frozenset[str]) -> None:
        """Add where each candidate stands as the answers of this document's layout stood."""
        stood = self._stood(reading.layout, own) if reading.layout is not None else None
        if stood:
            for proposal in into.values():
                proposal.extend(as_before(stood, proposal.evidence))

    def _stood(self, layout: int, own: frozenset[str]) -> Mapping[str, str]:
        """What each place says in this layout; worked out once where no example has to be left out."""
        if own:
            return standing(self.places.get(layout, {}), own)
        if layout not in self.stood:
            self.stood[layout] = standing(self.places.get(layout, {}))
        return self.stood[layout]

    def choose(self, reading: Reading) -> Choice | None:
        """The candidate with the most points; None where there is no candidate."""
        return self.admitted(best(self.propose(reading), self.points, elsewhere=self.sources.elsewhere))

    def admitted(self, choice: Choice | None) -> Choice | None:
        """The same choice, with no sureness left where its class of rule is withdrawn."""
        return choice if choice is None or choice.rule_class not in self.withdrawn else replace(choice, sureness=0.0)


NONE = "\0"
"""The key of the candidate that says: none of these."""


def candidates(proposals: Proposals, *, elsewhere: bool) -> dict[str, Iterable[str]]:
    """The evidence of every candidate; and, where answers often stand `elsewhere`, of one more: that none of these is right."""
    found: dict[str, Iterable[str]] = {key: proposal.evidence for key, proposal in proposals.items()}
    if elsewhere:
        found[NONE] = ("none of these", f"none of these, of {min(_MANY_CANDIDATES, len(proposals))}")
    return found


def best(proposals: Proposals, points: Mapping[str, float], *, elsewhere: bool) -> Choice | None:
    """The candidate with the most points among these; None where there is none, or where it is likelier that none is right."""
    if not proposals:
        return None
    shares = sureness(points, candidates(proposals, elsewhere=elsewhere))
    key = max(shares, key=lambda one: shares[one])
    if key == NONE:
        return None
    evidence = frozenset(proposals[key].evidence)
    return Choice(proposals[key].answer, key, shares[key], rule_class(evidence), evidence)


def rule_class(evidence: frozenset[str]) -> str:
    """The class of rule an answer rests on: tries are pooled within it."""
    kind = next((name for name, marks in _CLASSES if any(item.startswith(marks) for item in evidence)), "printed")
    return f"{kind}, one of several forms" if any(item.startswith("form ") for item in evidence) else kind


_CLASSES = (
    ("known and printed", "known and printed"),
    ("known", "known"),
    ("label", "label "),
    ("rearranged", "pattern "),
    ("mentioned", ("an answer before", "a new name")),
    ("absent", "nothing, of"),
    ("clauses that agree", "no clause names another law"),
    ("clause", "law"),
    ("checked", "check "),
)
"""Classes of rules with the evidence they are known by; what is left is taken as it is printed."""
