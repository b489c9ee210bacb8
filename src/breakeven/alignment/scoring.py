"""How good an answer on a cheaper rung is, against the one that was given: from 0 to 1, and whether the two say the same.

exact      the same text, but for space at its ends
text       the same words, whatever case, spacing and punctuation
number     the number stated last, within a relative tolerance
json       the JSON value field by field: the score is the share of fields that agree; where neither is JSON, their words
agreement  as checks of live traffic compare: JSON by fields, numbers by worth, texts by words

Where the request declares a schema, an answer that breaks it scores 0 by every one of these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from breakeven.alignment.checks.agreement import same, stated_number
from breakeven.alignment.checks.schema import SchemaCheck
from breakeven.alignment.checks.stated import NOTHING, value_of
from breakeven.alignment.comparing import agree
from breakeven.alignment.compiled.wording import folded
from breakeven.alignment.task import Reply, Task

Rule = Literal["exact", "text", "number", "json", "agreement"]
RULES: tuple[Rule, ...] = ("agreement", "exact", "text", "number", "json")


@dataclass(frozen=True, slots=True)
class Score:
    """What the cheaper answer is worth against the dear one; `strong` is None where only agreement is known."""

    agreed: bool
    weak: float | None = None
    strong: float | None = None


@dataclass(frozen=True, slots=True)
class Scorer:
    """A rule with its settings: `fields` are those of a JSON value that count (empty: all), `tolerance` is relative."""

    rule: Rule = "agreement"
    fields: tuple[str, ...] = ()
    tolerance: Decimal = Decimal(0)

    def score(self, task: Task, weak: Reply, strong: Reply) -> Score:
        """The score of the cheaper answer. Where the dear one breaks the task's schema itself, agreement alone counts."""
        schema = SchemaCheck()
        if schema.fault(task, weak) is not None and schema.fault(task, strong) is None:
            return Score(agreed=False, weak=0.0, strong=1.0) if self.rule == "json" else Score(agreed=False)
        if self.rule == "json":
            if value_of(weak) is NOTHING and value_of(strong) is NOTHING:  # no JSON was asked for: what they say counts
                same_words = agree(weak, strong)
                return Score(agreed=same_words, weak=float(same_words), strong=1.0)
            share = fields_kept(value_of(weak), value_of(strong), self.fields)
            return Score(agreed=share == 1.0, weak=share, strong=1.0)
        return Score(agreed=self._agree(weak, strong))

    def _agree(self, weak: Reply, strong: Reply) -> bool:
        if self.rule == "exact":
            return weak.text.strip() == strong.text.strip()
        if self.rule == "text":
            return folded(weak.text) == folded(strong.text)
        if self.rule == "number":
            return within(stated_number(weak), stated_number(strong), self.tolerance)
        return agree(weak, strong)


def within(ours: object, theirs: object, tolerance: Decimal) -> bool:
    """Whether two numbers differ by at most this share of the second; what is no number agrees with nothing."""
    if not isinstance(ours, Decimal) or not isinstance(theirs, Decimal):
        return False
    return abs(ours - theirs) <= tolerance * abs(theirs)


def fields_kept(ours: object, theirs: object, fields: Sequence[str] = ()) -> float:
    """The share of fields of the second value that the first one has alike; a value without fields is one field."""
    if ours is NOTHING or theirs is NOTHING:
        return 0.0
    if not isinstance(theirs, Mapping):
        return float(same(ours, theirs))
    names = [name for name in (fields or theirs) if name in theirs]
    if not names:
        return float(same(ours, theirs))
    if not isinstance(ours, Mapping):
        return 0.0
    return sum(name in ours and same(ours[name], theirs[name]) for name in names) / len(names)
