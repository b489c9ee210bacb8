"""Agreement of two answers on the value they state: two cheap rungs that agree are trusted, else the stronger one is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from breakeven.alignment.task import Reply

Value = Literal["text", "number", "choice", "json"]


@dataclass(frozen=True, slots=True)
class AgreementCheck:
    """Two answers agree where the values extracted from them are equal.

    `rung` names the rung whose answer is compared. `value` says what is extracted: the number stated last, one of `choices`, the
    JSON value (only `fields` of it, where some are named), or the whole text with case, spacing and punctuation normalised.
    """

    rung: str
    value: Value = "text"
    choices: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    kind: str = "agreement"

    def differ(self, first: Reply, second: Reply) -> str | None:
        """Why the two do not agree; None where they do. An answer that states no such value agrees with none."""
        raise NotImplementedError
