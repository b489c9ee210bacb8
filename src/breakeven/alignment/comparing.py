"""Whether a handler's answer says the same as the model's to the same task: what a check of live traffic counts."""

from __future__ import annotations

from dataclasses import dataclass

from breakeven.alignment.checks.agreement import AgreementCheck, same
from breakeven.alignment.checks.stated import NOTHING, number_of, value_of
from breakeven.alignment.compiled.wording import folded
from breakeven.alignment.task import Reply


def agree(ours: Reply, theirs: Reply) -> bool:
    """JSON values agree field by field, bare numbers by worth, other texts whatever their case, spacing and punctuation."""
    left, right = value_of(Reply(ours.text)), value_of(Reply(theirs.text))
    if left is not NOTHING and right is not NOTHING:
        return same(left, right)
    first, second = number_of(ours.text), number_of(theirs.text)
    if first is not None or second is not None:
        return first == second
    return ours.text.strip() == theirs.text.strip() or (folded(ours.text) == folded(theirs.text) != "")


@dataclass(frozen=True, slots=True)
class SaysTheSame(AgreementCheck):
    """A second rung has to say the same, compared as checks of live traffic and replays are."""

    def differ(self, first: Reply, second: Reply) -> str | None:
        """Why the two do not agree; None where they do."""
        return None if agree(first, second) else f"the answer and that of {self.rung} are not the same"
