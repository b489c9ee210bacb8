"""Kept bodies: what was asked and answered, only of features whose charter says so, redacted before anything is written.

They lie beside the ledger's facts and are none of them: `captures/<feature>/<day>-<writer>.ndjson`, one exchange a line, readable
by the ledger's owner alone. Nothing here is sealed, exported or counted in a figure; everything can be taken out
again, line by line. Who appends locks the file for one write, so that exchanges can be taken out of a file in use.
"""

from __future__ import annotations

import fcntl
import os
import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

import msgspec

from breakeven.errors import Problem, Unreachable
from breakeven.ledger.layout import Layout

FOLDER = "captures"
_DAY = timedelta(days=1)
_READABLE_BY_THE_OWNER = 0o600
_FOLDER_OF_THE_OWNER = 0o700


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer.

    `request` and `response` are JSON as the vendor's API writes it; an answer that came as a stream is put together as if it had
    come whole. `occurred_at` and `keep_until` are naive UTC. `redacted`: something was taken out of the bodies. `api` and
    `provider` say how to read them. `replay`: an audit's answer to the task of this call on another rung, under the call's own id,
    customer and time, so that whatever takes out the call takes out this too; its request is that of the call, and not kept twice.
    """

    call_id: str
    attempt: int
    occurred_at: datetime
    feature: str
    workflow: str | None
    customer: str | None
    model: str
    rung: str | None
    request: bytes
    response: bytes
    redacted: bool
    api: str = ""
    provider: str = ""
    keep_until: datetime | None = None
    replay: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of one feature: how many exchanges and bytes, from when to when, and when the last one has to go."""

    feature: str
    exchanges: int
    redacted: int
    size_bytes: int
    oldest: datetime
    newest: datetime
    keep_until: datetime | None


class _Line(msgspec.Struct, omit_defaults=True):
    call_id: str
    attempt: int
    occurred_at: str
    model: str
    request: msgspec.Raw
    response: msgspec.Raw
    workflow: str | None = None
    customer: str | None = None
    rung: str | None = None
    redacted: bool = False
    api: str = ""
    provider: str = ""
    keep_until: str | None = None
    replay: bool = False


_lines = msgspec.json.Decoder(_Line)


def append(layout: Layout, writer: str, exchanges: Iterable[Exchange]) -> int:
    """Add exchanges to the files of one writer; returns how many. Raises OSError where the disk does not take them.

    `writer` is a name of its own for every process, so that processes do not wait for each other.
    """
    count = 0
    ordered = sorted(exchanges, key=lambda each: (each.feature, each.occurred_at))
    for (feature, day), group in groupby(ordered, key=lambda each: (each.feature, each.occurred_at.date())):
        found = list(group)
        content = b"".join(_encoded(each) for each in found)
        folder = _folder(layout, feature)
        folder.mkdir(parents=True, exist_ok=True, mode=_FOLDER_OF_THE_OWNER)
        with _locked(folder / f"{day.isoformat()}-{writer}.ndjson", create=True) as stream:
            _whole(stream, content)
        count += len(found)
    return count


def read(
    layout: Layout,
    feature: str,
    since: datetime | None = None,
    until: datetime | None = None,
    *,
    problems: list[Problem] | None = None,
    now: datetime | None = None,
    replays: bool | None = False,
) -> Iterator[Exchange]:
    """What is kept of a feature, oldest first, from `since` (included) to `until` (not included); nothing that should be gone.

    `now` (default: the clock) decides what should be gone. A line that cannot be read is told in `problems` and left out.
    `replays`: the answers of audits instead of what was asked and answered live; None: both.
    """
    now = now or datetime.now(UTC).replace(tzinfo=None)
    for _, paths in groupby(_files(layout, feature), key=_day_of):
        found = [each for path in paths for each in _exchanges(path, feature, [] if problems is None else problems)]
        for each in sorted(found, key=lambda one: (one.occurred_at, one.call_id, one.attempt)):
            alive = each.keep_until is None or each.keep_until > now
            if (
                alive
                and replays in (None, each.replay)
                and (since is None or each.occurred_at >= since)
                and (until is None or each.occurred_at < until)
            ):
                yield each


def features(layout: Layout) -> list[str]:
    """The features of which something is kept."""
    found = (urllib.parse.unquote(path.parent.name) for path in (layout.root / FOLDER).glob("*/*.ndjson"))
    return sorted(set(found))


def kept(layout: Layout, now: datetime | None = None) -> list[Kept]:
    """What is kept, by feature."""
    return [
        found
        for feature in features(layout)
        if (found := _kept_of(feature, read(layout, feature, now=now, replays=None))) is not None
    ]


def find(layout: Layout, call_id: str) -> list[Exchange]:
    """The exchanges of one call, whatever its feature is."""
    return [each for feature in features(layout) for each in read(layout, feature, replays=None) if each.call_id == call_id]


def purge(
    layout: Layout, feature: str, *, customer: str | None = None, before: datetime | None = None, call_id: str | None = None
) -> int:
    """Take out what is kept of a feature: all, or what is of one customer, older than an instant, or one call. Returns how many.

    Raises Unreachable where the files cannot be written.
    """

    def goes(each: Exchange) -> bool:
        return (
            (customer is None or each.customer == customer)
            and (before is None or each.occurred_at < before)
            and (call_id is None or each.call_id == call_id)
        )

    try:
        return sum(_take_out(path, feature, goes) for path in _files(layout, feature))
    except OSError as error:
        raise Unreachable(
            f"captures of {feature} cannot be removed: {error.strerror}", "Check permissions and try again."
        ) from error


