"""The handlers of one worker: what each may do with a call, by its terms and its record, and what its checks have shown."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from breakeven.alignment.standing import Part
from breakeven.alignment.task import Reply
from breakeven.errors import Unreachable
from breakeven.handlers.duty import Duty

if TYPE_CHECKING:
    from breakeven.gateway.metrics import Metrics
    from breakeven.handlers.host import Host
    from breakeven.handlers.standings import Standings
    from breakeven.settings.handlers import HandlerSettings

_ANSWERS: tuple[Part, ...] = ("answer", "answer and check")


class Handling:
    """Host, records and terms of the handlers of one configuration."""

    def __init__(self, host: Host, standings: Standings, handlers: Mapping[str, HandlerSettings], metrics: Metrics) -> None:
        self.host = host
        self._standings = standings
        self._handlers = handlers
        self._metrics = metrics
        self._draws: Iterator[float] = iter(())
        self._duty = Duty(handlers, standings, lambda: next(self._draws))

    def part(self, name: str, call_id: str) -> tuple[Part, str]:
        """What the handler does with this call, which follows from the call's id, and in words why it does not answer."""
        handler = self._handlers.get(name)
        if handler is None or handler.terms.mode == "off":
            return "none", "it is off"
        self._draws = iter((draw(f"{call_id}:{name}"), draw(f"{call_id}:{name}:check")))
        try:
            found = self._duty.part(name)
        except Unreachable:
            self._metrics.add("record_errors")
            return "none", "its record cannot be read"
        if found in _ANSWERS:
            return found, ""
        said = {
            "shadow": "it is in the shadow",
            "trial": "it is on trial, and not for this call, or withdrawn",
            "live": "it is withdrawn",
        }
        return found, said[handler.terms.mode]

    def seconds(self, name: str) -> float:
        """How long a caller waits for it."""
        handler = self._handlers.get(name)
        return 0.0 if handler is None else handler.timeout

    def compare(self, name: str, ours: Reply, theirs: Reply) -> None:
        """Enter into the handler's record whether its answer says what the model's does; say so, where that withdraws it."""
        try:
            withdrawn = self._duty.compared(name, ours, theirs)
        except Unreachable:
            self._metrics.add("record_errors")
            return
        self._metrics.add("handler_checks", 1, (("handler", name),))
        if withdrawn is not None:
            self._metrics.add("handler_withdrawals", 1, (("handler", name),))
            print(f"breakeven: {withdrawn}", file=sys.stderr, flush=True)  # noqa: T201 - the supervisor's log

    def close(self) -> None:
        """End every process, and let the records' file go."""
        self.host.close()
        self._standings.close()


def draw(text: str) -> float:
    """A number from 0 to 1 that follows from a text alone."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest()) / 2**48
