"""Retention of calls, as one step: lock, rewrite, and the database made anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from breakeven.ledger.forgetting import alone, retain
from breakeven.ledger.store import locate, open_ledger

if TYPE_CHECKING:
    from breakeven.governance.privacy import Ends
    from breakeven.ledger.rewriting import Rewritten


def retain_calls(path: Path, ends: Ends) -> Rewritten | None:
    """Forget what is older than `ends` in the sealed record; None where there was nothing. Raises as `open_ledger` does."""
    layout = locate(path)
    with alone(layout):
        done = retain(layout, ends)
    if done is not None:
        open_ledger(path, write=True).close()
    return done
