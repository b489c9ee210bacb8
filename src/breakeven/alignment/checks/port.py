"""What a check is: a reason why an answer does not stand, or none.

Four sorts, by who does the work and what it costs. A `Check` is pure and takes microseconds. A `FunctionCheck` is a function of the
user's, run by the handlers' host. An agreement compares two answers, so a second rung must answer. A judge asks a model, whose cost
counts against the rung that it judges.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from breakeven.alignment.task import Reply, Task

Path = tuple[str | int, ...]
"""Where an option stands in its check, from outside in: `("fields", 0, "pattern")`."""


class Check(Protocol):
    """A pure check."""

    @property
    def kind(self) -> str:
        """Its name in `breakeven.yaml` and in what is said about it."""

    def fault(self, task: Task, reply: Reply) -> str | None:
        """Why the reply does not stand; None where it does."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of pure check: its key under `checks:`, and how its options make one.

    Options are plain values: texts, whole numbers, exact `Decimal`s, truth values, None, lists and mappings of these. `make` raises
    CheckFault where they make no sense.
    """

    name: str
    make: Callable[[object], Check]


class CheckFault(ValueError):
    """Options that make no check: what is wrong, what to do, and where in the options."""

    def __init__(self, what: str, remedy: str, path: Path = ()) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
        self.path = path


@dataclass(frozen=True, slots=True)
class FunctionCheck:
    """A user's function `check(task, reply) -> str | None`, by its name under `handlers:`; the host runs it."""

    function: str
    seconds: float = 1.0
    kind: str = "function"
