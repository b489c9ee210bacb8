"""A model that is asked within a call and whose answer the caller does not see: a second opinion, a judge, a comparison.

It is an attempt of the call like any other, with its intent and its real cost, on the call's own reservation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from breakeven.gateway.attribution import Refusal
from breakeven.gateway.call import Call
from breakeven.gateway.replies import Said, said
from breakeven.gateway.translating import caller_api

if TYPE_CHECKING:
    from breakeven.gateway.application import Application
    from breakeven.gateway.attempt import Attempt
    from breakeven.gateway.dialects import Hints
    from breakeven.gateway.facts import AttemptRow
    from breakeven.gateway.targets import Target
    from breakeven.gateway.wire.messages import Request
    from breakeven.gateway.wire.upstream import Failure
    from breakeven.providers.reading import Reading

Heard = Callable[["Said | None", str], None]
"""Is told what was answered, or None and why there is no answer."""


class Aside(Call):
    """One such question. `then` is told once."""

    __slots__ = ("_apart", "_main", "_said", "_then")

    def __init__(  # noqa: PLR0917 - all of it differs from question to question
        self,
        main: Call,
        application: Application,
        targets: tuple[Target, ...],
        request: Request,
        hints: Hints,
        rung: str,
        seconds: float,
        then: Heard,
    ) -> None:
        super().__init__(application, main.snapshot, main.client, request)
        self._main = main
        self.rung = rung
        self._then: Heard | None = then
        self._said: list[bytes] = []
        self._apart = False
        self.id = main.id
        self.started_ns = main.started_ns
        self.started = application.loop.time()
        self.until = self.started + seconds if seconds else 0.0
        self.hints = hints
        self.attribution = main.attribution
        self.caller = main.caller
        self.reservation = main.reservation
        self.targets = targets

    def ask(self) -> None:
        """Send it, where the call's limits have room for it."""
        if self.reservation is not None and not self.reservation.covers(self.targets[0], self, billed=True):
            self._told(None, "the limits have no room to ask it")
            return
        self._main.open += 1
        self._try(0, 0)

    def ask_apart(self) -> None:
        """Send it after the call is over, on a reservation of its own; it is let be where the limits have no room for it."""
        self._apart = True
        self.reservation = None
        admission = self._application.admission
        admitted = True if admission is None else admission.admit(self)
        if isinstance(admitted, Refusal):
            self.turned_away(admitted)
        elif admitted:
            self._try(0, 0)

    def turned_away(self, refusal: Refusal) -> None:
        """There is no room for it."""
        self._told(None, refusal.message)

    def next_number(self) -> int:
        """Attempts of one call are numbered together."""
        return self._main.next_number()

    @property
    def continues(self) -> bool:
        """Whether the reservation is still needed after this attempt."""
        main = self._main
        return self._timer is not None or (not self._apart and (not main.over or main.open > 1))

    def holds(self, attempt: Attempt) -> bool:
        """Nothing flows to anybody."""
        del attempt
        return True

    def judge(self, attempt: Attempt, content: bytes, then: Callable[[str | None], None]) -> None:
        """Whatever it says is heard."""
        del attempt, content
        then(None)

    def head(self, attempt: Attempt, added: list[tuple[bytes, bytes]], framing: tuple[bytes, bytes] | None) -> bytes:
        """There is no head."""
        del attempt, added, framing
        self.answered = True
        return b""

    def body(self, content: bytes) -> None:
        """What it says."""
        self._said.append(content)

    def complete(self) -> None:
        """It has said all."""
        attempt, self._attempt = self._attempt, None
        content = b"".join(self._said)
        if attempt is None or attempt.status >= 400:  # noqa: PLR2004 - HTTP's errors
            self._end(None, f"it answered {attempt.status if attempt is not None else 'nothing'}")
        else:
            heard = said(caller_api(attempt.target), content, streamed=attempt.streamed)
            self._end(heard, "its answer cannot be read")

    def cut(self) -> None:
        """It was broken off."""
        self._end(None, "its answer was broken off")

    def fail(self, attempt: Attempt, failure: Failure) -> None:
        """No vendor has answered."""
        del attempt
        self._end(None, failure.what)

    def mark(self, row: AttemptRow, attempt: Attempt, reading: Reading) -> None:
        """The fact says of which task this was a part."""
        del attempt, reading
        climb = self._main.climb
        if climb is not None:
            row.task_class, row.template = climb.task_class, climb.template

    def stood(self, attempt: Attempt, content: bytes) -> None:
        """Nobody keeps it."""

    def _end(self, heard: Said | None, why: str) -> None:
        self._attempt = None
        main = self._main
        if not self._apart:
            main.open -= 1
        if self.reservation is not None and (self._apart or (main.over and not main.open)):
            self.reservation.release()
        self._told(heard, why)

    def _told(self, heard: Said | None, why: str) -> None:
        then, self._then = self._then, None
        if then is not None:
            then(heard, why)
