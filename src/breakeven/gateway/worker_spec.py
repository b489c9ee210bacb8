"""What the supervisor tells a worker: a module of its own, so that the supervisor need not load a gateway."""

from __future__ import annotations

import msgspec


class WorkerSpec(msgspec.Struct, frozen=True):
    """One worker: its number, the socket it inherits and its address, and where ledger and configuration lie."""

    number: int
    listen_fd: int
    ledger: str
    config: str | None
    host: str
    grace_seconds: float = 30.0