def purge_calls(layout: Layout, calls: AbstractSet[str]) -> int:
    """Take out what is kept of these calls, whatever their features are; returns how many exchanges that were.

    Raises Unreachable where the files cannot be written.
    """
    try:
        return sum(
            _take_out(path, feature, lambda each: each.call_id in calls)
            for feature in (features(layout) if calls else ())
            for path in _files(layout, feature)
        )
    except OSError as error:
        raise Unreachable(f"captures cannot be removed: {error.strerror}", "Check permissions and try again.") from error


def sweep(layout: Layout, retentions: Mapping[str, int | None], now: datetime) -> int:
    """Take out everything whose time is over; returns how many exchanges.

    An exchange goes when the time noted with it is over, or sooner where its feature keeps less long now (`retentions`, seconds by
    feature; 0: nothing is kept any more). A feature that is not declared any more keeps what it has until its noted time.
    """
    count = 0
    for feature in features(layout):
        seconds = retentions.get(feature)
        latest = None if seconds is None else now - timedelta(seconds=seconds)

        def goes(each: Exchange, latest: datetime | None = latest) -> bool:
            return (each.keep_until is not None and each.keep_until <= now) or (latest is not None and each.occurred_at <= latest)

        for path in _files(layout, feature):
            count += _take_out(path, feature, goes)
    return count


def _kept_of(feature: str, exchanges: Iterable[Exchange]) -> Kept | None:
    found = list(exchanges)
    if not found:
        return None
    ends = [each.keep_until for each in found if each.keep_until is not None]
    return Kept(
        feature,
        len(found),
        sum(each.redacted for each in found),
        sum(len(each.request) + len(each.response) for each in found),
        found[0].occurred_at,
        found[-1].occurred_at,
        max(ends, default=None),
    )


def _folder(layout: Layout, feature: str) -> Path:
    """A feature may be called anything; a folder may not."""
    name = urllib.parse.quote(feature, safe="").replace(".", "%2E")
    return layout.root / FOLDER / name


def _files(layout: Layout, feature: str) -> list[Path]:
    return sorted(_folder(layout, feature).glob("*.ndjson"))


def _day_of(path: Path) -> str:
    return path.name[: len("2026-10-01")]


def _encoded(exchange: Exchange) -> bytes:
    return msgspec.json.encode(
        _Line(
            exchange.call_id,
            exchange.attempt,
            exchange.occurred_at.isoformat(timespec="microseconds"),
            exchange.model,
            msgspec.Raw(_one_line(exchange.request)),
            msgspec.Raw(_one_line(exchange.response)),
            exchange.workflow,
            exchange.customer,
            exchange.rung,
            exchange.redacted,
            exchange.api,
            exchange.provider,
            None if exchange.keep_until is None else exchange.keep_until.isoformat(),
            exchange.replay,
        )
    ) + b"\n"  # fmt: skip


def _one_line(body: bytes) -> bytes:
    return msgspec.json.format(body, indent=-1) if b"\n" in body or b"\r" in body else body


def _decoded(line: bytes, feature: str) -> Exchange:
    """Raises msgspec.MsgspecError or ValueError for what is no exchange."""
    found = _lines.decode(line)
    return Exchange(
        found.call_id,
        found.attempt,
        datetime.fromisoformat(found.occurred_at),
        feature,
        found.workflow,
        found.customer,
        found.model,
        found.rung,
        bytes(found.request),
        bytes(found.response),
        found.redacted,
        found.api,
        found.provider,
        None if found.keep_until is None else datetime.fromisoformat(found.keep_until),
        found.replay,
    )


def _exchanges(path: Path, feature: str, problems: list[Problem]) -> Iterator[Exchange]:
    with suppress(FileNotFoundError), path.open("rb") as stream:  # its time may end between the listing and this
        for number, line in enumerate(stream, 1):
            try:
                yield _decoded(line, feature)
            except (msgspec.MsgspecError, ValueError) as error:
                problems.append(Problem(f"{path}:{number}", f"no kept exchange: {error}", "It is left out; purge removes it."))


def _take_out(path: Path, feature: str, goes: Callable[[Exchange], bool]) -> int:
    """Rewrite a file without some exchanges, or remove it where none is left. What cannot be read goes too once anything does."""
    with suppress(FileNotFoundError), _locked(path) as stream:
        whole = stream.read().splitlines(keepends=True)
        found = [(line, _or_none(line, feature)) for line in whole]
        staying = [line for line, each in found if each is not None and not goes(each)]
        gone = sum(each is not None and goes(each) for _, each in found)
        if gone and staying:
            draft = path.with_suffix(".draft")
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _READABLE_BY_THE_OWNER), "wb") as target:
                target.write(b"".join(staying))
                target.flush()
                os.fsync(target.fileno())
            draft.replace(path)
        elif not staying:
            path.unlink()
        return gone
    return 0


def _or_none(line: bytes, feature: str) -> Exchange | None:
    try:
        return _decoded(line, feature)
    except (msgspec.MsgspecError, ValueError):
        return None


@contextmanager
def _locked(path: Path, *, create: bool = False) -> Iterator[BinaryIO]:
    """The file, locked; opened anew where another process has put a new one in its place meanwhile."""
    flags = os.O_RDWR | os.O_APPEND | (os.O_CREAT if create else 0)
    while True:
        with os.fdopen(os.open(path, flags, _READABLE_BY_THE_OWNER), "r+b") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            with suppress(FileNotFoundError):
                if path.stat().st_ino == os.fstat(stream.fileno()).st_ino:
                    yield stream
                    return
            if not create and not path.exists():
                raise FileNotFoundError(path)


def _whole(stream: BinaryIO, content: bytes) -> None:
    """Append all of it or nothing: a full disk leaves no half line behind."""
    end = os.fstat(stream.fileno()).st_size
    try:
        stream.write(content)
        stream.flush()
    except OSError:
        os.ftruncate(stream.fileno(), end)
        raise
