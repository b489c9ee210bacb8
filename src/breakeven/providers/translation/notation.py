"""JSON with exact numbers, and the fault of a call that cannot be said in the other dialect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from breakeven.errors import DataError
from breakeven.providers.streams import parse

Node = dict[str, Any]
_encode = msgspec.json.Encoder(decimal_format="number").encode


class Untranslatable(DataError):
    """A call that cannot be carried over whole; `field` is the member that stands in the way."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}", "Leave it out, or call a model whose vendor speaks the dialect of this request.")
        self.field = field


def decoded(body: bytes | str, what: str) -> Node:
    """The JSON object of a body. Raises Untranslatable where it is none."""
    try:
        value = parse(body if isinstance(body, str) else body.decode())
    except (ValueError, UnicodeDecodeError):
        raise Untranslatable(what, "it is not JSON") from None
    if not isinstance(value, dict):
        raise Untranslatable(what, "it is not a JSON object")
    return value


def encoded(value: object) -> bytes:
    """JSON without spaces; numbers have the digits that they came with."""
    return _encode(value)


def text(value: object, field: str) -> str:
    """A text, or Untranslatable."""
    if not isinstance(value, str):
        raise Untranslatable(field, "it is not a text")
    return value


def node(value: object, field: str) -> Node:
    """An object, or Untranslatable."""
    if not isinstance(value, dict):
        raise Untranslatable(field, "it is not an object")
    return value


def nodes(value: object, field: str) -> Iterator[tuple[str, Node]]:
    """The objects of a list, each with its place; no list at all is an empty one."""
    if value is None:
        return
    if not isinstance(value, list):
        raise Untranslatable(field, "it is not a list")
    for number, each in enumerate(value):
        yield f"{field}[{number}]", node(each, f"{field}[{number}]")


def some(**members: object) -> Node:
    """An object of the members that are there."""
    return {name: value for name, value in members.items() if value is not None}
