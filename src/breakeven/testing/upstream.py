"""A vendor that is none: an HTTP server on 127.0.0.1 that answers like OpenAI, Anthropic, Google and Bedrock, or as badly as told.

    with ScriptedUpstream() as vendor:
        ...  # vendor.url, vendor.journal

It keeps a journal of what it was sent last, byte for byte, and of what it would bill. As a program: `python -m breakeven.testing`.

A model can be made worse while it runs, as by a vendor's quiet change: `POST /scripted/worse` with `{"model": "NAME"}`.
It then answers the same requests with other words, until a `DELETE` of the same makes it as it was.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httptools

from breakeven.testing.answers import Answer, answer
from breakeven.testing.script import GOOD, Script, script_of

_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}
_REFUSED = 400
Truth = Callable[[bytes], str | None]
"""What a recorded model said to a request's body; None where it was not asked that: then the answer is invented."""
JOURNALLED = 10_000
WORSE = "/scripted/worse"
"""Where a model is made worse."""
WORSE_WORDS = "an answer that is worse than before, and invented as well"


@dataclass(slots=True)
class Exchange:
    """One request as it arrived, and what became of its answer. `billed`: the vendor has answered it, so it bills it."""

    method: str
    target: str
    headers: list[tuple[bytes, bytes]]
    body: bytes
    complete: bool = False
    billed: bool = False
    disconnected: bool = False

    def header(self, name: str) -> str | None:
        """The last value of a header."""
        wanted = name.lower().encode()
        found = [value for key, value in self.headers if key.lower() == wanted]
        return found[-1].decode() if found else None


