"""Calls that others report: authorised, metered, priced, written to a live segment, and acknowledged once they are on the disk.

The rows are those that an import of the same records would stage, with the same ids, so a call that comes both ways counts once.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
from litestar.exceptions import HTTPException, NotAuthorizedException, PermissionDeniedException

from breakeven.economics.cost_class import cost_class_of
from breakeven.economics.money import atto
from breakeven.economics.usage import CLASS_BY_NAME, UsagePart
from breakeven.exchange.importers.recordwise import Row, RowFault, staged_row
from breakeven.gateway.application import Snapshot
from breakeven.gateway.attribution import Refusal
from breakeven.gateway.costing import tokens_of
from breakeven.gateway.dimensions import COLUMNS
from breakeven.gateway.facts import AttemptRow, encoded, money
from breakeven.gateway.keys import VirtualKey
from breakeven.gateway.preparation import prepared
from breakeven.governance.access import refusal
from breakeven.governance.privacy import COLUMN, Pseudonyms
from breakeven.ledger.identity import id_of
from breakeven.ledger.layout import Layout
from breakeven.ledger.masking import FILE as ERASURES
from breakeven.ledger.segments import SegmentWriter
from breakeven.ledger.tokens import FILE
from breakeven.providers.reading import Reading
from breakeven.settings import load_settings
from breakeven.web.visitors import Asking

ROTATE_BYTES = 32 * 1024 * 1024
ROTATE_SECONDS = 300.0
LOOK_SECONDS = 1.0
MOST_REMEMBERED = 200_000
_LOG = logging.getLogger(__name__)
_DIMENSIONS = ("feature", "team", "customer", "user_id", "workflow", "environment", "trace_id")


@dataclass(frozen=True, slots=True)
class Sender:
    """Who reports calls: by a virtual key, as a person, or as somebody on this machine."""

    key: VirtualKey | None = None

    def locked(self) -> dict[str, str]:
        """The dimensions that the key decides."""
        return {COLUMNS.get(name, name): value for name, value in self.key.locked} if self.key is not None else {}

    def flaw(self, row: Mapping[str, Any]) -> str | None:
        """Why the key may not report this row."""
        if self.key is None:
            return None
        feature = row.get("feature")
        if not self.key.allows_feature(feature):
            return f"the key {self.key.name} is not for feature {feature or 'unknown'}"
        missing = [name for name in self.key.required if not row.get(COLUMNS.get(name, name))]
        return f"the key {self.key.name} needs {', '.join(missing)}" if missing and self.key.on_missing == "refuse" else None


class Remembered(dict[tuple[str, str], None]):
    """Which spans lie around calls, the latest of them."""

    def __setitem__(self, key: tuple[str, str], value: None) -> None:
        if len(self) >= MOST_REMEMBERED:
            del self[next(iter(self))]
        super().__setitem__(key, value)


@dataclass(slots=True)
class Receiver:
    """Takes rows for one ledger. Used by many threads."""

    ledger: Path
    config: Path | None
    host: str
    enclosing: Remembered = field(default_factory=Remembered)
    _snapshot: Snapshot | None = None
    _stamp: object = None
    _overlays: tuple[Path, ...] = ()
    _writer: SegmentWriter | None = None
    _opened_at: float = 0.0
    _size: int = 0
    _erased: object = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    tracing: threading.Lock = field(default_factory=threading.Lock)
    """Held while `enclosing` is used."""
    _rating: threading.Lock = field(default_factory=threading.Lock)

    def sender(self, request: Asking) -> Sender:
        """Who sends this. Raises where the sender may not: as for outcomes, a role or a virtual key decides."""
        snapshot = self._prepared()
        headers = {name.lower(): value for name, value in request.scope["headers"]}
        peer = request.client.host if request.client is not None else ""
        person = snapshot.visitors.person(peer, headers)
        if person is not None:
            reason = refusal(snapshot.visitors.access, person, "report calls")
            if reason is not None:
                raise PermissionDeniedException(f"{reason}.")
            return Sender()
        key = snapshot.keys.identify(headers, required=snapshot.keys_required)
        if isinstance(key, Refusal):
            raise NotAuthorizedException(key.message)
        if key is None and (b"origin" in headers or headers.get(b"sec-fetch-site", b"none") in (b"cross-site", b"same-site")):
            raise PermissionDeniedException("A web page of another site may not report calls without a virtual key.")
        return Sender(key)

    def staged(self, rows: Iterable[Row], sender: Sender) -> list[Row]:
        """Rows with the attribution that the sender's key decides. Raises RowFault for what the key may not report."""
        locked = sender.locked()
        defaults = {} if sender.key is None else {COLUMNS.get(name, name): value for name, value in sender.key.defaults}
        found = []
        for row in rows:
            staged = staged_row(row, locked, by="key")
            sources = msgspec.json.decode(staged.get("attribution_sources", "{}"), type=dict[str, str])
            for name, value in defaults.items():
                if name not in sources:
                    staged[name], sources[name] = value, "key"
            staged["attribution_sources"] = msgspec.json.encode(sources, order="sorted").decode()
            flaw = sender.flaw(staged)
            if flaw is not None:
                raise RowFault(flaw, "feature", "Use another key, or say what it asks for.")
            found.append(staged)
        return found

    def keep(self, rows: Sequence[Row], source: str, now: datetime) -> None:
        """Price the rows and write them; when this returns they are on the disk. Raises HTTPException 503 where the disk fails."""
        if not rows:
            return
        snapshot = self._prepared()
        recorded = now.isoformat(timespec="microseconds")
        with self._rating:
            disguised = [_disguised(row, snapshot.pseudonyms) for row in rows]
            lines = [encoded(_fact(parts, snapshot, source, recorded)) for parts in _calls(disguised)]
        content = b"".join(lines)
        with self._lock:
            try:
                self._write(content, len(lines))
            except OSError as error:
                _LOG.warning("calls could not be kept: %s", error)
                told = "The calls could not be kept; send them again later."
                raise HTTPException(told, status_code=503, headers={"retry-after": "2"}) from error

    def close(self) -> None:
        """Hand the segment over to be sealed."""
        with self._lock:
            self._hand_over()

    def tick(self) -> None:
        """Hand the segment over when it is old, or when somebody was erased: what is in it must be sealed without the name."""
        erased = _changed(self.ledger / ERASURES)
        with self._lock:
            if erased != self._erased or time.monotonic() - self._opened_at >= ROTATE_SECONDS:
                self._erased = erased
                self._hand_over()

    async def ticking(self) -> None:
        """Look again and again, for as long as the application lives."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await asyncio.to_thread(self.tick)

    def _hand_over(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _write(self, content: bytes, count: int) -> None:
        now = time.monotonic()
        if self._size >= ROTATE_BYTES or now - self._opened_at >= ROTATE_SECONDS:
            self._hand_over()
        if self._writer is None:
            self._writer, self._opened_at, self._size = SegmentWriter(Layout(self.ledger)), now, 0
        self._writer.write(content, count)
        self._writer.sync()
        self._size += len(content)

    def _prepared(self) -> Snapshot:
        """Prices, keys and people as the files say now."""
        stamp = tuple(_changed(path) for path in (self.config, self.ledger / "keys.json", self.ledger / FILE, *self._overlays))
        with self._lock:
            if self._snapshot is None or stamp != self._stamp:
                self._snapshot, self._stamp = prepared(self.ledger, self.config, self.host), stamp
                self._overlays = tuple(load_settings(self.config).overlays)
            return self._snapshot


def _changed(path: Path | None) -> object:
    try:
        return None if path is None else (path.stat().st_mtime_ns, path.stat().st_size)
    except OSError:
        return None


def _disguised(row: Row, pseudonyms: Pseudonyms | None) -> Row:
    """The row as it may be written: nobody under a real name who is to have a pseudonym."""
    if pseudonyms is None:
        return row
    columns = {COLUMN[dimension]: dimension for dimension in pseudonyms.dimensions}
    names: dict[str, str] = {dimension: row[name] for name, dimension in columns.items() if row.get(name)}
    found = {name: pseudonyms.of(dimension, row[name]) for name, dimension in columns.items() if row.get(name)}
    if row.get("tags"):
        tags = msgspec.json.decode(row["tags"], type=dict[str, Any])
        texts = {name: value for name, value in tags.items() if isinstance(value, str)}
        found["tags"] = msgspec.json.encode({**tags, **pseudonyms.in_tags(texts, names)}, order="sorted").decode()
    return {**row, **found}


def _calls(rows: Sequence[Row]) -> list[list[Row]]:
    """The rows of each attempt: parts of one follow each other."""
    found: list[list[Row]] = []
    for row in rows:
        if row.get("part") and found and found[-1][0]["identity"] == row["identity"]:
            found[-1].append(row)
        else:
            found.append([row])
    return found


def _fact(parts: Sequence[Row], snapshot: Snapshot, source: str, recorded: str) -> AttemptRow:
    """One attempt as a live fact, with the cost lines that the import of its rows would have.

    A gateway always knows vendor and model; who reports a call may not, and then they are NULL as after an import.
    """
    row = parts[0]
    at = datetime.fromisoformat(row["occurred_at"])
    provider, model = row.get("provider") or "", row.get("model") or ""
    billed, known = row.get("billed", True), row.get("usage_known", True)
    stated = row.get("stated_cost")
    reading = Reading(
        provider,
        row.get("api") or "",
        model,
        row.get("model_requested") or model,
        tuple(UsagePart(part.get("part_model") or model, _usage(part)) for part in parts) if known else (),
        "not_billed" if not billed else "metered" if known else "usage_missing",
        _context(row.get("pricing_context") or "{}"),
        None if stated is None or not billed else atto(stated),
    )
    costs = snapshot.rater.costs(reading, at.replace(microsecond=0))
    tokens = tokens_of(reading) or (None,) * 5
    said: dict[str, Any] = {name: row.get(name) for name in ("provider", "api", "model_requested", "model")}
    dimensions = {name: row.get(name) for name in _DIMENSIONS}
    return AttemptRow(
        id_of(row["identity"], at),
        row.get("attempt") or 0,
        at.isoformat(timespec="microseconds"),
        recorded,
        said["provider"],
        said["api"],
        said["model_requested"] or said["model"],
        said["model"],
        row.get("pricing_context") or "{}",
        row.get("status") or "ok",
        costs.state,
        source,
        cost_class_of(snapshot.cost_classes, dimensions, at),
        costs.lines,
        row.get("http_status"),
        row.get("latency_ms"),
        row.get("first_token_ms"),
        input_tokens=tokens[0],
        cache_read_tokens=tokens[1],
        cache_write_tokens=tokens[2],
        output_tokens=tokens[3],
        reasoning_tokens=tokens[4],
        **dimensions,
        tags=row.get("tags"),
        attribution_sources=row.get("attribution_sources"),
        rung=row.get("rung"),
        stated_cost=None if reading.stated_cost is None else money(reading.stated_cost),
        source_ref=row.get("source_ref"),
    )


def _usage(row: Row) -> dict[str, int]:
    """The classes that were used. A call that used nothing at all says so by none."""
    return {name: row[name] for name in CLASS_BY_NAME if row.get(name)}


@lru_cache(maxsize=1024)
def _context(text: str) -> Mapping[str, str]:
    return msgspec.json.decode(text, type=dict[str, str])
