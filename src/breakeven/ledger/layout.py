"""Where a ledger's files lie, and how a file is made durable.

alerts.sqlite    what alerts have told, and what waits for a sink (`service/alertbook.py`)
closes/          signed-off statements of closed months (`ledger/closing.py`)
ledger.json      format version and identity
captures/        bodies that features' charters let be kept (`ledger/captures.py`)
erased.json      whom the ledger has forgotten, as salted hashes (`ledger/masking.py`)
keys.json        virtual keys, as hashes; the gateway's (`gateway/keystore.py`)
lock             who writes (an advisory lock, released by the system when the writer ends)
ledger.duckdb    the queryable view of everything below
segments/        open and closed NDJSON segments of live traffic
sealed/          Parquet by fact and month: the system of record
manifest/        one JSON file per sealed segment; its existence is the commit
prices/          archived price catalogues
rejects/         rows that imports set aside
retired/         ids of calls that have become daily sums (`ledger/forgetting.py`)
rewrite/         sealed files that are being written anew (`ledger/rewriting.py`)
spill/           DuckDB's temporary files and staging
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one ledger."""

    root: Path

    @property
    def identity(self) -> Path:
        """Format version and id."""
        return self.root / "ledger.json"

    @property
    def lock(self) -> Path:
        """The writer's lock."""
        return self.root / "lock"

    @property
    def database(self) -> Path:
        """The DuckDB file."""
        return self.root / "ledger.duckdb"

    @property
    def open_segments(self) -> Path:
        """NDJSON segments that are still written to."""
        return self.root / "segments" / "open"

    @property
    def closed_segments(self) -> Path:
        """NDJSON segments that are complete and wait to be sealed."""
        return self.root / "segments" / "closed"

    @property
    def sealed(self) -> Path:
        """Parquet files by fact and month."""
        return self.root / "sealed"

    @property
    def drafts(self) -> Path:
        """Files of a segment that is being sealed; they get their names after its manifest."""
        return self.sealed / "drafts"

    @property
    def manifests(self) -> Path:
        """Manifests of the sealed segments."""
        return self.root / "manifest"

    @property
    def prices(self) -> Path:
        """Archived price catalogues."""
        return self.root / "prices"

    @property
    def rejects(self) -> Path:
        """Rows that imports set aside."""
        return self.root / "rejects"

    @property
    def spill(self) -> Path:
        """Scratch space; its content may be deleted when nobody writes."""
        return self.root / "spill"

    def manifest(self, segment: int) -> Path:
        """The manifest of one segment."""
        return self.manifests / f"{segment:08d}.json"

    def create(self) -> None:
        """Make every directory."""
        for directory in (
            self.open_segments,
            self.closed_segments,
            self.sealed,
            self.manifests,
            self.prices,
            self.rejects,
            self.spill,
        ):
            directory.mkdir(parents=True, exist_ok=True)


def sync_file(path: Path) -> None:
    """Force a file's content to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_directory(path: Path) -> None:
    """Force a directory's entries to the disk, so that a rename in it survives a power cut."""
    if os.name == "posix":
        sync_file(path)


def write_durably(path: Path, content: bytes) -> None:
    """Write a whole file so that after a crash there is either the old one or the new one, never a part."""
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)
    sync_directory(path.parent)
