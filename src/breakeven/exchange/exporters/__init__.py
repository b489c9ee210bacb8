"""Facts for elsewhere: exporters of the ledger to the files of other tools."""

from __future__ import annotations

from importlib.metadata import entry_points

from breakeven.errors import UsageError
from breakeven.exchange.exporters.focus import FOCUS
from breakeven.exchange.exporters.port import Exporter, ExportRequest, ExportResult
from breakeven.exchange.exporters.tables import CSV, PARQUET

EXPORTERS: tuple[Exporter, ...] = (FOCUS, CSV, PARQUET)
"""Every exporter that ships; others join through the entry points `breakeven.exporters`."""


def exporter(name: str) -> Exporter:
    """The exporter of a format, ours or an installed one. Raises UsageError naming those that exist."""
    known = {entry.name: entry for entry in EXPORTERS}
    if name in known:
        return known[name]
    for point in entry_points(group="breakeven.exporters", name=name):
        found: Exporter = point.load()
        return found
    raise UsageError(f"there is no export format {name!r}", f"Formats: {', '.join(known)}.")


__all__ = ["EXPORTERS", "ExportRequest", "ExportResult", "Exporter", "exporter"]
