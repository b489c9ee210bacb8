"""What a place that alerts go to must be able to do: take one alert, or say why not."""

from __future__ import annotations

from typing import Protocol

from breakeven.errors import Unreachable
from breakeven.governance.alerts import Alert


class Sink(Protocol):
    """One place that alerts go to. It may be asked from a thread of its own, one alert at a time."""

    def send(self, alert: Alert) -> None:
        """Hand the alert over; when this returns, whoever runs the place has taken it. Raises NotSent, within a bounded time."""


class NotSent(Unreachable):
    """An alert was not taken. `after` is how many seconds the receiver wants to be left alone, where it says so.

    Neither message holds an address or a credential: both may be secret.
    """

    def __init__(self, what: str, remedy: str, after: float | None = None) -> None:
        super().__init__(what, remedy)
        self.after = after
