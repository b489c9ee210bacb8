"""Handlers that are ours: a built-in or compiled one as a function from task to answer, wherever it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from breakeven.alignment.task import Declined, Reply, Task
from breakeven.handlers.builtin import BUILTIN
from breakeven.handlers.compiled import CompiledAnswers

Answers = Callable[[Task], Reply | Declined]
ISOLATED = frozenset({"python"})
"""Built-in handlers that run only in a process of their own."""


def answers_of(kind: str, source: str, options: Mapping[str, str]) -> Answers:
    """The answering function of a built-in or compiled handler. Raises DataError or Unreachable where it cannot be had."""
    if kind == "compiled":
        return CompiledAnswers(source, options)
    return BUILTIN[source](options)
