"""Facts from elsewhere: importers for the files of other tools and vendors."""

from __future__ import annotations

from importlib.metadata import entry_points

from breakeven.errors import UsageError
from breakeven.exchange.importers.billing import BILLS
from breakeven.exchange.importers.buckets import BUCKETS
from breakeven.exchange.importers.claude_code import CLAUDE_CODE
from breakeven.exchange.importers.gateways import GATEWAYS
from breakeven.exchange.importers.invoice import INVOICE
from breakeven.exchange.importers.langfuse import LANGFUSE
from breakeven.exchange.importers.litellm import LITELLM
from breakeven.exchange.importers.otlp import OTLP
from breakeven.exchange.importers.request import Importer, ImportReport, ImportRequest, Target
from breakeven.exchange.importers.responses import RESPONSES
from breakeven.exchange.importers.stripe import STRIPE
from breakeven.exchange.importers.tabular import TABULAR

IMPORTERS: tuple[Importer, ...] = (
    *TABULAR,
    RESPONSES,
    CLAUDE_CODE,
    LITELLM,
    OTLP,
    LANGFUSE,
    *GATEWAYS,
    *BUCKETS,
    *BILLS,
    INVOICE,
    STRIPE,
)
"""Every importer that ships; others join through the entry points `breakeven.importers`."""


def importer(name: str) -> Importer:
    """The importer of a format, ours or an installed one. Raises UsageError naming those that exist."""
    known = {entry.name: entry for entry in IMPORTERS}
    if name in known:
        return known[name]
    for point in entry_points(group="breakeven.importers", name=name):
        found: Importer = point.load()
        return found
    raise UsageError(f"there is no import format {name!r}", f"Formats: {', '.join(known)}.")


__all__ = ["IMPORTERS", "ImportReport", "ImportRequest", "Importer", "Target", "importer"]
