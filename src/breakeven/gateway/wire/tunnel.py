"""TLS to a vendor through an HTTP proxy: CONNECT first, then the handshake with the vendor inside."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING

from breakeven.gateway.wire.upstream import Failure

if TYPE_CHECKING:
    from breakeven.gateway.wire.upstream import Address, UpstreamConnection

_LONGEST_HEAD = 16 * 1024
_OK = b"200"


class _Connecting(asyncio.Protocol):
    """Waits for the proxy's answer to CONNECT."""

    def __init__(self, answered: asyncio.Future[bytes]) -> None:
        self._answered = answered
        self._head = b""

    def data_received(self, data: bytes) -> None:
        """The proxy's answer."""
        self._head += data
        if not self._answered.done() and (b"\r\n\r\n" in self._head or len(self._head) > _LONGEST_HEAD):
            self._answered.set_result(self._head)

    def connection_lost(self, exc: Exception | None) -> None:
        """The proxy hung up."""
        del exc
        if not self._answered.done():
            self._answered.set_result(self._head)


async def open_tunnel(
    loop: asyncio.AbstractEventLoop, factory: Callable[[], UpstreamConnection], address: Address, context: ssl.SSLContext
) -> UpstreamConnection:
    """A connection to the address inside a tunnel. Raises Failure where the proxy refuses, OSError where it is not there."""
    if address.proxy is None:
        raise ValueError("a tunnel needs a proxy")
    answered: asyncio.Future[bytes] = loop.create_future()
    transport, protocol = await loop.create_connection(lambda: _Connecting(answered), *address.proxy)
    authorization = ""
    if address.proxy_user:
        authorization = f"Proxy-Authorization: Basic {base64.b64encode(address.proxy_user.encode()).decode()}\r\n"
    host = f"{address.host}:{address.port}"
    transport.write(f"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n{authorization}\r\n".encode())
    head = await answered
    if head.split(b" ", maxsplit=2)[1:2] != [_OK]:
        transport.abort()
        raise Failure("proxy", "the proxy refused the connection to the vendor", sent=False)
    connection = factory()
    del protocol
    inside = await loop.start_tls(transport, connection, context, server_hostname=address.host)
    if inside is None:
        raise Failure("proxy", "the proxy closed the connection", sent=False)
    connection.connection_made(inside)  # start_tls leaves this to its caller
    return connection
