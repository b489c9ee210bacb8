"""The append-only record of AI usage and value: facts, their seals, and the queries over them.

Names are imported when they are asked for: the gateway's workers write segments and never load a database engine.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from breakeven.ledger.intake import Intake
    from breakeven.ledger.port import ImportResult, QuoteRequest, QuoteRow, Quotes, QuoteSheet
    from breakeven.ledger.store import Ledger, open_ledger

_MODULES = {
    "ImportResult": "port",
    "Intake": "intake",
    "Ledger": "store",
    "QuoteRequest": "port",
    "QuoteRow": "port",
    "QuoteSheet": "port",
    "Quotes": "port",
    "open_ledger": "store",
}

__all__ = [
    "ImportResult",
    "Intake",
    "Ledger",
    "QuoteRequest",
    "QuoteRow",
    "QuoteSheet",
    "Quotes",
    "open_ledger",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the module defines
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{module}"), name)
