"""The evidence that a route is trained on: the same task answered on two rungs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pair:
    """One replay: a task's text and tag, and what the weak and the strong rung scored on it, from 0 to 1."""

    text: str
    tag: str | None
    weak: float
    strong: float
