"""Amazon's binary event streams (`application/vnd.amazon.eventstream`) as lines of JSON, however the network cut them.

A message is its length, the length of its headers and a checksum of both (12 bytes), the headers, the payload and a checksum of all
before it (CRC-32, big endian). Its header `:event-type` names the event: it becomes the object's only member, but for a `chunk`,
whose payload carries the invoked model's own event in base64. Source: the wire format as AWS documents it for its SDKs.
"""

from __future__ import annotations

import base64
import binascii
import json
from struct import Struct
from struct import error as StructError  # noqa: N812 - it is a class
from zlib import crc32

from breakeven.errors import DataError, Problem

_PRELUDE = Struct(">III")
_CHECKSUM = Struct(">I")
_SHORT = Struct(">H")
_LARGEST = 24 * 1024 * 1024
"""More than a message may have: 24 MB of payload and headers by the vendor's own limit."""
_TEXT, _BYTES = 7, 6
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a header's value by its type; of texts and byte strings the length comes first."""
_REMEDY = "The stream is damaged here; take the usage from the vendor's report."


class EventLines:
    """Turns the bytes of one such stream into JSON lines."""

    def __init__(self, where: str = "") -> None:
        self._where = where or "stream"
        self._rest = bytearray()
        self._at = 0

    def feed(self, content: bytes) -> bytes:
        """The events that are complete now, a line each. Raises DataError where the stream is damaged; nothing follows then."""
        self._rest += content
        lines: list[bytes] = []
        start = 0
        while len(self._rest) - start >= _PRELUDE.size:
            length, headers, checksum = _PRELUDE.unpack_from(self._rest, start)
            if crc32(self._rest[start : start + 8]) != checksum or not 16 + headers <= length <= _LARGEST:
                raise self._damaged("the beginning of a message does not match its checksum")
            if len(self._rest) - start < length:
                break
            lines.append(self._line(bytes(self._rest[start : start + length]), headers))
            start += length
            self._at += 1
        del self._rest[:start]
        return b"".join(lines)

    def _line(self, message: bytes, headers: int) -> bytes:
        if crc32(message[:-4]) != _CHECKSUM.unpack_from(message, len(message) - 4)[0]:
            raise self._damaged("a message does not match its checksum")
        names = self._headers(message[_PRELUDE.size : _PRELUDE.size + headers])
        payload = message[_PRELUDE.size + headers : -4] or b"{}"
        name = names.get(":event-type") or names.get(":exception-type") or names.get(":error-code") or ""
        try:
            said = json.loads(payload)
            if name == "chunk":
                return _one_line(base64.b64decode(said["bytes"], validate=True))
            return json.dumps({name: said}).encode() + b"\n"
        except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
            raise self._damaged(f"the payload of {name or 'a message'} is not JSON") from None

    def _headers(self, content: bytes) -> dict[str, str]:
        found: dict[str, str] = {}
        at = 0
        try:
            while at < len(content):
                name = content[at + 1 : at + 1 + content[at]].decode()
                at += 1 + content[at]
                kind = content[at]
                at += 1
                size = _SIZES.get(kind)
                if size is None and kind in (_TEXT, _BYTES):
                    (size,) = _SHORT.unpack_from(content, at)
                    at += 2
                if size is None:
                    raise self._damaged(f"a header has a type, {kind}, that is not known")
                if kind == _TEXT:
                    found[name] = content[at : at + size].decode()
                at += size
        except (IndexError, UnicodeDecodeError, StructError):
            raise self._damaged("the headers of a message cannot be read") from None
        return found

    def _damaged(self, what: str) -> DataError:
        problem = Problem(f"{self._where}: message {self._at + 1}", what, _REMEDY)
        return DataError(what, _REMEDY, (problem,))


def _one_line(event: bytes) -> bytes:
    return json.dumps(json.loads(event)).encode() + b"\n"
