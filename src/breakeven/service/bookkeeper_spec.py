"""What the supervisor tells the bookkeeper: a module of its own, so that the supervisor need not load a database."""

from __future__ import annotations

import msgspec


class BookkeeperSpec(msgspec.Struct, frozen=True):
    """Where ledger and configuration lie, the socket of the web API (None: no web API) and its address."""

    ledger: str
    config: str | None = None
    web_fd: int | None = None
    host: str = "127.0.0.1"
