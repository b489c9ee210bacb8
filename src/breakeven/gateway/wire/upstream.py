"""Connections to vendors: a pool for each address, and the client side of one exchange.

A response is parsed by llhttp and handed over decoded; whoever receives it frames it anew, so that a vendor's wrong length or
broken chunk ends in a cut answer and never in a confused connection.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import httptools

_MAX_HEAD = 64 * 1024
_NO_BODY = frozenset({204, 304})
_INTERIM = 200


@dataclass(frozen=True, slots=True)
class Address:
    """Where a vendor is reached. `proxy` is the HTTP proxy in between, if there is one."""

    host: str
    port: int
    tls: bool
    proxy: tuple[str, int] | None = None
    proxy_user: str = field(default="", repr=False)


class Failure(Exception):
    """Why an attempt got no complete answer. `sent`: the vendor may have received the request, so it may bill it."""

    def __init__(self, reason: str, what: str, *, sent: bool) -> None:
        super().__init__(what)
        self.reason = reason
        self.what = what
        self.sent = sent


class Receiver(Protocol):
    """Who gets the answer of one exchange."""

    def received_head(self, status: int, headers: list[tuple[bytes, bytes]], *, last: bool) -> None:
        """Status and headers. `last`: no body follows."""

    def received_body(self, content: bytes) -> None:
        """A piece of the body, without its framing."""

    def received_all(self) -> None:
        """The answer is complete."""

    def failed(self, failure: Failure) -> None:
        """The answer cannot be completed."""


class UpstreamConnection(asyncio.Protocol):
    """One connection to a vendor, used for one exchange at a time."""

    __slots__ = (
        "_body", "_bodyless", "_complete", "_head_done", "_head_size", "_headers", "_loop", "_parser", "_pool", "_receiver",
        "_reusable", "_until_close", "idle_since", "transport",
    )  # fmt: skip

    def __init__(self, pool: Pool, loop: asyncio.AbstractEventLoop) -> None:
        self._pool = pool
        self._loop = loop
        self._receiver: Receiver | None = None
        self._bodyless = False
        self.transport: asyncio.Transport
        self.idle_since = 0.0
        self._reusable = True
        self._parser = httptools.HttpResponseParser(self)
        self._reset()

    def _reset(self) -> None:
        self._headers: list[tuple[bytes, bytes]] = []
        self._head_size = 0
        self._body: list[bytes] = []
        self._head_done = False
        self._complete = False
        self._until_close = False

    def send(self, request: bytes, receiver: Receiver, *, bodyless: bool) -> None:
        """Send a whole request; its answer goes to `receiver`. `bodyless`: whatever its headers say, no body follows (HEAD)."""
        self._receiver = receiver
        self._bodyless = bodyless
        self.transport.write(request)

    def give_up(self) -> None:
        """Stop the exchange: nothing more is delivered, and the connection is closed."""
        self._receiver = None
        self.transport.abort()

    @property
    def closing(self) -> bool:
        """Whether it can no longer be used."""
        return self.transport.is_closing()

    # --- what asyncio calls -------------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self.transport = transport  # type: ignore[assignment] # a stream transport

    def data_received(self, data: bytes) -> None:
        """The next bytes of the vendor."""
        receiver = self._receiver
        if receiver is None:
            self.transport.abort()  # nobody asked: whatever this is must not become the answer to the next request
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail(Failure("protocol", "the vendor switched protocols without being asked", sent=True))
            return
        except httptools.HttpParserError:
            self._deliver(receiver)
            self._fail(Failure("protocol", "the vendor's answer is not valid HTTP/1.1", sent=True))
            return
        self._deliver(receiver)

    def eof_received(self) -> bool:
        """The vendor will send no more."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        del exc
        self._pool.lost(self)
        if self._receiver is None:
            return
        if self._until_close and self._head_done:
            self._finish()
            return
        self._fail(Failure("reset", "the vendor closed the connection", sent=True))

    # --- what the parser calls ----------------------------------------------------------------------------------------------------

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._head_size += len(name) + len(value)
        if self._head_size > _MAX_HEAD:
            raise httptools.HttpParserError("too many headers")
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """All headers are there."""
        status = self._parser.get_status_code()
        if status < _INTERIM:
            return
        names = {name.lower() for name, _ in self._headers}
        framed = b"content-length" in names or b"transfer-encoding" in names
        self._until_close = not framed and status not in _NO_BODY and not self._bodyless
        self._head_done = True
        receiver = self._receiver
        if receiver is not None:
            receiver.received_head(status, self._headers, last=self._bodyless or status in _NO_BODY)
        if self._bodyless:
            self._complete = True
            self._reusable = False

    def on_body(self, body: bytes) -> None:
        """A piece of the body; a vendor that sends one where there is none is not listened to."""
        if not self._bodyless:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """The answer is complete, or was an interim one."""
        if not self._head_done:
            self._headers = []
            self._head_size = 0
            return
        if self._complete and not self._bodyless:
            raise httptools.HttpParserError("a second answer")
        self._complete = True
        self._reusable = self._reusable and self._parser.should_keep_alive()

    def _deliver(self, receiver: Receiver) -> None:
        if self._body and self._receiver is receiver:
            body = self._body
            self._body = []
            receiver.received_body(body[0] if len(body) == 1 else b"".join(body))
        if self._complete and self._receiver is receiver:
            self._finish()

    def _finish(self) -> None:
        receiver, self._receiver = self._receiver, None
        self._reset()
        if self._until_close or not self._reusable:
            self.transport.close()
        else:
            self._pool.give_back(self)
        if receiver is not None:
            receiver.received_all()

    def _fail(self, failure: Failure) -> None:
        receiver, self._receiver = self._receiver, None
        self.transport.abort()
        if receiver is not None:
            receiver.failed(failure)


