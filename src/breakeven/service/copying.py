"""Shipping sealed segments to ClickHouse, in a thread of the bookkeeper: a server that is away holds up neither books nor calls.

Segments wait in the ledger's directory, which is the record, for as long as it takes; nothing is lost and nothing is sent twice.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from breakeven.errors import BreakevenError
from breakeven.ledger.layout import Layout
from breakeven.settings import Settings, load_settings
from breakeven.settings.clickhouse import ClickHouseSettings

LOOK_SECONDS = 2.0
LONGEST_PAUSE = 60.0
LEAVING_SECONDS = 10.0
MOST_AT_ONCE = 20


class Copying:
    """Ships what is sealed to where the configuration says, until told to stop; without `ledger.clickhouse` it rests."""

    def __init__(self, layout: Layout, config: Path | None) -> None:
        self._layout = layout
        self._config = config
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._read: tuple[float, Settings] | None = None

    def start(self) -> None:
        """Begin to ship, where a configuration may ask for it."""
        if self._config is not None:
            self._thread = threading.Thread(target=self._run, name="shipping to ClickHouse", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop after what is being sent just now."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(LEAVING_SECONDS)

    def _run(self) -> None:
        pause = LOOK_SECONDS
        while not self._stop.wait(pause):
            try:
                self._round()
                pause = LOOK_SECONDS
            except Exception as error:  # noqa: BLE001 - shipping must not end with the first fault of a network
                pause = min(LONGEST_PAUSE, pause * 2)
                what = f"{error.what}. {error.remedy}" if isinstance(error, BreakevenError) else f"{type(error).__name__}: {error}"
                print(f"breakeven: shipping to ClickHouse waits {pause:g} s: {what}", file=sys.stderr, flush=True)  # noqa: T201 - the supervisor's log

    def _round(self) -> None:
        """Ship until nothing is left."""
        wanted = self._settings()
        if wanted is None:
            return
        from breakeven.ledger.clickhouse.connection import connected  # noqa: PLC0415 - an extra
        from breakeven.ledger.clickhouse.shipping import Shipper  # noqa: PLC0415 - as above

        shipper = Shipper(connected(wanted.address, create=True), str(wanted.address), wanted.retention_days)
        try:
            while not self._stop.is_set():
                if not shipper.ship(self._layout, MOST_AT_ONCE).segments and self._stop.wait(LOOK_SECONDS):
                    return
                if self._settings() != wanted:
                    return
        finally:
            shipper.close()

    def _settings(self) -> ClickHouseSettings | None:
        """What the file says now."""
        if self._config is None:
            return None
        changed = self._config.stat().st_mtime
        if self._read is None or self._read[0] != changed:
            self._read = changed, load_settings(self._config)
        return self._read[1].clickhouse