class _Connection(asyncio.Protocol):
    def __init__(self, vendor: ScriptedUpstream) -> None:
        self._vendor = vendor
        self._parser = httptools.HttpRequestParser(self)
        self._task: asyncio.Task[None] | None = None
        self._exchange: Exchange | None = None
        self._begin()

    def _begin(self) -> None:
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment] # a stream transport

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._task is not None:
            self._task.cancel()
        if self._exchange is not None and not self._exchange.complete:
            self._exchange.disconnected = True

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.write(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            self._transport.close()

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        exchange = Exchange(self._parser.get_method().decode(), self._target.decode(), self._headers, b"".join(self._body))
        self._begin()
        self._exchange = exchange
        if exchange.target == WORSE:
            self._told(exchange)
            return
        self._vendor.journal.append(exchange)
        script = self._vendor.script_for(exchange)
        said = _answer(exchange, script, self._vendor.says)
        if script == GOOD and len(said.pieces) == 1:
            exchange.complete = exchange.billed = True
            body = b"" if exchange.method == "HEAD" else said.pieces[0]
            self._transport.write(_head(200, said, (), len(said.pieces[0])) + body)
            return
        self._task = asyncio.get_running_loop().create_task(self._play(exchange, script, said))

    def _told(self, exchange: Exchange) -> None:
        """A model is made worse, or as good as it was; the answer lists those that are worse now."""
        model = model_of(exchange.body)
        if model and exchange.method == "POST":
            self._vendor.worse.add(model)
        elif model and exchange.method == "DELETE":
            self._vendor.worse.discard(model)
        said = Answer("application/json", (json.dumps({"worse": sorted(self._vendor.worse)}).encode(),))
        self._transport.write(_head(200, said, (), len(said.pieces[0])) + said.pieces[0])

    async def _play(self, exchange: Exchange, script: Script, said: Answer) -> None:
        if script.delay:
            await asyncio.sleep(script.delay)
        exchange.billed = script.status < _REFUSED
        sent = 0
        pieces = _framed(script, said)
        for number, piece in enumerate(pieces):
            for limit, end in ((script.reset_after, self._transport.abort), (script.close_after, self._transport.close)):
                if limit is not None and sent + len(piece) > limit:
                    self._transport.write(piece[: limit - sent])
                    await asyncio.sleep(0.01)
                    end()
                    return
            body_sent = sent - len(pieces[0])
            if script.stall_after is not None and number and body_sent + len(piece) > script.stall_after:
                self._transport.write(piece[: max(0, script.stall_after - body_sent)])
                await asyncio.sleep(3600)
            self._transport.write(piece)
            sent += len(piece)
            await asyncio.sleep(script.pause if number else 0)
        exchange.complete = True
        if script.framing == "close":
            self._transport.close()


def model_of(body: bytes) -> str:
    """The model that a body names; empty where it names none."""
    try:
        found = json.loads(body)
    except ValueError:
        return ""
    return str(found.get("model") or "") if isinstance(found, dict) else ""


def _answer(exchange: Exchange, script: Script, truth: Truth | None) -> Answer:
    if script.status >= _REFUSED:
        kind = _ERRORS.get(script.status, "api_error")
        error = {"message": f"scripted {script.status}", "type": kind, "param": None, "code": None}
        body = {"type": "error", "error": error} if "/messages" in exchange.target else {"error": error}
        return Answer("application/json", (json.dumps(body).encode(),))
    said = None if truth is None else truth(exchange.body)
    found = answer(exchange.method, exchange.target.split("?", maxsplit=1)[0], exchange.body, script.words, said)
    if found is None:
        return Answer("application/json", (b'{"error":{"message":"no such path","type":"invalid_request_error"}}',))
    if script.size and len(found.pieces) == 1:
        padded = found.pieces[0][:-1] + b',"padding":"' + b"x" * script.size + b'"}'
        return Answer(found.content_type, (padded,))
    return found


def _head(status: int, said: Answer, more: Sequence[tuple[str, str]], length: int | None) -> bytes:
    lines = [f"HTTP/1.1 {status} {'OK' if status < _REFUSED else 'Scripted'}"]
    lines += ["Date: Mon, 23 Nov 2026 12:00:00 GMT", f"Content-Type: {said.content_type}", "x-request-id: req_scripted"]
    lines += [f"{name}: {value}" for name, value in more]
    lines.append("Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


_GARBAGE = {"sse": b"data: {this is not JSON\n\n", "frame": b"\0\0\0\x20this is no message of a stream"}


def _framed(script: Script, said: Answer) -> list[bytes]:
    """Head and body in the pieces in which they are sent."""
    pieces = list(said.pieces)
    more = list(script.headers)
    if script.garbage in _GARBAGE:
        pieces.insert(1, _GARBAGE[script.garbage])
    if script.encoding:
        whole = b"".join(pieces)
        pieces = [gzip.compress(whole, mtime=0) if script.encoding == "gzip" else whole]
        more.append(("Content-Encoding", "gzip"))
    if script.cut:
        whole = b"".join(pieces)
        pieces = [whole[start : start + script.cut] for start in range(0, len(whole), script.cut)]
    if script.split:
        whole = b"".join(pieces)
        pieces = [whole[: script.split], whole[script.split :]]
    if script.retry_after is not None:
        more.append(("Retry-After", f"{script.retry_after:g}"))
    framing = script.framing or ("chunked" if len(said.pieces) > 1 else "length")
    length = sum(map(len, pieces)) + script.length if framing == "length" else None
    head = _head(script.status, said, more, length)
    if framing == "close":
        head = head.replace(b"Transfer-Encoding: chunked", b"Connection: close")
    if script.garbage == "head":
        head = head.replace(b"HTTP/1.1 ", b"HTTP/9.9 not a status ")
    if framing == "chunked":
        pieces = [*(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces), b"0\r\n\r\n"]
        if script.garbage == "chunk":
            pieces.insert(1, b"zz\r\nnot a chunk\r\n")
    return [head, *pieces]


class ScriptedUpstream:
    """The scripted vendor, in a thread of its own."""

    def __init__(self, port: int = 0, tls: ssl.SSLContext | None = None, truth: Truth | None = None) -> None:
        self.truth = truth
        self.worse: set[str] = set()
        self.journal: deque[Exchange] = deque(maxlen=JOURNALLED)
        self.port = port
        self._tls = tls
        self._seen: Counter[bytes] = Counter()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scripted-vendor", daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def says(self, body: bytes) -> str | None:
        """What is answered to a body, where it is not invented: by a model that was made worse, else what was recorded."""
        if self.worse and model_of(body) in self.worse:
            return WORSE_WORDS
        return None if self.truth is None else self.truth(body)

    def script_for(self, exchange: Exchange) -> Script:
        """What its own header asks for; `times` counts the same body."""
        header = exchange.header("x-script")
        script = script_of(header.encode() if header else None)
        if not exchange.target.startswith(script.path):
            return GOOD
        if script.times is not None:
            key = exchange.target.encode() + exchange.body
            self._seen[key] += 1
            if self._seen[key] > script.times:
                return GOOD
        return script

    def start(self) -> Self:
        """Listen."""
        self._thread.start()
        self._ready.wait()
        return self

    def stop(self) -> None:
        """Stop listening."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _run(self) -> None:
        try:
            import uvloop  # noqa: PLC0415 - the scripted vendor works without it, more slowly

            loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        except ImportError:
            loop = asyncio.new_event_loop()
        self._loop = loop
        asyncio.set_event_loop(loop)
        server = loop.run_until_complete(loop.create_server(lambda: _Connection(self), "127.0.0.1", self.port, ssl=self._tls))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
