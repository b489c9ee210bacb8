"""Collecting: a ledger takes segments that other hosts have shipped. Several ledgers may collect; each segment goes to exactly one.

A claim is a lease first: who has it may fetch the segment. Before the segment is put where it will be committed the lease becomes
ownership, for good, by a write that names the version of the claim; a collector that was slow or cut off finds another version
there and lets go. So a segment is never in two ledgers. It is removed from the store only when it is sealed, and if a process dies
anywhere in between, the same is done again, which adds nothing: a segment that is sealed is known by its name.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import PurePosixPath

import msgspec

from breakeven.errors import LedgerDamaged, Unreachable
from breakeven.ledger.layout import Layout, sync_directory
from breakeven.service.objectstore import ObjectStore, Stored, sha256_of
from breakeven.service.openings import ledger_name
from breakeven.service.shipping import claim_key, segment_key
from breakeven.settings.shipping import ShippingSettings


class _Claim(msgspec.Struct, frozen=True):
    """Which ledger has a segment; `until` in seconds since 1970, None: for good."""

    owner: str
    until: float | None


class Collector:
    """Takes segments from the store into one ledger's closed ones. `round` fetches, `finish` removes what has been sealed."""

    def __init__(
        self, layout: Layout, settings: ShippingSettings, store: ObjectStore, wall: Callable[[], float] = time.time
    ) -> None:
        self._layout = layout
        self._settings = settings
        self._store = store
        self._wall = wall
        self._me = ledger_name(layout)
        self._taken: set[str] = set()

    def round(self) -> int:
        """Fetch what nobody else has; returns how many segments came. Raises Unreachable where store or disk fail."""
        self.finish()
        names = self._store.names(f"{self._settings.prefix}/segments/")
        return sum(self._take(PurePosixPath(name).stem) for name in names)

    def finish(self) -> None:
        """Remove from the store what has been sealed here; the claims stay, and say for ever where each segment is."""
        for stem in sorted(self._taken):
            if not (self._layout.closed_segments / f"{stem}.ndjson").exists():
                self._store.remove(segment_key(self._settings.prefix, stem))
                self._taken.discard(stem)

    def _take(self, stem: str) -> bool:
        if stem in self._taken:
            return False
        claim = self._claimed(stem)
        if claim is None:
            return False
        found = self._store.get(segment_key(self._settings.prefix, stem))
        if found is None:
            return False
        self._write(stem, found, claim)
        return stem in self._taken

    def _claimed(self, stem: str) -> tuple[_Claim, str] | None:
        """My claim of a segment and its version; None where it is another's."""
        key = claim_key(self._settings.prefix, stem)
        mine = _Claim(self._me, self._wall() + self._settings.lease)
        version = self._store.put_new(key, msgspec.json.encode(mine))
        if version is not None:
            return mine, version
        found = self._store.get(key)
        if found is None:
            return None
        claim = msgspec.json.decode(found.body, type=_Claim)
        if claim.owner == self._me:
            return claim, found.version
        if claim.until is None or claim.until > self._wall():
            return None
        version = self._store.put_over(key, msgspec.json.encode(mine), found.version)
        return None if version is None else (mine, version)

    def _write(self, stem: str, found: Stored, held: tuple[_Claim, str]) -> None:
        """The segment on the disk, then mine for good, then where the bookkeeper finds it."""
        if sha256_of(found.body) != found.sha256:
            raise LedgerDamaged(
                f"the segment {stem} in the object store is damaged",
                "Its host still has it if it could not be shipped; look there.",
            )
        draft = self._layout.closed_segments / f".{stem}.draft"
        try:
            with draft.open("wb") as stream:
                stream.write(found.body)
                stream.flush()
                os.fsync(stream.fileno())
            claim, version = held
            if claim.until is not None:
                owned = msgspec.json.encode(_Claim(self._me, None))
                if self._store.put_over(claim_key(self._settings.prefix, stem), owned, version) is None:
                    return  # somebody has taken it over: too slow
            draft.replace(self._layout.closed_segments / f"{stem}.ndjson")
            sync_directory(self._layout.closed_segments)
            self._taken.add(stem)
        except OSError as error:
            raise Unreachable(
                f"the segment {stem} cannot be written: {error.strerror}", "Make room; it stays in the object store."
            ) from error
        finally:
            draft.unlink(missing_ok=True)
