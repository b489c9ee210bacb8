"""How the scripted vendor misbehaves: one JSON object in the header `x-script` of a request.

status         the status of the answer, with a vendor's error body if it is 400 or more
retry_after    seconds, as a Retry-After header
path           misbehave only where the target begins with this
times          misbehave only this many times for the same body, then answer well
delay          seconds before the head
pause          seconds between two pieces of the body
stall_after    after so many bytes of the body nothing more comes
reset_after    after so many bytes (of head and body) the connection is reset
close_after    after so many bytes (of head and body) the connection is closed in order
length         a Content-Length that lies, as a number to add to the true one
garbage        "head", "chunk", "sse" or "frame": that part is malformed
encoding       "gzip": the body is compressed; "broken": it says so and is not
size           so many bytes of padding in a JSON body
words          so many words in the answer, as a model named `...-words-N` gives
cut            the body is sent in pieces of so many bytes
split          the body is sent in two pieces, the first of so many bytes
framing        "length", "chunked" or "close": how the body is framed
headers        a list of [name, value] pairs added to the head
"""

from __future__ import annotations

from typing import Literal

import msgspec


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to do wrong with one answer; the module explains the fields."""

    status: int = 200
    retry_after: float | None = None
    times: int | None = None
    path: str = ""
    delay: float = 0.0
    pause: float = 0.0
    stall_after: int | None = None
    reset_after: int | None = None
    close_after: int | None = None
    length: int = 0
    garbage: Literal["", "head", "chunk", "sse", "frame"] = ""
    encoding: Literal["", "gzip", "broken"] = ""
    size: int = 0
    words: int | None = None
    cut: int | None = None
    split: int | None = None
    framing: Literal["", "length", "chunked", "close"] = ""
    headers: tuple[tuple[str, str], ...] = ()


GOOD = Script()


def script_of(header: bytes | None) -> Script:
    """The script in a header; without one the vendor behaves."""
    return GOOD if header is None else msgspec.json.decode(header, type=Script)
