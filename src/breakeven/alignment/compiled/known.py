"""Answers that come back: which past answers the lines and words of a document point to.

A vendor's name and address are constants of its documents: whatever line of a document was seen with one answer only (a tax number,
a street, a slogan) points to that answer. A label (category, queue, language) is pointed to by words.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import chain, islice, pairwise
from typing import TYPE_CHECKING

from breakeven.alignment.compiled.proposals import Proposals
from breakeven.alignment.compiled.wording import answer_text, folded, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from breakeven.alignment.compiled.documents import Document

SHORTEST_ANCHOR = 5
"""Lines with fewer letters and digits identify nothing."""
LONGEST_ANCHOR = 80
STANDING = 0.1
"""A line belongs to an answer (or a layout) where it stood in at least this share of its documents."""
SPREAD = 20
"""A line seen with more answers than this points to none of them."""
PROPOSED = 6
"""So many past answers are proposed, those to which the lines point most."""
_VOTES, _SEEN, _MARGIN = 8, 4, 4
_LABEL_WORDS = 200
MOST_LABELS = 50
"""With more different answers than this a field is no label."""


def anchors(document: Document) -> tuple[str, ...]:
    """The lines of a document that can identify it: folded, not too short, not only digits."""
    found = dict.fromkeys(folded(cell.text) for cell in document.cells if len(cell.text) <= LONGEST_ANCHOR)
    return tuple(text for text in found if len(text) >= SHORTEST_ANCHOR and not text.isdecimal())


@dataclass(slots=True)
class KnownAnswers:
    """Past answers of one field, how often each was given, and which lines stood in the documents it was given for."""

    answers: dict[str, object] = field(default_factory=dict)
    times: Counter[str] = field(default_factory=Counter)
    by_anchor: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    by_words: dict[str, list[tuple[tuple[str, ...], str]]] = field(default_factory=dict)
    """Answers by their first word, the longest first: their words, and which answer it is."""

    def learn(self, found: Iterable[str], answer: object) -> None:
        """Remember one example: the anchors of its document and its answer."""
        key = folded(answer_text(answer))
        self.remember(key, answer)
        self.times[key] += 1
        for anchor in found:
            self.by_anchor[anchor][key] += 1

    def remember(self, key: str, answer: object) -> None:
        """Take in an answer not given before."""
        if key in self.answers:
            return
        self.answers[key] = answer
        if spoken := words(answer_text(answer)):
            same = self.by_words.setdefault(spoken[0], [])
            same.append((spoken, key))
            same.sort(key=lambda one: -len(one[0]))

    def trim(self) -> None:
        """Forget lines that stood in few documents of an answer (they name a purchase, no vendor) or point to many answers."""
        for anchor, counts in list(self.by_anchor.items()):
            kept = Counter({key: count for key, count in counts.items() if count >= STANDING * self.times[key]})
            if kept and len(counts) <= SPREAD:
                self.by_anchor[anchor] = kept
            else:
                del self.by_anchor[anchor]

    def votes(self, found: Iterable[str], without: str | None = None) -> tuple[dict[str, float], int]:
        """How far the document's lines point to each answer (a line seen with several answers splits its vote), and how many voted.

        `without` names the answer of this very document where it has been learned already: it must not vote for itself.
        """
        votes: dict[str, float] = defaultdict(float)
        voters = 0
        for anchor in found:
            seen = self.by_anchor.get(anchor)
            if seen is None or len(seen) > SPREAD:
                continue
            total = seen.total() - (without in seen)
            voters += total > 0
            for key, count in seen.items():
                others = count - (key == without)
                if others:
                    votes[key] += others / total
        return {key: round(vote, 6) for key, vote in votes.items()}, voters

    def times_seen(self, key: str, without: str | None = None) -> int:
        """In how many other documents this was the answer."""
        return self.times.get(key, 0) - (key == without)


def propose_known(known: KnownAnswers, found: Iterable[str], into: Proposals, without: str | None = None) -> None:
    """Add the past answers to which the lines of this document point, with how strongly they do."""
    printed = list(into)
    votes, voters = known.votes(found, without)
    ranked = sorted(votes.values(), reverse=True)
    for key, vote in sorted(votes.items(), key=lambda one: -one[1])[:PROPOSED]:
        proposal = into.at(known.answers[key])
        proposal.add("known")
        proposal.add(f"known, lines for it {min(_VOTES, int(vote))}")
        proposal.add(f"known, share of lines {int(vote / voters * 5)}")
        proposal.add(f"known, seen {min(_SEEN, known.times_seen(key, without))}")
        if vote == ranked[0]:
            proposal.add(f"known, leads by {min(_MARGIN, int(vote - (ranked[1] if len(ranked) > 1 else 0)))}")
        else:
            proposal.add("known, does not lead")
    for key in printed:
        if known.times_seen(key, without):
            into[key].add("known and printed")


def propose_labels(known: KnownAnswers, spoken: Iterable[str], into: Proposals, without: str | None = None) -> None:
    """Add every past answer as a label, with each word of the document as evidence for or against that label."""
    for key, answer in known.answers.items():
        if known.times_seen(key, without):
            proposal = into.at(answer)
            proposal.add(f"label {key}")
            proposal.extend(f"label {key} & {word}" for word in spoken)


def label_words(document: Document) -> tuple[str, ...]:
    """The words of a document's beginning and their neighbours in pairs: what labels are told by."""
    text = list(islice(chain.from_iterable(document.words), _LABEL_WORDS))
    pairs = (f"words {one} {two}" for one, two in pairwise(text))
    return tuple(dict.fromkeys([*(f"word {word}" for word in text), *pairs]))


def labels(known: Mapping[str, int]) -> bool:
    """Whether the answers so far look like labels: few, and each given several times."""
    return 1 < len(known) <= MOST_LABELS and sum(known.values()) >= 3 * len(known)
