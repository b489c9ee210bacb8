"""Which part each handler has in a task now, and what a comparison does: modes, shares, records and withdrawal in one place."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from breakeven.alignment.comparing import agree
from breakeven.alignment.standing import Part, Standing, part, sentence
from breakeven.alignment.task import Reply
from breakeven.handlers.standings import Standings, fingerprint
from breakeven.settings.handlers import HandlerSettings

_LOOK_SECONDS = 1.0


class Duty:
    """What a worker asks before it asks a handler, and tells after it compared one. `draw` gives uniform numbers on [0, 1)."""

    def __init__(self, handlers: Mapping[str, HandlerSettings], standings: Standings, draw: Callable[[], float]) -> None:
        self._handlers, self._standings, self._draw = handlers, standings, draw
        self._printed: dict[str, tuple[float, str]] = {}

    def part(self, name: str) -> Part:
        """What the handler does with one task; `none` where there is no such handler. Raises Unreachable."""
        handler = self._handlers.get(name)
        if handler is None or handler.terms.mode == "off":
            return "none"
        return part(handler.terms, self._standing(handler), self._draw(), self._draw())

    def compared(self, name: str, ours: Reply, theirs: Reply) -> str | None:
        """Note whether the handler's answer says what the model's does; the sentence, where that withdraws it.

        Raises Unreachable.
        """
        handler = self._handlers[name]
        before = self._standing(handler)
        after = self._standings.checked(name, self._fingerprint(handler), handler.terms, (agree(ours, theirs),))
        return sentence(name, handler.terms, after) if after.withdrawn is not None and before.withdrawn is None else None

    def _standing(self, handler: HandlerSettings) -> Standing:
        return self._standings.standing(handler.name, self._fingerprint(handler))

    def _fingerprint(self, handler: HandlerSettings) -> str:
        """What it does now; a changed file is noticed within a second."""
        known, now = self._printed.get(handler.name), time.monotonic()
        if known is None or now - known[0] >= _LOOK_SECONDS:
            known = self._printed[handler.name] = (now, fingerprint(handler))
        return known[1]
