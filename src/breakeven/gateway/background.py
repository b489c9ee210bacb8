"""Responses that a vendor makes in the background: it only says that it has begun, and is asked until it tells what it used.

The call is a fact of the ledger once, when that is known: callers may fetch the response as often as they like, or never. Looking
is a GET of the response with the credentials of the call; it is free and no fact of its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from breakeven.errors import Unreachable
from breakeven.gateway.forwarding import upstream_head
from breakeven.gateway.meter import LARGEST_METERED
from breakeven.gateway.paths import member
from breakeven.gateway.wire.messages import Head

if TYPE_CHECKING:
    from breakeven.gateway.application import Application
    from breakeven.gateway.attempt import Attempt
    from breakeven.gateway.wire.upstream import Failure, UpstreamConnection

FIRST_LOOK_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 20.0
LOOK_SECONDS = 30.0
"""How long one look may take."""
GIVEN_UP_SECONDS = 6 * 3600.0
LONGEST_NAME, MOST_AWAITED = 512, 10_000
UNTOLD = "nobody could be asked what this background response used"
MOST_REFUSALS = 3
"""After so many errors of the 400s in a row the vendor is not asked again; a first one may only come too early."""
_GROWTH = 1.5
_OK, _REFUSED, _FAILING = 200, 400, 500
_UNDER_WAY = frozenset({"queued", "in_progress"})


class _Said(msgspec.Struct):
    status: str = ""


_decode = msgspec.json.Decoder(_Said).decode


class Background:
    """The responses whose usage one worker waits for."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._awaited: set[_Awaited] = set()

    def add(self, attempt: Attempt, name: str) -> bool:
        """Ask from now on what the response of this name has used, and tell the attempt that began it. False: there is no room."""
        if not 0 < len(name) <= LONGEST_NAME or len(self._awaited) >= MOST_AWAITED:
            return False
        self._awaited.add(_Awaited(self._application, attempt, name))
        return True

    def tick(self, now: float) -> None:
        """For the worker's timer."""
        for each in tuple(self._awaited):
            if each.look(now):
                self._awaited.discard(each)

    def give_up(self) -> None:
        """The worker stops: what was not told by now stays unknown, and the fact says so."""
        for each in tuple(self._awaited):
            each.end(None, f"the gateway stopped before the background response {each.name} had said what it used")
        self._awaited.clear()


class _Awaited:
    """One response: whom it is for, when it is looked at next, and the look that is under way."""

    __slots__ = (
        "_application",
        "_attempt",
        "_connection",
        "_content",
        "_due",
        "_over",
        "_pause",
        "_refusals",
        "_size",
        "_status",
        "_until",
        "name",
    )

    def __init__(self, application: Application, attempt: Attempt, name: str) -> None:
        now = application.loop.time()
        self.name = name
        self._application = application
        self._attempt = attempt
        self._pause = FIRST_LOOK_SECONDS
        self._due = now + self._pause
        self._until = now + GIVEN_UP_SECONDS
        self._refusals = 0
        self._over = False
        self._connection: UpstreamConnection | None = None
        self._begin()

    def _begin(self) -> None:
        self._status = 0
        self._content: list[bytes] = []
        self._size = 0

    def look(self, now: float) -> bool:
        """Ask, if it is time for that. Whether it is over."""
        if not self._over and now >= self._due:
            if now >= self._until:
                self.end(
                    None, f"the background response {self.name} had not said what it used after {GIVEN_UP_SECONDS / 3600:g} hours"
                )
            else:
                self._ask(now)
        return self._over

    def end(self, content: bytes | None, why: str = "") -> None:
        """It is known what was used, or why that stays unknown."""
        if self._over:
            return
        self._over = True
        self._drop()
        self._attempt.tell(content, why)

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.give_up()

    def _ask(self, now: float) -> None:
        self._drop()
        self._pause = min(_GROWTH * self._pause, LONGEST_PAUSE_SECONDS)
        self._due = now + LOOK_SECONDS
        self._begin()
        pool = self._application.pool(self._attempt.target)
        connection = pool.idle()
        if connection is not None:
            self._send(connection)
        else:
            pool.connect(self._attempt.target.provider.timeouts.connect, self._send, self.failed)

    def _send(self, connection: UpstreamConnection) -> None:
        if self._over or self._connection is not None:  # it came too late: another look is under way
            self._application.pool(self._attempt.target).give_back(connection)
            return
        try:
            request = self._request()
        except Unreachable:  # the credentials cannot be had at the moment
            self._application.pool(self._attempt.target).give_back(connection)
            self._later()
            return
        self._connection = connection
        connection.send(request, self, bodyless=False)

    def _request(self) -> bytes:
        call = self._attempt.call
        target = replace(self._attempt.target, path=member(self._attempt.target.path, self.name))
        added = call.snapshot.targets.headers(target, b"GET", b"")
        forwarded = [pair for pair in call.caller.forwarded if not pair[0].lower().startswith(b"content-")]
        head = Head(b"GET", target.path, forwarded, keep_alive=True)
        return b"".join(upstream_head(head, forwarded, target, added, plain=True, has_body=False))

    def _later(self) -> None:
        self._due = self._application.loop.time() + self._pause

    # --- what the vendor says -----------------------------------------------------------------------------------------------------

    def received_head(self, status: int, headers: list[tuple[bytes, bytes]], *, last: bool) -> None:
        """Status and headers."""
        del headers, last
        self._status = status

    def received_body(self, content: bytes) -> None:
        """A piece of the response."""
        self._size += len(content)
        if self._size <= LARGEST_METERED:
            self._content.append(content)

    def received_all(self) -> None:
        """The whole response as it is now."""
        self._connection = None
        if self._status == _OK:
            self._refusals = 0
            content = b"".join(self._content)
            said = _read(content)
            if said is not None and said.status not in _UNDER_WAY:
                self.end(content)
                return
        elif _REFUSED <= self._status < _FAILING:
            self._refusals += 1
            if self._refusals == MOST_REFUSALS:
                self.end(None, f"the vendor answered {self._status} when the background response {self.name} was asked for")
                return
        self._later()

    def failed(self, failure: Failure) -> None:
        """The look came to nothing."""
        del failure
        self._connection = None
        self._later()


def _read(content: bytes) -> _Said | None:
    try:
        return _decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