class Pool:
    """Open connections to one address. The newest idle one is used first, so that surplus ones grow old and close."""

    def __init__(
        self, address: Address, loop: asyncio.AbstractEventLoop, context: ssl.SSLContext | None, *, idle_seconds: float = 30.0
    ) -> None:
        self._address = address
        self._loop = loop
        self._context = context
        self._idle: deque[UpstreamConnection] = deque()
        self._idle_seconds = idle_seconds
        self._tasks: set[asyncio.Task[None]] = set()
        self._retired = False

    def idle(self) -> UpstreamConnection | None:
        """An open connection that nobody uses, or None."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.closing:
                return connection
        return None

    def connect(
        self, seconds: float, connected: Callable[[UpstreamConnection], None], failed: Callable[[Failure], None]
    ) -> asyncio.Task[None]:
        """Open a new connection in the background and say how that went; cancelled, it says nothing."""
        task = self._loop.create_task(self._connect(seconds, connected, failed))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _connect(
        self, seconds: float, connected: Callable[[UpstreamConnection], None], failed: Callable[[Failure], None]
    ) -> None:
        try:
            connection = await asyncio.wait_for(self._opened(), seconds)
        except TimeoutError:
            failed(Failure("connect_timeout", f"no connection to the vendor within {seconds:g} s", sent=False))
        except ssl.SSLError as error:
            failed(Failure("tls", f"no trusted connection to the vendor: {error.reason or 'TLS failed'}", sent=False))
        except OSError as error:
            failed(Failure("connect", f"no connection to the vendor: {error.strerror or type(error).__name__}", sent=False))
        except Failure as failure:
            failed(failure)
        else:
            connected(connection)

    async def _opened(self) -> UpstreamConnection:
        address = self._address
        if address.proxy is None:
            _, connection = await self._loop.create_connection(self._new, address.host, address.port, ssl=self._context)
            return connection
        host, port = address.proxy
        if self._context is None:
            _, connection = await self._loop.create_connection(self._new, host, port)
            return connection
        from breakeven.gateway.wire.tunnel import open_tunnel  # noqa: PLC0415 - few installations have a proxy

        return await open_tunnel(self._loop, self._new, address, self._context)

    def _new(self) -> UpstreamConnection:
        return UpstreamConnection(self, self._loop)

    def give_back(self, connection: UpstreamConnection) -> None:
        """An exchange is complete; its connection may be used again."""
        if self._retired:
            connection.transport.close()
            return
        connection.idle_since = self._loop.time()
        self._idle.append(connection)

    def lost(self, connection: UpstreamConnection) -> None:
        """A connection has ended."""
        if connection in self._idle:
            self._idle.remove(connection)

    def expire(self, now: float) -> None:
        """Close what has been idle for too long."""
        while self._idle and now - self._idle[0].idle_since > self._idle_seconds:
            self._idle.popleft().transport.close()

    def retire(self) -> None:
        """No new exchanges: idle connections close now, those in use when their answer is complete."""
        self._retired = True
        while self._idle:
            self._idle.pop().transport.close()
