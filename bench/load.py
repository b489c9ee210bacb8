"""A load: keep-alive connections that each send the same request again and again. Run as a process: prints one JSON object."""

from __future__ import annotations

import argparse
import asyncio
import json
import time

import httptools
import uvloop

QUESTION = "Say hello to the invented world in as many words as you like. " * 20
HEADERS = (
    "Host: 127.0.0.1", "Accept: application/json", "Accept-Encoding: gzip, deflate", "Connection: keep-alive",
    "User-Agent: OpenAI/Python 3.54.0", "Content-Type: application/json", "Authorization: Bearer sk-invented",
    "X-Stainless-Lang: python", "X-Stainless-OS: Linux", "breakeven-feature: search", "breakeven-customer: acme",
)  # fmt: skip


def request(*, stream: bool, words: int, extra: tuple[str, ...] = ()) -> bytes:
    """One chat completion as the official SDK sends it."""
    said = {"model": f"gpt-4o-words-{words}", "messages": [{"role": "user", "content": QUESTION}]}
    body = json.dumps(said | ({"stream": True, "stream_options": {"include_usage": True}} if stream else {})).encode()
    lines = ["POST /v1/chat/completions HTTP/1.1", *HEADERS, *extra, f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


class _Caller(asyncio.Protocol):
    def __init__(self, load: Load) -> None:
        self._load = load
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment] # a stream transport
        self._next()

    def _next(self) -> None:
        if self._load.left <= 0:
            self._transport.close()
            return
        self._load.left -= 1
        self._began = time.perf_counter()
        self._transport.write(self._load.request)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() != 200:
            self._load.done.set_exception(RuntimeError(f"status {self._parser.get_status_code()}"))
            return
        self._load.seconds.append(time.perf_counter() - self._began)
        if len(self._load.seconds) == self._load.count and not self._load.done.done():
            self._load.done.set_result(None)
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._load.left > 0 and not self._load.done.done():
            self._load.done.set_exception(RuntimeError("the connection was closed"))


class Load:
    """Calls to make and how long each took."""

    def __init__(self, count: int, content: bytes) -> None:
        self.count = self.left = count
        self.request = content
        self.seconds: list[float] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self, port: int, connections: int) -> dict[str, float]:
        """Calls a second, and the median and 99th percentile in milliseconds."""
        loop = asyncio.get_running_loop()
        began = time.perf_counter()
        for _ in range(connections):
            await loop.create_connection(lambda: _Caller(self), "127.0.0.1", port)
        await self.done
        elapsed = time.perf_counter() - began
        ordered = sorted(self.seconds)
        return {
            "calls_per_second": self.count / elapsed,
            "p50_ms": ordered[len(ordered) // 2] * 1e3,
            "p99_ms": ordered[int(len(ordered) * 0.99)] * 1e3,
        }


async def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--words", type=int, default=100)
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--header", action="append", default=[])
    given = parser.parse_args()
    content = request(stream=given.stream, words=given.words, extra=tuple(given.header))
    print(json.dumps(await Load(given.calls, content).run(given.port, given.connections)))


if __name__ == "__main__":
    uvloop.run(_main())
