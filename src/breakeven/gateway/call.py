"""One call through the gateway: attributed, admitted, tried until a vendor answers, answered, recorded.

A call has attempts (retries and fallbacks, `attempt.py`); the call is what the caller sees.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from breakeven.gateway.attempt import Attempt
from breakeven.gateway.attribution import NOBODY, Refusal
from breakeven.gateway.dialects import NO_HINTS, error_body, hints_of
from breakeven.gateway.facts import new_call_id, now_ns
from breakeven.gateway.promptcaching import placed
from breakeven.gateway.targets import NoTarget, Target
from breakeven.gateway.translating import NO_BODIES, carried
from breakeven.gateway.wire.messages import HOP_BY_HOP, UNFRAMED, Headers, connection_names, response_head

if TYPE_CHECKING:
    from breakeven.gateway.admission import Reservation
    from breakeven.gateway.application import Application, Caller, Snapshot
    from breakeven.gateway.climbing import Climb
    from breakeven.gateway.facts import AttemptRow
    from breakeven.gateway.wire.messages import Request
    from breakeven.gateway.wire.server import ClientConnection
    from breakeven.gateway.wire.upstream import Failure
    from breakeven.providers.reading import Reading

_GATEWAY_TIMEOUT, _BAD_GATEWAY, _UNAVAILABLE, _BAD_REQUEST = 504, 502, 503, 400
_NO_MORE: Mapping[str, Any] = MappingProxyType({})
_CODES = {400: "bad_target", 405: "method_not_allowed"}
_STATUS_OF = {
    "first_byte_timeout": _GATEWAY_TIMEOUT,
    "connect_timeout": _GATEWAY_TIMEOUT,
    "chunk_timeout": _GATEWAY_TIMEOUT,
    "total_timeout": _GATEWAY_TIMEOUT,
    "queue_full": _UNAVAILABLE,
    "queue_timeout": _UNAVAILABLE,
    "circuit_open": _UNAVAILABLE,
    "not_translatable": _BAD_REQUEST,
}


class Call:
    """One request of a caller and its answer."""

    __slots__ = (
        "_application", "_attempt", "_timer", "_tried", "answered", "asked_usage", "attribution", "bodies", "caller", "client",
        "climb", "gone", "hints", "id", "lifetime", "open", "over", "prefix", "request", "reservation", "rung", "snapshot",
        "started", "started_ns", "targets", "until",
    )  # fmt: skip

    def __init__(self, application: Application, snapshot: Snapshot, client: ClientConnection, request: Request) -> None:
        self._application = application
        self.client = client
        self._attempt: Attempt | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._tried = 0
        self.snapshot = snapshot
        self.request = request
        self.started = request.started
        self.started_ns = now_ns()
        self.id = new_call_id(self.started_ns)
        self.hints = NO_HINTS
        self.attribution = NOBODY
        self.caller: Caller
        self.reservation: Reservation | None = None
        self.targets: tuple[Target, ...] = ()
        self.gone = False
        self.answered = False
        self.asked_usage = False
        self.climb: Climb | None = None
        self.rung: str | None = None
        self.open = 0
        self.over = False
        self.until = 0.0
        self.bodies: Mapping[Target, bytes] = NO_BODIES
        self.lifetime: str | None = None
        self.prefix: tuple[int, int] | None = None

    def begin(self) -> Call | None:
        """Look at the request and forward it, or refuse it. None where it is answered already."""
        snapshot, request = self.snapshot, self.request
        caller = snapshot.caller(request.head)
        if isinstance(caller, Refusal):
            self._refuse(caller, None)
            return None
        self.caller = caller
        body = request.body
        if body and caller.sends_json:
            self.hints = hints_of(body)
        hints, head = self.hints, request.head
        found = snapshot.targets.find(head.method, head.target, hints.model, anthropic=caller.anthropic)
        if isinstance(found, NoTarget):
            self._refuse(Refusal(found.status, _CODES.get(found.status, "not_found"), found.message), None)
            return None
        self.targets = found
        attribution = snapshot.attributor.attribute(
            caller.ours, caller.key, hints.attribution, found[0].model_in_url or hints.model
        )
        if isinstance(attribution, Refusal):
            self._refuse(attribution, found[0].caller_dialect)
            return None
        self.attribution = attribution
        judge = self._application.judge
        forbidden = None if judge is None else judge.judge(self)
        climbs = snapshot.rungs and found[0].metered and not found[0].binary  # no other rung answers in binary frames
        rungs = snapshot.rungs.get(attribution.feature or "") if climbs else None
        if forbidden is not None:
            self._refuse(forbidden, found[0].caller_dialect)
        elif rungs is None:
            self._admit()
        else:
            self._application.began(self)
            self._application.climb(self, rungs)
        return None if self.answered else self

    def _admit(self) -> None:
        """Forward the call, now or as soon as its limits have room for it."""
        able = self.carry(self.targets)
        if isinstance(able, Refusal):
            self._refuse(able, self.targets[0].caller_dialect)
            return
        self.targets = able
        admission = self._application.admission
        admitted = True if admission is None else admission.admit(self)
        if isinstance(admitted, Refusal):
            self._refuse(admitted, self.targets[0].caller_dialect)
            return
        self._application.began(self)
        if admitted:
            self._try(0, 0)

    def admitted(self) -> None:
        """A place for the call has become free in its limits."""
        self._try(0, 0)

    def turned_away(self, refusal: Refusal) -> None:
        """No place became free in time, or there is none."""
        self._finish()
        self._refuse(refusal, self.targets[0].caller_dialect)

    def carry(self, targets: tuple[Target, ...]) -> tuple[Target, ...] | Refusal:
        """The targets that can take the request, said in their dialects, with breakpoints where they are wanted."""
        opted = self.snapshot.prompt_cache
        self.lifetime = opted.get(self.attribution.feature or "") if opted else None
        for target in targets:
            if target.translation is not None or self.lifetime is not None:
                return carried(self, targets)
        return targets

    def cached(self, target: Target, body: bytes) -> bytes:
        """The body with breakpoints for the vendor's cache; what of it could be read from there is noted of the first target."""
        memory, feature = self._application.prefixes, self.attribution.feature or ""
        now = self._application.loop.time()
        body, known, whole = placed(body, target, feature, self.lifetime or "5m", memory, now)
        self.prefix = self.prefix or (known, whole)
        return body

    # --- attempts -----------------------------------------------------------------------------------------------------------------

    def _try(self, target_number: int, retries: int) -> None:
        self._timer = None
        attempt = Attempt(self, self._application, self.next_number(), target_number, retries)
        self._attempt = attempt
        attempt.start()

    def next_number(self) -> int:
        """The number of the next attempt."""
        self._tried += 1
        return self._tried - 1

    @property
    def continues(self) -> bool:
        """Whether another attempt is going to be made, or is under way beside this one."""
        return self._timer is not None or self.open > 0

    def again(self, failed: Attempt, wait: float | None, *, billed: bool = False, why: str = "") -> bool:
        """Whether another attempt follows a failed one: at the same target after `wait` seconds, or at the next one at once.

        Where there is none, the call may climb. `billed`: the vendor may bill the failed one, so that the call's limits must have
        room for another.
        """
        if self.gone or self.answered:
            return False
        same = wait is not None and failed.retries + 1 < failed.target.provider.retries.attempts
        if same:
            number, retries = failed.target_number, failed.retries + 1
        elif failed.target_number + 1 < len(self.targets):
            number, retries, wait = failed.target_number + 1, 0, 0.0
        else:
            return self.climb is not None and self.climb.again("vendor", why, billed=billed)
        if self.reservation is not None and not self.reservation.covers(self.targets[number], self, billed=billed):
            return False
        self._follow(wait or 0.0, number, retries)
        return True

    def _follow(self, wait: float, number: int, retries: int) -> None:
        self._attempt = None
        self._timer = self._application.loop.call_later(wait, self._try, number, retries)

    # --- its ladder, where its feature has one ------------------------------------------------------------------------------------

    def enter(self, targets: tuple[Target, ...], until: float) -> None:
        """Begin with a rung that leads to these targets, as soon as the call's limits have room for it."""
        self.targets, self.until = targets, until
        admission = self._application.admission
        admitted = True if admission is None else admission.admit(self)
        if isinstance(admitted, Refusal):
            self.turned_away(admitted)
        elif admitted:
            self._try(0, 0)

    def rise(self, targets: tuple[Target, ...], until: float, *, billed: bool) -> bool:
        """Go on with a rung that leads to these targets; False where the call's limits have no room for it."""
        if self.reservation is not None and not self.reservation.covers(targets[0], self, billed=billed):
            return False
        self.targets, self.until = targets, until
        self._follow(0.0, 0, 0)
        return True

    def holds(self, attempt: Attempt) -> bool:
        """Whether an answer must be seen whole before the caller sees any of it."""
        return self.climb is not None and self.climb.holds(attempt)

    def judge(self, attempt: Attempt, content: bytes, then: Callable[[str | None], None]) -> None:
        """Tell `then` why a held answer does not stand, or None."""
        if self.climb is None:
            then(None)
        else:
            self.climb.judge(attempt, content, then)

    def mark(self, row: AttemptRow, attempt: Attempt, reading: Reading) -> None:
        """Add to the fact of an attempt what its ladder knows."""
        if self.climb is not None:
            self.climb.mark(row, attempt, reading)

    def stood(self, attempt: Attempt, content: bytes) -> None:
        """The caller has this answer."""
        if self.climb is not None:
            self.climb.stood(attempt, content)

    def reply(self, pairs: Headers, content: bytes) -> None:
        """Answer with what no vendor was asked for."""
        if self.gone:
            self._finish()
            return
        self.answered = True
        head = self.request.head
        framed = [*pairs, (b"content-length", b"%d" % len(content)), (b"breakeven-call-id", self.id.encode())]
        if not self.client.keep_alive:
            framed.append((b"connection", b"close"))
        self.client.write(response_head(200, framed) + (b"" if head.method == b"HEAD" else content))
        self._finish()
        self.client.done()

    def _finish(self) -> None:
        """Nothing follows."""
        self.over = True
        self._application.ended(self)
        if self.climb is not None:
            self.climb.ended()
            if self.reservation is not None and not self.open:
                self.reservation.release()

    # --- the answer ---------------------------------------------------------------------------------------------------------------

    def head(self, attempt: Attempt, added: list[tuple[bytes, bytes]], framing: tuple[bytes, bytes] | None) -> bytes:
        """The head of the answer: the vendor's headers in their order, our framing in the place of its, ours at the end.

        Without a `framing` no body follows, and the vendor's own headers about it stay.
        """
        self.answered = True
        pairs = attempt.headers
        if framing is not None or not attempt.by_name.keys().isdisjoint(_NOT_FORWARDED):
            pairs = _reframed(pairs, attempt.by_name, framing)
        if framing is UNFRAMED:
            self.client.keep_alive = False
        elif not self.client.keep_alive:
            added.append((b"connection", b"close"))
        return response_head(attempt.status, [*pairs, *added])

    def body(self, content: bytes) -> None:
        """Send bytes of the answer, framed already."""
        if not self.gone:
            self.client.write(content)

    def complete(self) -> None:
        """The answer is whole."""
        self._attempt = None
        self._finish()
        if not self.gone:
            self.client.done()

    def cut(self) -> None:
        """The answer cannot be completed; the caller must notice that it is not whole."""
        self._attempt = None
        self._finish()
        if not self.gone:
            self.client.abort()

    def fail(self, attempt: Attempt, failure: Failure) -> None:
        """No vendor gave an answer: say so in the caller's dialect."""
        self._attempt = None
        self._finish()
        message = f"{attempt.target.provider.name}: {failure.what}."
        self._error(
            _STATUS_OF.get(failure.reason, _BAD_GATEWAY),
            failure.reason,
            message,
            attempt.target.caller_dialect,
            attempt.retry_after,
        )

    def short(self, refusal: Refusal) -> None:
        """The last answer did not stand, and its limits have no room for another attempt."""
        self._attempt = None
        self._finish()
        self._error(refusal.status, refusal.code, refusal.message, self.targets[0].caller_dialect, None, headers=refusal.headers)

    def _refuse(self, refusal: Refusal, dialect: str | None) -> None:
        self._application.refused(self, refusal)
        dialect = dialect or guessed_dialect(self.request)
        self._error(refusal.status, refusal.code, refusal.message, dialect, None, more=refusal.more, headers=refusal.headers)

    def _error(
        self,
        status: int,
        code: str,
        message: str,
        dialect: str,
        retry_after: float | None,
        *,
        more: Mapping[str, Any] = _NO_MORE,
        headers: Headers = (),
    ) -> None:
        self.answered = True
        if self.gone:
            return
        content = error_body(dialect, status, code, message, self.id, **more)
        pairs = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(content)),
            (b"breakeven-call-id", self.id.encode()),
            *headers,
        ]
        if retry_after is not None:
            pairs.append((b"retry-after", b"%d" % max(1, round(retry_after))))
        if not self.client.keep_alive:
            pairs.append((b"connection", b"close"))
        head = response_head(status, pairs)
        self.client.write(head if self.request.head.method == b"HEAD" else head + content)
        self.client.done()

    # --- what the caller's connection calls ---------------------------------------------------------------------------------------

    def client_gone(self) -> None:
        """The caller has gone: what the vendor has begun is read to its end; what has not begun is not begun."""
        self.gone = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        attempt, self._attempt = self._attempt, None
        if self.climb is None or attempt is None:
            self._finish()
        else:
            self._application.ended(self)
            self.over = True
            self.climb.ended()
        if attempt is not None:
            attempt.detach()
        elif self.reservation is not None:
            self.reservation.release()

    def pause(self) -> None:
        """The caller reads more slowly than the vendor writes."""
        if self._attempt is not None:
            self._attempt.pause()

    def resume(self) -> None:
        """The caller has caught up."""
        if self._attempt is not None:
            self._attempt.resume()


