"""A compiled handler at work: answers what it is certified to answer, declines the rest and says why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from breakeven.alignment.compiled.certificate import Certificate
from breakeven.alignment.compiled.documents import Document
from breakeven.alignment.compiled.fields import Choice, FieldRules, prepare
from breakeven.alignment.compiled.layouts import Layouts
from breakeven.alignment.compiled.recognition import Recogniser


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler says to one input: its best answer per field, how unsure it is, and whether it stands by it."""

    choices: Mapping[str, Choice | None]
    """By field; where it declines, only as far as it looked."""
    unsureness: float | None
    """Sum over these fields of one minus their sureness; None where a field has no candidate."""
    answered: bool
    why: str = ""
    """Why it declines, where it does."""

    @property
    def fields(self) -> dict[str, object]:
        """The best answer of every field that has one."""
        return {name: choice.answer for name, choice in self.choices.items() if choice is not None}


@dataclass(slots=True)
class Handler:
    """Rules for every field of a task, and the certificate that says how sure they must be to answer."""

    fields: dict[str, FieldRules]
    certificate: Certificate
    layouts: Layouts = field(default_factory=Layouts)
    recogniser: Recogniser = field(default_factory=Recogniser)
    examples: int = 0
    limit: float = field(init=False)
    """Up to which unsureness it answers; 0: it declines everything."""

    def __post_init__(self) -> None:
        self.limit = self.certificate.limit()

    def answer(self, document: Document) -> Answer:
        """The answer to one document, or the reason for declining it; what is sure to be declined is not looked at further."""
        why = self.recogniser.strange(document) if self.limit else "the record does not yet show that the quality floor is kept"
        if why:
            return Answer({}, None, answered=False, why=why)
        reading = prepare(document, self.layouts)
        choices: dict[str, Choice | None] = {}
        unsureness: float | None = 0.0
        for name, rules in self.fields.items():
            choices[name] = rules.choose(reading)
            unsureness = unsureness_of(choices)
            if unsureness is None or unsureness > self.limit:
                return Answer(choices, unsureness, answered=False, why=_doubt(choices))
        return Answer(choices, unsureness, answered=True)


def _doubt(choices: Mapping[str, Choice | None]) -> str:
    """Which field is the reason for declining."""
    sureness = {name: -1.0 if choice is None else choice.sureness for name, choice in choices.items()}
    least = min(sureness, key=lambda name: sureness[name])
    return f"nothing found for {least}" if choices[least] is None else f"unsure of {least}"


def unsureness_of(choices: Mapping[str, Choice | None]) -> float | None:
    """How unsure a whole answer is; None where a field has no candidate."""
    total = 0.0
    for choice in choices.values():
        if choice is None:
            return None
        total += 1 - choice.sureness
    return total
