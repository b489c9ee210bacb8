"""Where alerts go: one module per kind of place, all behind one protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from breakeven.exchange.sinks.lines import LogSink
from breakeven.exchange.sinks.mail import EmailSink
from breakeven.exchange.sinks.port import NotSent, Sink
from breakeven.exchange.sinks.slack import SlackSink
from breakeven.exchange.sinks.webhook import WebhookSink
from breakeven.settings import SinkSettings


class SinkKind(NamedTuple):
    """A kind of sink: its name in `kind:`, and how one is made of its settings and the environment."""

    name: str
    make: Callable[[SinkSettings, Mapping[str, str]], Sink]


SINKS: tuple[SinkKind, ...] = (
    SinkKind("log", LogSink),
    SinkKind("webhook", WebhookSink),
    SinkKind("slack", SlackSink),
    SinkKind("email", EmailSink),
)
"""Every kind of sink."""


def open_sink(settings: SinkSettings, environment: Mapping[str, str]) -> Sink:
    """The sink that these settings describe. Nothing is connected before an alert is sent."""
    made = {kind.name: kind.make for kind in SINKS}
    return made[settings.kind](settings, environment)


__all__ = ["SINKS", "NotSent", "Sink", "SinkKind", "open_sink"]
