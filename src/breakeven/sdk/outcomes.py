"""Outcome events: what AI achieved, reported to Breakeven beside the application, batched and durable.

`outcome()` appends the event to a file of this process and returns; a thread sends what the files hold. So an event survives the
death of the process, the application never waits for the network, and what a dead process left is sent by the next one.
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from breakeven.sdk.attribution import attribution

if TYPE_CHECKING:
    from breakeven.sdk.spool import Sender

_lock = threading.Lock()
_sender: Sender | None = None
_settings: dict[str, Any] = {}
_MICROSECOND = 1_000_000


def configure(
    *,
    url: str | None = None,
    key: str | None = None,
    spool: str | None = None,
    most_bytes: int | None = None,
    interval: float | None = None,
) -> None:
    """Where outcomes go; without it the environment decides.

    url         address of Breakeven (BREAKEVEN_URL, else http://127.0.0.1:4000)
    key         a virtual key, where the gateway needs one (BREAKEVEN_KEY)
    spool       directory for events that are not sent yet (BREAKEVEN_SPOOL, else in the user's state directory)
    most_bytes  how much may wait there; what exceeds it is dropped and counted (16 MB)
    interval    seconds between two batches (0.5)
    """
    given = {"url": url, "key": key, "spool": spool, "most_bytes": most_bytes, "interval": interval}
    with _lock:
        _settings.update({name: value for name, value in given.items() if value is not None})
        _stop()


def outcome(
    unit: str,
    *,
    succeeded: bool | None = None,
    quantity: int = 1,
    value: object = None,
    at: float | None = None,
    key: str | None = None,
    tags: Mapping[str, object] | None = None,
    **dimensions: str | None,
) -> str:
    """Report units delivered, such as a document, a ticket, a lead, for whom `tag` says; returns the event's id.

    `value` is an amount in US dollars as text, Decimal or int, where the event knows it. `key` makes the event idempotent: the same
    key is the same event, however often it is reported. `at` is a Unix time; the default is now. Never raises, never waits.
    """
    now = time.time() if at is None else at
    identity = key or str(uuid.uuid4())
    who = {**attribution(), **{name: value for name, value in dimensions.items() if value is not None}}
    event = {
        "id": identity,
        "at": _instant(now),
        "unit": unit,
        "quantity": quantity,
        "succeeded": succeeded,
        "value": None if value is None else str(value),
        **{name: each for name, each in who.items() if name != "tags"},
        "tags": {**who.get("tags", {}), **{str(name): str(each) for name, each in (tags or {}).items()}},
    }
    _running().add({name: each for name, each in event.items() if each not in (None, {})})
    return identity


def flush(timeout: float = 5.0) -> bool:
    """Wait until everything was sent, at most so many seconds; whether it was."""
    return _running().flush(timeout)


def stats() -> dict[str, int]:
    """What became of events: `queued` (kept, not sent yet), `sent`, `rejected` (refused by the server, kept beside), `dropped`."""
    return _running().stats()


def _running() -> Sender:
    global _sender  # noqa: PLW0603 - one sender for each process
    with _lock:
        if _sender is None or _sender.pid != os.getpid():  # a fork has no threads
            from breakeven.sdk.spool import Sender  # noqa: PLC0415 - loaded when the first event comes

            _sender = Sender(**_settings)
        return _sender


def _stop() -> None:
    global _sender  # noqa: PLW0603 - as above
    if _sender is not None:
        _sender.stop()
        _sender = None


def _instant(now: float) -> str:
    seconds, micros = divmod(round(now * _MICROSECOND), _MICROSECOND)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{micros:06d}Z"
