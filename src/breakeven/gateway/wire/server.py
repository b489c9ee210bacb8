"""One caller's connection: parses requests with llhttp, hands them over one at a time, writes what it is given.

The framing is checked before anything is acted upon: a request that could be read in two ways (two lengths, a length and chunks,
bare line feeds, control characters) is refused and the connection closed, so that nothing can be smuggled past us.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

import httptools

from breakeven.gateway.wire.messages import Head, HeadMemory, Limits, Request

_PIPELINED = 8
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Exchange(Protocol):
    """What answers one request."""

    def client_gone(self) -> None:
        """The caller has disconnected before its answer was complete."""

    def pause(self) -> None:
        """The caller reads more slowly than the answer comes."""

    def resume(self) -> None:
        """The caller has caught up."""


class Application(Protocol):
    """What the connections belong to."""

    connections: set[ClientConnection]
    heads: HeadMemory

    @property
    def limits(self) -> Limits:
        """What a request may be at most."""

    def answer(self, client: ClientConnection, request: Request) -> Exchange | None:
        """Begin to answer; None where the answer was given at once."""

    def fault(self) -> None:
        """Tell the log about the exception that is being handled."""

    def refuse(self, status: int, message: str, target: bytes) -> bytes:
        """A whole response, headers and body, for a request that cannot be read."""


class ClientConnection(asyncio.Protocol):
    """The server side of one connection."""

    __slots__ = (
        "_application", "_begun", "_body", "_exchange", "_head", "_headers", "_last", "_loop", "_parser", "_queue", "_refused",
        "_size", "_target", "deadline", "keep_alive", "transport",
    )  # fmt: skip

    def __init__(self, application: Application, loop: asyncio.AbstractEventLoop) -> None:
        self._application = application
        self._loop = loop
        self._parser = httptools.HttpRequestParser(self)
        self._queue: deque[Request] = deque()
        self._exchange: Exchange | None = None
        self._refused = (0, "")
        self._begun = False
        self._last: Head | None = None
        self.keep_alive = True
        self.transport: asyncio.Transport
        self.deadline = loop.time() + application.limits.request
        self._begin()

    def _begin(self) -> None:
        self._headers: list[tuple[bytes, bytes]] = []
        self._target = b""
        self._head: Head | None = None
        self._body: list[bytes] = []
        self._size = 0

    @property
    def peer(self) -> str:
        """The address of whoever has connected."""
        name = self.transport.get_extra_info("peername")
        return str(name[0]) if name else ""

    # --- what asyncio calls -------------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A caller has connected."""
        self.transport = transport  # type: ignore[assignment] # a stream transport
        self._application.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The caller has gone."""
        del exc
        self._application.connections.discard(self)
        self._queue.clear()
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.client_gone()

    def data_received(self, data: bytes) -> None:
        """The next bytes of the caller."""
        if not self._begun and self._exchange is None and not self._queue:
            known = self._application.heads.find(data)
            if known is not None and len(known[1]) <= self._application.limits.body:
                self._answer(Request(known[0], known[1], self._loop.time()))
                return
        if self._refused[0]:
            return
        whole = not self._begun
        self._begun = True
        self._parse(data)
        if whole and not self._begun and self._last is not None:
            self._application.heads.keep(data, self._last)

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refuse(501, "This gateway does not switch protocols; websockets are not supported.")
        except httptools.HttpParserError as error:
            status, message = self._refused
            self._refuse(status or 400, message or f"The request is not valid HTTP/1.1: {_told(error)}.")

    def pause_writing(self) -> None:
        """The caller's buffer is full."""
        if self._exchange is not None:
            self._exchange.pause()

    def resume_writing(self) -> None:
        """The caller's buffer has room again."""
        if self._exchange is not None:
            self._exchange.resume()

    # --- what the parser calls ----------------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """A request begins."""
        self._begun = True
        self._last = None
        if self._exchange is None:
            self.deadline = self._loop.time() + self._application.limits.request

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        self._target += url
        if len(self._target) > self._application.limits.target_bytes:
            self._stop(414, f"The request target is longer than {self._application.limits.target_bytes} bytes.")

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        headers = self._headers
        headers.append((name, value))
        if len(headers) > self._application.limits.header_count:
            self._too_many()

    def on_headers_complete(self) -> None:
        """All headers are there."""
        parser = self._parser
        modern = parser.get_http_version() == "1.1"
        keep = parser.should_keep_alive()
        head = Head(parser.get_method(), self._target, self._headers, keep_alive=keep, takes_chunks=modern)
        limits, names = self._application.limits, head.by_name
        if sum(len(name) + len(value) + 4 for name, value in self._headers) > limits.header_bytes:
            self._too_many()
        if len(names) < len(self._headers):
            self._no_doubles()
        if b"" in names:
            self._stop(400, "The request has a header without a name.")
        if b"host" not in names and modern:
            self._stop(400, "The request has no Host header.")
        coding = names.get(b"transfer-encoding")
        if coding is not None and coding.strip().lower() != b"chunked":
            self._stop(501, "The only transfer coding of requests is chunked.")
        length = names.get(b"content-length", b"")
        if length.isdigit() and int(length[:20]) > limits.body:
            self._too_large()
        if names.get(b"expect", b"").lower() == b"100-continue":
            self.transport.write(_CONTINUE)
        self._head = head

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._size += len(body)
        if self._size > self._application.limits.body:
            self._too_large()
        self._body.append(body)

    def on_message_complete(self) -> None:
        """A whole request is there."""
        head, body = self._head, self._body
        if head is None or self._parser.should_upgrade():
            return  # the parser raises HttpParserUpgrade next
        request = Request(head, body[0] if len(body) == 1 else b"".join(body), self._loop.time())
        self._begin()
        self._begun = False
        self._last = head
        if self._exchange is None and not self._queue:
            self._answer(request)
            return
        self._last = None
        self._queue.append(request)
        if len(self._queue) > _PIPELINED:
            self._stop(400, f"More than {_PIPELINED} requests are waiting on this connection.")
        self.transport.pause_reading()

    # --- what the answer calls ----------------------------------------------------------------------------------------------------

    def write(self, content: bytes) -> None:
        """Send bytes to the caller."""
        self.transport.write(content)

    def done(self) -> None:
        """The answer is complete; the next request may be answered, or the connection closes."""
        self._exchange = None
        if not self.keep_alive or self._refused[0]:
            self.transport.close()
            return
        self.deadline = self._loop.time() + self._application.limits.idle
        if self._queue:
            self._loop.call_soon(self._next)

    def abort(self) -> None:
        """Break off the answer so that the caller notices: the connection is reset before the body's end."""
        self._exchange = None
        self.transport.abort()

    def close_when_idle(self) -> None:
        """For a shutdown: close now, or after the answer that is under way."""
        self.keep_alive = False
        if self._exchange is None and not self._queue:
            self.transport.close()

    def expire(self, now: float) -> None:
        """Close a connection that has been silent for too long."""
        if self._exchange is not None or now < self.deadline or self.transport.is_closing():
            return
        if self._begun:
            self._refuse(408, "The request did not arrive in time.")
        else:
            self.transport.close()

    def _answer(self, request: Request) -> None:
        self.keep_alive = self.keep_alive and request.head.keep_alive
        self._exchange = _ANSWERING
        try:
            exchange = self._application.answer(self, request)
        except Exception:  # noqa: BLE001 - a fault of ours must not leave a caller waiting
            self._application.fault()
            self._exchange = None
            self._refuse(500, "This gateway failed to handle the request; its log says why.")
            return
        if exchange is not None and self._exchange is _ANSWERING:
            self._exchange = exchange

    def _next(self) -> None:
        if self._exchange is not None or not self._queue or self.transport.is_closing():
            return
        request = self._queue.popleft()
        if not self._queue:
            self.transport.resume_reading()
        self._answer(request)

    def _no_doubles(self) -> None:
        """Two of these could be read in two ways."""
        seen = [name.lower() for name, _ in self._headers]
        for name in (b"host", b"content-length", b"transfer-encoding", b"authorization"):
            if seen.count(name) > 1:
                self._stop(400, f"The request has more than one {name.decode()} header.")

    def _too_many(self) -> None:
        limits = self._application.limits
        self._stop(431, f"The request has more than {limits.header_count} headers or {limits.header_bytes} bytes of them.")

    def _too_large(self) -> None:
        self._stop(413, f"The request body is larger than {self._application.limits.body} bytes.")

    def _stop(self, status: int, message: str) -> None:
        """Refuse the request from inside a parser callback."""
        self._refused = (status, message)
        raise httptools.HttpParserError(message)

    def _refuse(self, status: int, message: str) -> None:
        self._refused = (status, message)
        if self._exchange is None:
            self.transport.write(self._application.refuse(status, message, self._target))
            self.transport.close()
        else:
            self.keep_alive = False  # the answer that is under way is completed, then the connection closes


class _Answering:
    """Stands for the exchange while the application is still deciding about it."""

    def client_gone(self) -> None:
        """Nothing to do: the application sees the closed connection."""

    def pause(self) -> None:
        """Nothing flows yet."""

    def resume(self) -> None:
        """Nothing flows yet."""


_ANSWERING = _Answering()


def _told(error: Exception) -> str:
    """The parser's words without what they quote."""
    return str(error).split(":", maxsplit=1)[0].strip().rstrip(".")[:100] or "unreadable"
