"""Reading a response while it passes: bytes go in as the network cuts them, a Reading comes out at the end.

Of a stream only what the usage needs is kept. Anything else (a plain body, an array) is kept until it is complete.
"""

from __future__ import annotations

from typing import Any, Literal

from breakeven.errors import DataError
from breakeven.providers.apis import Api, Stream
from breakeven.providers.reader import Call, chosen, fallback, finished, fold, read_body, read_stream, unreadable
from breakeven.providers.reading import Reading
from breakeven.providers.recordings import Body, Events, decoded, recordings
from breakeven.providers.streams import Decoder, LineDecoder, SseDecoder

Framing = Literal["sse", "lines", "whole"]

_WAITING = 64
"""Events kept while no API is recognised; after that the declared one is taken."""


class StreamReader:
    """The usage of one response, from chunks of any size.

    `framing` is what the content type says: server-sent events, JSON line by line, or one body. The same bytes give the same
    Reading however they are cut.
    """

    def __init__(self, call: Call, framing: Framing) -> None:
        self._call = call
        self._decoder: Decoder | None = None
        if framing != "whole":
            self._decoder = SseDecoder(call.where) if framing == "sse" else LineDecoder(call.where)
        self._kept = bytearray()
        self._waiting: list[dict[str, Any]] = []
        self._api: Api | None = None
        self._stream = Stream()

    @property
    def recognised(self) -> bool:
        """Whether an event has shown which API this is."""
        return self._api is not None

    def feed(self, chunk: bytes) -> None:
        """The next bytes. Raises DataError where they are not UTF-8."""
        if self._decoder is None:
            self._kept += chunk
        else:
            self._take(self._decoder.feed(chunk))

    @property
    def telling(self) -> tuple[bytes, ...]:
        """What an event must contain one of to change the reading once the stream has begun; empty where any event may."""
        return (self._api or fallback(self._call)).telling

    def finish(self) -> Reading:
        """What the response says, now that it has ended or was cut. Raises DataError where it is not UTF-8."""
        if self._decoder is None:
            return self._whole(bytes(self._kept))
        self._take(self._decoder.close())
        api = self._api or fallback(self._call)
        for event in self._waiting:
            fold(self._stream, api, event)
        return finished(self._stream, self._call, api, problems=self._decoder.problems, done=self._decoder.done)

    def _take(self, events: list[Any]) -> None:
        for event in events:
            if not isinstance(event, dict):
                continue
            if self._api is None:
                self._waiting.append(event)
                self._api = chosen(self._call, (event,)) or (fallback(self._call) if len(self._waiting) > _WAITING else None)
                if self._api is None:
                    continue
                for waiting in self._waiting:
                    fold(self._stream, self._api, waiting)
                self._waiting.clear()
            else:
                fold(self._stream, self._api, event)

    def _whole(self, body: bytes) -> Reading:
        text = decoded(body, self._call.where)
        try:
            found = list(recordings(text, self._call.where))
        except DataError as error:
            return unreadable(self._call, error.problems)
        if len(found) == 1 and isinstance(found[0], Body):
            return read_body(found[0].node, self._call)
        events: list[Any] = []
        for each in found:
            events += each.events if isinstance(each, Events) else [each.node] if isinstance(each, Body) else []
        return read_stream(events, self._call)
