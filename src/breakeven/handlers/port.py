"""The port through which the gateway asks handlers to answer and functions to judge: never blocking, never raising."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from breakeven.alignment.task import Declined, Reply, Task


class Capabilities(Protocol):
    """Handlers and check functions by the name that `breakeven.yaml` gives them.

    Both calls return at once; `then` is called exactly once, in the thread of the event loop: before the call returns where the
    work takes microseconds and is done on the spot, else later, at the latest after `seconds`. Nothing is ever raised: a crash,
    a hang, a name that is not there or a closed host is a `Declined` that says so.
    """

    def ask(self, name: str, task: Task, seconds: float, then: Callable[[Reply | Declined], None]) -> None:
        """Ask the handler `name` for an answer to `task`, waiting for it at most `seconds`."""

    def check(self, name: str, task: Task, reply: Reply, seconds: float, then: Callable[[str | None], None]) -> None:
        """Ask the check function `name` whether `reply` stands: None where it does, else why it does not.

        An answer that could not be judged does not stand: a check that crashes, hangs or is not there is a reason as well.
        """
