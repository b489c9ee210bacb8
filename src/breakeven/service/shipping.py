"""Shipping: a gateway's host hands its closed segments over to the object store, each once, and keeps what it could not hand over.

    segments/<name>.ndjson   a closed segment, as its gateway wrote it
    claims/<name>            which ledger takes it (`collecting.py`)

A segment's name is its own for ever (time and random), so the same segment that is shipped again after a crash is recognised, by
the object if it is still there, by the claim or the collecting ledger if not.
"""

from __future__ import annotations

from pathlib import Path

from breakeven.errors import LedgerDamaged
from breakeven.ledger.layout import Layout, sync_directory
from breakeven.ledger.segments import close_abandoned
from breakeven.service.objectstore import ObjectStore, sha256_of
from breakeven.settings.shipping import ShippingSettings


class Shipper:
    """Ships the closed segments of one host's directory."""

    def __init__(self, layout: Layout, settings: ShippingSettings, store: ObjectStore) -> None:
        self._layout = layout
        self._prefix = settings.prefix
        self._store = store

    def round(self) -> int:
        """Ship everything that is closed; returns how many segments went. Raises Unreachable: what has not gone stays here."""
        close_abandoned(self._layout)
        return sum(self._ship(path) for path in sorted(self._layout.closed_segments.glob("*.ndjson")))

    def _ship(self, path: Path) -> bool:
        body = path.read_bytes()
        key = segment_key(self._prefix, path.stem)
        if body and self._store.put_new(key, body) is None:
            there = self._store.get(key)
            if there is not None and there.sha256 != sha256_of(body):
                raise LedgerDamaged(
                    f"{key} in the object store is not the segment {path}",
                    "Two hosts must not share a directory, nor a restored backup be shipped again; move one of the two away.",
                )
            if there is None:  # collected between the two questions: the next round ships it again, and it counts once
                return False
        path.unlink()
        sync_directory(path.parent)
        return bool(body)


def segment_key(prefix: str, stem: str) -> str:
    """Where a segment lies."""
    return f"{prefix}/segments/{stem}.ndjson"


def claim_key(prefix: str, stem: str) -> str:
    """Where it is noted who takes a segment."""
    return f"{prefix}/claims/{stem}"
