"""What an API is to us: how its bodies are recognised, what they say, and how its stream becomes one body."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from breakeven.providers.reading import Metering, Node, Notes


@dataclass(slots=True)
class Stream:
    """The body that a stream has added up to so far.

    `ended`: the vendor said that the answer, and with it the usage, is final. `error`: an error event came. `begun`: something of
    the answer came, so it may be billed.
    """

    body: dict[str, Any] = field(default_factory=dict)
    ended: bool = False
    begun: bool = False
    error: Node | None = None


@dataclass(frozen=True, slots=True)
class Api:
    """One API shape. `name` is the canonical one; `matches` looks at a body or at one event of its stream.

    `telling`: an event of its stream that contains none of these changes nothing once the first event is known; empty: any may.
    """

    name: str
    matches: Callable[[Node], bool]
    meter: Callable[[Node, Notes], Metering]
    fold: Callable[[Stream, Node], None]
    telling: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Address:
    """What the URL of a call says: the model (where the vendor puts it there), the API, and facts that the price depends on."""

    model: str = ""
    api: str = ""
    context: Mapping[str, str] = field(default_factory=dict)
    decides_model: bool = False


@dataclass(frozen=True, slots=True)
class Vendor:
    """One vendor: its names and hosts, its APIs (the first one is the default) and what its addresses say.

    `short` maps the short API names of a command line to canonical ones. `given_model_wins`: the vendor's bodies name no model
    that the price depends on, so the address or the caller decides. `self_hosted`: the host is part of the pricing context.
    """

    name: str
    apis: tuple[Api, ...]
    aliases: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    short: Mapping[str, str] = field(default_factory=dict)
    address: Callable[[str], Address] = field(default=lambda _url: Address())
    given_model_wins: bool = False
    self_hosted: bool = False

    def api(self, name: str) -> Api | None:
        """The API of this canonical or short name."""
        canonical = self.short.get(name, name)
        return next((api for api in self.apis if api.name == canonical), None)


def last_of(stream: Stream, event: Node, names: tuple[str, ...]) -> None:
    """Keeps these fields of the event where it has them; later events win."""
    for name in names:
        if event.get(name) not in (None, ""):
            stream.body[name] = event[name]
