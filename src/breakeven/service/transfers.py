"""Shipping or collecting beside the bookkeeper, in a thread of its own: a store that is slow or away holds up no commit."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from breakeven.errors import BreakevenError
from breakeven.service.collecting import Collector
from breakeven.service.objectstore import ObjectStore
from breakeven.service.shipping import Shipper
from breakeven.settings import load_settings

if TYPE_CHECKING:
    from breakeven.ledger.layout import Layout
    from breakeven.settings.shipping import ShippingSettings

_LONGEST_PAUSE = 30.0
_LAST_SECONDS = 20.0


class Rounds(Protocol):
    """What is done again and again."""

    def round(self) -> int:
        """Once; how many segments went or came."""


class Transfers:
    """The thread. It tells a fault once, and tries again, later and later, at most every half a minute."""

    def __init__(self, rounds: Rounds, every: float) -> None:
        self._rounds = rounds
        self._every = every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="transfers", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """One last round, and the end."""
        self._stop.set()
        self._thread.join(_LAST_SECONDS)

    def _run(self) -> None:
        told, pause = "", self._every
        while True:
            stopping = self._stop.wait(pause)
            try:
                self._rounds.round()
                told, pause = "", self._every
            except BreakevenError as error:
                pause = min(_LONGEST_PAUSE, pause * 2)
                if error.what != told:
                    told = error.what
                    print(f"breakeven: {told}. {error.remedy}", file=sys.stderr, flush=True)  # noqa: T201 - the supervisor's log
            if stopping:
                return


def rounds_of(layout: Layout, settings: ShippingSettings) -> Shipper | Collector:
    """What this host does. Raises ConfigError where the library is missing."""
    store = ObjectStore(settings)
    return Shipper(layout, settings, store) if settings.role == "ship" else Collector(layout, settings, store)


def shipping_settings(config: Path | None) -> ShippingSettings | None:
    """What the configuration says when the bookkeeper starts; None where it says nothing, or cannot be read."""
    try:
        return load_settings(config).shipping
    except BreakevenError:
        return None
