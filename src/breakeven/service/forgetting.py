"""The end of kept bodies: whatever its feature's charter keeps no longer is taken out, several times an hour."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from breakeven.errors import BreakevenError
from breakeven.ledger.captures import FOLDER, sweep
from breakeven.settings import load_settings

if TYPE_CHECKING:
    from breakeven.ledger.layout import Layout

SWEEP_SECONDS = 600.0


class Forgetting:
    """Takes out kept bodies whose time is over, beside the bookkeeper's other work."""

    def __init__(self, layout: Layout, config: Path | None) -> None:
        self._layout = layout
        self._config = config
        self._next = 0.0

    def look(self, now: float) -> int:
        """Sweep where it is time; returns how many exchanges went. `now` is monotonic, in seconds.

        While the configuration cannot be read the times noted with the exchanges hold.
        """
        if now < self._next or not (self._layout.root / FOLDER).is_dir():
            return 0
        self._next = now + SWEEP_SECONDS
        return sweep(self._layout, self._retentions(), datetime.now(UTC).replace(tzinfo=None))

    def _retentions(self) -> dict[str, int | None]:
        """How long each feature's bodies may stay; None: as noted with each."""
        try:
            return {name: feature.retention for name, feature in load_settings(self._config).features.items()}
        except BreakevenError:
            return {}
