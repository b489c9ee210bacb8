"""The handlers of one worker: what each may do with a call, by its terms and its record, and what its checks have shown."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from breakeven.alignment.comparing import agree
from breakeven.alignment.standing import Part, Standing, part
from breakeven.alignment.task import Reply
from breakeven.errors import Unreachable

if TYPE_CHECKING:
    from breakeven.gateway.metrics import Metrics
    from breakeven.handlers.host import Host
    from breakeven.handlers.standings import Standings
    from breakeven.settings.handlers import HandlerSettings


class Handling:
    """Host, records and terms of the handlers of one configuration. `prints` are their fingerprints, by which records are kept."""

    def __init__(
        self,
        host: Host,
        standings: Standings,
        handlers: Mapping[str, HandlerSettings],
        prints: Mapping[str, str],
        metrics: Metrics,
    ) -> None:
        self.host = host
        self._standings = standings
        self._handlers = handlers
        self._prints = prints
        self._metrics = metrics
        self._told: set[str] = set()

    def part(self, name: str, call_id: str) -> tuple[Part, str]:
        """What the handler does with this call, and in words why it does not answer."""
        handler = self._handlers.get(name)
        if handler is None:
            return "none", "there is no such handler"
        standing = self._standing(name)
        if standing is None:
            return "none", "its record cannot be read"
        found = part(handler.terms, standing, draw(f"{call_id}:{name}"), draw(f"{call_id}:{name}:check"))
        if found in ("answer", "answer and check"):
            return found, ""
        if standing.withdrawn is not None:
            self._tell(name, standing)
            return found, "it is withdrawn"
        return found, "it is off" if handler.terms.mode == "off" else f"the call is not in its {handler.terms.mode}'s share"

    def seconds(self, name: str) -> float:
        """How long a caller waits for it."""
        handler = self._handlers.get(name)
        return 0.0 if handler is None else handler.timeout

    def compare(self, name: str, ours: Reply, theirs: Reply) -> None:
        """Enter into the handler's record whether its answer says what the model's does."""
        handler = self._handlers.get(name)
        if handler is None:
            return
        agreed = agree(ours, theirs)
        self._metrics.add("handler_checks", 1, (("handler", name), ("agreed", "yes" if agreed else "no")))
        try:
            self._tell(name, self._standings.checked(name, self._prints[name], handler.terms, [agreed]))
        except Unreachable:
            self._metrics.add("record_errors")

    def _standing(self, name: str) -> Standing | None:
        try:
            return self._standings.standing(name, self._prints[name])
        except Unreachable:
            self._metrics.add("record_errors")
            return None

    def _tell(self, name: str, standing: Standing) -> None:
        """Say once that a handler is withdrawn."""
        if standing.withdrawn is not None and name not in self._told:
            self._told.add(name)
            self._metrics.set("handler_withdrawn", 1, (("handler", name),))
            print(f"breakeven: the handler {name} answers no more: {standing.withdrawn}", file=sys.stderr, flush=True)  # noqa: T201 - the supervisor's log

    def close(self) -> None:
        """End every process, and let the records' file go."""
        self.host.close()
        self._standings.close()


def draw(text: str) -> float:
    """A number from 0 to 1 that follows from a text alone."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest()) / 2**48