_NOT_FORWARDED = (HOP_BY_HOP - {b"content-length"}) | {
    b"breakeven-call-id",
    b"breakeven-cost-usd",
    b"breakeven-model",
    b"breakeven-rung",
    b"breakeven-budget-remaining-usd",
}


def _reframed(headers: Headers, by_name: Mapping[bytes, bytes], framing: tuple[bytes, bytes] | None) -> list[tuple[bytes, bytes]]:
    """The vendor's headers without those about its own connection, and with our framing in the place of its."""
    dropped = connection_names(by_name.get(b"connection"))
    pairs: list[tuple[bytes, bytes]] = []
    placed = framing is None
    for name, value in headers:
        lowered = name.lower()
        if lowered in (b"content-length", b"transfer-encoding"):
            if framing is None:
                pairs.append((name, value))
            elif not placed:
                placed = True
                pairs.append((name if lowered == framing[0] else framing[0], framing[1]))
        elif lowered not in _NOT_FORWARDED and lowered not in dropped:
            pairs.append((name, value))
    if not placed and framing is not None:
        pairs.append(framing)
    return pairs


def guessed_dialect(request: Request) -> str:
    """The dialect of a request whose target is not known."""
    return "anthropic" if b"anthropic-version" in request.head.by_name or b"/messages" in request.head.target else "openai"
