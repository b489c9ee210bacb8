"""A model that judges another's answer: what it is asked and how its verdict is read. The gateway makes the call; its cost counts."""

from __future__ import annotations

from dataclasses import dataclass

from breakeven.alignment.task import Reply, Task


@dataclass(frozen=True, slots=True)
class JudgeCheck:
    """A judge: the model that is asked (as `breakeven.yaml` names a rung's model), and by what criterion."""

    model: str
    criterion: str
    seconds: float = 10.0
    kind: str = "judge"

    def prompt(self, task: Task, reply: Reply) -> str:
        """The text of the one user message that asks for the verdict."""
        raise NotImplementedError

    def verdict(self, text: str) -> str | None:
        """Why the answer does not stand, by the judge's words; None where it passes. What cannot be read does not pass."""
        raise NotImplementedError
