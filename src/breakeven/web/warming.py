"""The first overview, answered before anybody asks: whoever opens a service that has just started waits for nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from breakeven.errors import BreakevenError
from breakeven.web.analyses import bridge, portfolio
from breakeven.web.asked import Asked
from breakeven.web.desk import Desk
from breakeven.web.readings import budgets, forecast, pnl, today

_ASKED = Asked(None, None, "feature", None, ())
_COMPARED = Asked(None, "previous", "feature", None, ())
_MONTHS = Asked("all", None, "month", None, ())
_NOBODYS = Asked("all", None, "month", None, (("feature", "none"),))


def overview(desk: Desk) -> tuple[Callable[[], Any], ...]:
    """What the overview asks when it is opened without a period, in its order."""
    return (
        lambda: today.fn(desk, _ASKED),
        lambda: pnl.fn(desk, _COMPARED),
        lambda: portfolio.fn(desk, _ASKED),
        lambda: bridge.fn(desk, _COMPARED, "cost"),
        lambda: pnl.fn(desk, _MONTHS),
        lambda: pnl.fn(desk, _NOBODYS),
        lambda: forecast.fn(desk, _ASKED),
        lambda: budgets.fn(desk, _ASKED),
    )


def warm(desk: Desk, stop: threading.Event) -> threading.Thread:
    """Answer it in a thread of its own. A fault is nobody's yet: it is told to whoever asks."""

    def run() -> None:
        for ask in overview(desk):
            if stop.is_set():
                return
            with suppress(BreakevenError):
                ask()

    thread = threading.Thread(target=run, name="warming", daemon=True)
    thread.start()
    return thread
