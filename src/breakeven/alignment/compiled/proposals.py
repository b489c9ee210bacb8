"""What could be the answer: every candidate of a document with the evidence that speaks for or against it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from breakeven.alignment.compiled.wording import answer_text, folded


@dataclass(slots=True)
class Proposal:
    """One possible answer, and the evidence found for it: each a named observation that rules give points to."""

    answer: object
    evidence: dict[str, None] = field(default_factory=dict)
    """Kept in the order found, not as a set, so that every run sums in one order and gives the same digits."""

    def add(self, *items: str) -> None:
        """Add single observations."""
        for item in items:
            self.evidence[item] = None

    def extend(self, items: Iterable[str]) -> None:
        """Add many observations."""
        self.evidence.update(dict.fromkeys(items))


class Proposals(dict[str, Proposal]):
    """Possible answers by their folded text, so that one answer found in several places gathers its evidence."""

    def at(self, answer: object) -> Proposal:
        """The proposal of this answer, made where it is new; the first wording found is kept."""
        key = folded(answer_text(answer))
        found = self.get(key)
        if found is None:
            found = self[key] = Proposal(answer)
        return found

    def copied(self) -> Proposals:
        """The same proposals, to which evidence can be added without changing these."""
        other = Proposals()
        for key, proposal in self.items():
            other[key] = Proposal(proposal.answer, dict(proposal.evidence))
        return other
