"""The host's copy of shared virtual keys, brought up to date every second, and the gateway told of it."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from breakeven.errors import BreakevenError
from breakeven.gateway.keysharing import SharedKeys
from breakeven.gateway.rundir import RunDirectory
from breakeven.settings import load_settings

if TYPE_CHECKING:
    from breakeven.ledger.layout import Layout

LOOK_SECONDS = 1.0
REST_SECONDS = 10.0
"""After a fault: a Redis that is away must not hold up the bookkeeper again and again."""


class KeyCopies:
    """Copies keys from Redis, where the configuration says that hosts share them. It is read once, when the bookkeeper starts."""

    def __init__(self, layout: Layout, config: Path | None) -> None:
        self._layout = layout
        self._next = 0.0
        self._shared: SharedKeys | None = None
        with suppress(BreakevenError):  # a faulty configuration is told by the workers
            where = load_settings(config).gateway.shared_keys
            self._shared = SharedKeys(where, os.environ) if where.shared else None

    def look(self, now: float) -> None:
        """Copy where it is time; a gateway that runs takes changed keys up at once."""
        if self._shared is None or now < self._next:
            return
        self._next = now + LOOK_SECONDS
        try:
            changed = self._shared.pull(self._layout.root)
        except BreakevenError:  # the last copy holds
            self._next = now + REST_SECONDS
            return
        serving = RunDirectory(self._layout.root).serving() if changed else None
        if serving is not None:
            with suppress(ProcessLookupError):
                os.kill(serving.pid, signal.SIGHUP)
