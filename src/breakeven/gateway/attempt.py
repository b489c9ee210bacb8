"""One try at a vendor: a place in its lane, an intent, the request, the answer on its way back, the facts.

How an answer goes back: *held* (a metered body: read whole, so that its cost can stand in the head), *flowing* (event streams, and
whatever is not metered: passed on as it comes, metered on the side). An answer that calls for another attempt is read and dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from breakeven.errors import Unreachable
from breakeven.gateway.background import UNTOLD
from breakeven.gateway.capturing import keeps
from breakeven.gateway.costing import NO_COSTS, tokens_of
from breakeven.gateway.facts import money, now_ns
from breakeven.gateway.forwarding import request_for
from breakeven.gateway.meter import Meter, framing_of
from breakeven.gateway.promptcaching import with_cacheable
from breakeven.gateway.readings import described, intent_of, reading_of, unmetered
from breakeven.gateway.resilience import FINAL, RETRYABLE, TOLD, wait_before
from breakeven.gateway.settlement import Ended, row_of, whole_second
from breakeven.gateway.streams import UsageStripper, with_cost
from breakeven.gateway.translating import here, said_here
from breakeven.gateway.wire.messages import LAST_CHUNK, UNFRAMED, chunk
from breakeven.gateway.wire.upstream import Failure, UpstreamConnection
from breakeven.providers.translation import StreamTranslator, Translation, Untranslatable

if TYPE_CHECKING:
    from breakeven.gateway.application import Application
    from breakeven.gateway.call import Call
    from breakeven.gateway.facts import AttemptRow

LARGEST_HELD = 8 * 1024 * 1024
_OK, _REFUSED = 200, 400
_CHUNKED = (b"transfer-encoding", b"chunked")


class Attempt:
    """One try of a call at one target."""

    __slots__ = (
        "_application", "_began", "_connection", "_costs", "_drained", "_ended", "_first_byte_at", "_flowing", "_framed", "_held",
        "_held_size", "_judged", "_kept", "_lane", "_placed", "_sent_at", "_stripper", "_task", "_tokens", "_told", "_waits",
        "by_name", "call", "deadline", "deadline_reason", "headers", "meter", "number", "retries", "retry_after", "rung", "served",
        "started_ns", "status", "target", "target_number",
    )  # fmt: skip

    def __init__(self, call: Call, application: Application, number: int, target_number: int, retries: int) -> None:
        self.call = call
        self.number = number
        self.target_number = target_number
        self.target = call.targets[target_number]
        self.retries = retries
        self.rung = call.rung
        self.started_ns = call.started_ns if number == 0 else now_ns()
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.by_name: dict[bytes, bytes] = {}
        self.retry_after: float | None = None
        self.deadline = 0.0
        self.deadline_reason = ""
        self._application = application
        self._began = call.started if number == 0 else application.loop.time()
        self._lane = application.lane(self.target)
        self._connection: UpstreamConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._waits = False
        self._placed = False
        self._ended = False
        self._sent_at = 0.0
        self._first_byte_at = 0.0
        self.meter: Meter | None = None
        self._costs = NO_COSTS
        self._tokens: int | None = None
        self.served = ""
        self._stripper: UsageStripper | StreamTranslator | None = None
        self._held: list[bytes] = []
        self._held_size = 0
        self._judged = False
        self._kept: list[bytes] | None = None
        self._flowing = False
        self._framed = False
        self._drained = -1
        self._told = ""

    # --- before the vendor --------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Take a place in the provider's lane, or wait for one."""
        now = self._application.loop.time()
        lane, limits = self._lane, self.target.provider.concurrency
        if not lane.breaker.allows(now):
            self.retry_after = lane.breaker.wait(now)
            self._unsent(Failure("circuit_open", "the vendor failed too often and is left alone for a moment", sent=False))
            return
        entered = lane.enter(self)
        if entered is False:
            lane.breaker.undecided()
            self.retry_after = 1.0
            self._unsent(Failure("queue_full", "too many calls wait for this vendor", sent=False))
            return
        self._application.attempts.add(self)
        if entered:
            self.admitted()
        else:
            self._waits = True
            self._expect(now + limits.queue_timeout, "queue_timeout")

    def admitted(self) -> None:
        """The place is taken: use an open connection, or open one."""
        self._waits = False
        self._placed = True
        pool = self._application.pool(self.target)
        connection = pool.idle()
        if connection is not None:
            self._send(connection)
            return
        seconds = self.target.provider.timeouts.connect
        self._expect(self._application.loop.time() + seconds + 1.0, "connect_timeout")
        self._task = pool.connect(seconds, self._send, self.failed)

    def _send(self, connection: UpstreamConnection) -> None:
        self._task = None
        if self._ended:
            self._application.pool(self.target).give_back(connection)
            return
        application = self._application
        try:
            request = request_for(self.call, self.target)
        except Unreachable as fault:  # the credentials cannot be had at the moment
            application.pool(self.target).give_back(connection)
            self.failed(Failure("credentials", fault.what, sent=False))
            return
        except Untranslatable as fault:  # of a target that was not among the call's first ones, which are translated before
            application.pool(self.target).give_back(connection)
            self._lane.breaker.undecided()
            self._unsent(Failure("not_translatable", f"{fault.what}. {fault.remedy}", sent=False))
            return
        self._sent_at = now = application.loop.time()
        self._connection = connection
        self._expect(now + self.target.provider.timeouts.first_byte, "first_byte_timeout")
        bodyless = self.call.request.head.method == b"HEAD"
        application.recorder.intend(intent_of(self, application.clock), partial(connection.send, request, self, bodyless=bodyless))

    @property
    def model(self) -> str:
        """The model that is asked for."""
        return self.target.model_in_url or self.call.hints.model or ""

    # --- the vendor's answer ------------------------------------------------------------------------------------------------------

    def received_head(self, status: int, headers: list[tuple[bytes, bytes]], *, last: bool) -> None:
        """Status and headers are there: decide how the answer goes back."""
        self._first_byte_at = now = self._application.loop.time()
        self.status = status
        self.headers = headers
        self.by_name = by_name = {name.lower(): value for name, value in headers}
        self._expect(now + self.target.provider.timeouts.between_chunks, "chunk_timeout")
        content_type = by_name.get(b"content-type", b"")
        framing = framing_of(content_type)
        metered = bool(self.target.api) and self.target.metered
        if metered:
            encoding = by_name.get(b"content-encoding", b"").strip().lower()
            known = self.call.snapshot.known(self.target, self.model)
            self.meter = Meter(known, status, content_type, encoding, keeps=keeps(self.call))
        translation = self.target.translation
        if translation is not None:
            self._answered_there(translation, framing, last=last)
        elif status not in RETRYABLE and (framing != "whole" or not metered) and not self.call.gone and not self.call.holds(self):
            if self.call.asked_usage and framing == "sse" and b"content-encoding" not in by_name:
                self._stripper = UsageStripper()
            self._flow(last=last)

    @property
    def streamed(self) -> bool:
        """Whether the answer is an event stream."""
        return framing_of(self.by_name.get(b"content-type", b"")) == "sse"

    @property
    def cost(self) -> int | None:
        """What it cost in atto-dollars; None while, or where, that is not known."""
        return self._costs.total

    def _answered_there(self, translation: Translation, framing: str, *, last: bool) -> None:
        """An answer in another dialect: its events are translated as they come, everything else is held until it is whole."""
        call, (theirs, ours) = self.call, translation.request_id
        self.headers = [(ours, value) if name.lower() == theirs else (name, value) for name, value in self.headers]
        if self.by_name.get(b"content-encoding", b"identity").strip().lower() not in (b"", b"identity"):
            self.failed(Failure("bad_answer", "the answer came compressed, which was not asked for", sent=True))
        elif self.status < _REFUSED and framing == "sse" and not call.gone and not call.holds(self):
            self._stripper = translation.stream(call.started_ns // 1_000_000_000, wants_usage=call.hints.wants_usage)
            self._flow(last=last)

    def _flow(self, *, last: bool) -> None:
        """Begin to pass the answer on."""
        self._flowing = True
        if self.call.climb is not None and self.call.climb.keeps_copy:
            self._kept = []
        length = self.by_name.get(b"content-length", b"")
        self._framed = length.isdigit() and self._stripper is None
        framing: tuple[bytes, bytes] | None = (b"content-length", length) if self._framed else _CHUNKED
        if not self._framed and not self.call.request.head.takes_chunks:
            self._framed = True
            framing = UNFRAMED
        self.call.body(self.call.head(self, described(self, None), None if last else framing))

    def received_body(self, content: bytes) -> None:
        """The next bytes of the answer, without their framing."""
        self.deadline = self._application.loop.time() + self.target.provider.timeouts.between_chunks
        if self._drained >= 0 and not self._may_drain(len(content)):
            return
        if self.meter is not None:
            self.meter.feed(content)
        if self._flowing:
            self._pass_on(content if self._stripper is None else self._stripper.feed(content))
            return
        if self.call.gone:
            return
        self._held.append(content)
        self._held_size += len(content)
        if self._held_size > LARGEST_HELD and self.call.holds(self):
            self.failed(Failure("too_long", "the answer is too long to be judged", sent=True))
        elif self._held_size > LARGEST_HELD and self.target.translation is not None:
            self.failed(Failure("bad_answer", "the answer is too long to be translated", sent=True))
        elif self._held_size > LARGEST_HELD and self.status not in RETRYABLE:
            # Too large to hold back for the sake of a header: it goes on now, and what it cost is read when it is complete.
            self._flow(last=False)
            self._pass_on(b"".join(self._held))
            self._held.clear()

    def _pass_on(self, content: bytes) -> None:
        if content:
            if self._kept is not None:
                self._kept.append(content)
            self.call.body(content if self._framed else chunk(content))

    def received_all(self) -> None:
        """The answer is complete."""
        self._connection = None
        self._vendor_answered()
        if self.status in RETRYABLE and not self.call.gone:
            provider = self.target.provider
            wait = wait_before(self.retries, provider.retries.backoff, provider.retries.max_backoff, self.by_name, self._wall())
            if self.call.again(self, wait, why=f"it answered {self.status}"):
                self._settle("failed", None, None)
                return
        if self._flowing or self.call.gone or not self.call.holds(self):
            self._settle("ok" if self.status < _REFUSED else "failed", None, self._deliver)
        elif self.status >= _REFUSED and self.call.again(self, None, why=f"it answered {self.status}"):
            self._settle("failed", None, None)
        else:
            self._judge()

    def _judge(self) -> None:
        """The answer is whole and held: it goes on if it stands."""
        self._leave()
        self._judged = True
        try:
            self._held = [here(self, b"".join(self._held))]
        except Untranslatable as fault:
            self._found(f"its answer cannot be translated: {fault.what}")
            return
        self.call.judge(self, self._held[0], self._found)

    def _found(self, why: str | None) -> None:
        """The answer stands (None), or does not: then the call climbs, or ends where its limits have no room for that."""
        if self._ended:
            return
        if why is None:
            self._settle("ok" if self.status < _REFUSED else "failed", None, self._deliver)
            return
        climb = self.call.climb
        if climb is None or self.call.gone or climb.again("check", why, billed=True):
            self._settle("rejected", None, None)
        else:
            self._settle("rejected", None, partial(self.call.short, climb.no_room(why)))

    def _vendor_answered(self) -> None:
        if self.status >= 500 or self.status == 429:  # noqa: PLR2004 - HTTP's server errors and too many requests
            self._lane.breaker.failed(self._application.loop.time())
        else:
            self._lane.breaker.succeeded()

    def _deliver(self) -> None:
        call = self.call
        if self._flowing:
            rest = self._stripper.close() if self._stripper is not None else b""
            self._pass_on(rest)
            if not self._framed and call.request.head.method != b"HEAD":
                call.body(LAST_CHUNK)
            call.stood(self, b"".join(self._kept or ()))
        elif not call.gone:
            bodyless = call.request.head.method == b"HEAD" or self.status in (204, 304)
            held = self._held
            if self.target.translation is not None and not bodyless and not self._judged:
                try:
                    held = self._held = [said_here(self, b"".join(held))]
                except Untranslatable as fault:
                    call.fail(self, Failure("bad_answer", f"its answer cannot be translated: {fault.what}", sent=True))
                    return
            total = self._costs.total
            if call.snapshot.usage_cost and total is not None and b"content-encoding" not in self.by_name:
                held = [with_cost(b"".join(held), money(total))]
            length = b"%d" % sum(map(len, held))
            framing = None if bodyless or self.by_name.get(b"content-length") == length else (b"content-length", length)
            head = call.head(self, described(self, self._costs), framing)
            call.body(b"".join((head, *held)))
            call.stood(self, b"".join(self._held))
        call.complete()

    def failed(self, failure: Failure) -> None:
        """The answer cannot be completed, or never came."""
        if self._ended:
            return
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.give_up()
        self._lane.breaker.failed(self._application.loop.time())
        if not self._sent_at:
            self._unsent(failure)
            return
        answered = self.call.answered and not self.call.gone
        again = False
        if not answered and not self.call.gone:
            provider = self.target.provider
            wait = wait_before(self.retries, provider.retries.backoff, provider.retries.max_backoff, {}, self._wall())
            if failure.reason in FINAL:
                wait = None
            again = self.call.again(self, wait, billed=True, why=failure.what)
        then = self.call.cut if answered else None if again or self.call.gone else partial(self.call.fail, self, failure)
        self._settle("cut_off" if self._first_byte_at else "failed", failure, then)

    def _unsent(self, failure: Failure) -> None:
        """Nothing reached the vendor: it costs nothing, and another target may do better."""
        provider = self.target.provider
        wait = None
        if failure.reason not in ("circuit_open", "queue_full", "queue_timeout", "not_translatable"):
            wait = wait_before(self.retries, provider.retries.backoff, provider.retries.max_backoff, {}, self._wall())
        again = self.call.again(self, wait, why=failure.what)
        self._settle("failed", failure, None if again or self.call.gone else partial(self.call.fail, self, failure))

    # --- the caller, and time -----------------------------------------------------------------------------------------------------

    def detach(self) -> None:
        """The caller has gone. What was sent is read to its end, up to a cap, because the vendor bills it; the rest is given up."""
        if self._ended:
            return
        if not self._sent_at:
            if self._waits:
                self._lane.forget(self)
            if self._task is not None:
                self._task.cancel()
            self._lane.breaker.undecided()
            self._settle("cut_off", Failure("client_gone", "the caller went away before the call was sent", sent=False), None)
            return
        if self._judged:
            self._settle("cut_off", None, None)
            return
        self._drained = 0
        self._held.clear()
        self.resume()
        self._application.metrics.add("drained")

    def _may_drain(self, size: int) -> bool:
        self._drained += size
        limits = self.call.snapshot.drain
        if self._drained <= limits.bytes:
            return True
        self._application.metrics.add("drain_capped")
        self.failed(Failure("drain_cap", "the caller had gone and the answer was longer than the cap", sent=True))
        return False

    def pause(self) -> None:
        """The caller reads more slowly than the vendor writes."""
        if self._connection is not None:
            self._connection.transport.pause_reading()

    def resume(self) -> None:
        """The caller has caught up."""
        if self._connection is not None:
            self._connection.transport.resume_reading()

    def _expect(self, deadline: float, reason: str) -> None:
        self.deadline = deadline
        self.deadline_reason = reason

    def expire(self, now: float) -> None:
        """For the worker's timer: break off what takes too long."""
        timeouts = self.target.provider.timeouts
        total = self.call.started + timeouts.total
        if self.call.until and now >= self.call.until and not self._flowing and self._drained < 0:
            self._expect(self.call.until, "rung_timeout")
        if self._drained >= 0:
            total = min(total, self._sent_at + self.call.snapshot.drain.time)
        if now < self.deadline and now < total:
            return
        reason = self.deadline_reason if now >= self.deadline else "total_timeout"
        if self._waits:
            self._lane.forget(self)
            self._waits = False
        if self._task is not None:
            self._task.cancel()
        self.failed(Failure(reason, TOLD.get(reason, "it took too long"), sent=bool(self._sent_at)))

    def _wall(self) -> float:
        return now_ns() / 1e9

    # --- the facts ----------------------------------------------------------------------------------------------------------------

    def _settle(self, status: str, failure: Failure | None, then: Callable[[], None] | None) -> None:
        """Leave the lane and write what this attempt was and what it cost, once; then do what the caller waits for.

        A fault of the metering itself must not keep an answer from its caller: it is counted, and the open intent shows the gap.
        """
        self._ended = True
        self._leave()
        if self.call.hints.background and self._is_told_later():
            if then is not None:
                then()
            return
        application = self._application
        try:
            row = self._row(status, failure)
            application.count(self, status, self._costs)
        except Exception:  # noqa: BLE001 - whatever it is, the caller's answer goes on
            application.metrics.add("metering_errors")
            application.fault()
            self._settle_limits()
            if then is not None:
                then()
            return
        self._settle_limits()
        application.capture(self.call, row, self.target, self.meter)
        application.recorder.settle(row, then)

    def _is_told_later(self) -> bool:
        """Whether the vendor goes on in the background: what it will have used is asked for, and the fact written then."""
        if self._told or self.meter is None or not _OK <= self.status < _REFUSED:
            return False
        reading = self.meter.reading()
        later = reading.state == "usage_missing" and self._application.background.add(self, reading.response_id)
        self.call.open += later
        return later

    def tell(self, content: bytes | None, why: str) -> None:
        """What a background response was in the end, from which its usage is read; None and why there is no knowing."""
        call = self.call
        call.open -= 1
        self._told = why or "the response says nothing of what it used"
        if content is not None:
            self.meter = Meter(call.snapshot.known(self.target, self.model), _OK, b"application/json", b"", keeps=keeps(call))
            self.meter.feed(content)
        self._settle("ok", None, None)

    def _leave(self) -> None:
        """Give the place in the lane to another."""
        self._application.attempts.discard(self)
        if self._placed:
            self._placed = False
            self._lane.leave()

    def _settle_limits(self) -> None:
        """Tell the limits that the call draws on what this attempt used; what nobody knows counts as reserved."""
        reservation = self.call.reservation
        if reservation is None:
            return
        try:
            reservation.settle(self._costs.total, self._tokens, sent=bool(self._sent_at), last=not self.call.continues)
        except Exception:  # noqa: BLE001 - whatever it is, the caller's answer goes on
            self._application.metrics.add("limit_errors")
            self._application.fault()

    def _row(self, status: str, failure: Failure | None) -> AttemptRow:
        application, call = self._application, self.call
        reading = reading_of(self, failure)
        self.served = reading.model
        self._costs = costs = call.snapshot.rater.costs(reading, whole_second(self.started_ns // 1_000_000_000))
        used = tokens_of(reading)
        if call.reservation is not None:
            self._tokens = sum(used) if used is not None else 0 if reading.state == "not_billed" else None
        reason = (
            failure.what if failure is not None else unmetered(self) or self._told or (UNTOLD if call.hints.background else None)
        )
        first = round((self._first_byte_at - self._sent_at) * 1000) if self._first_byte_at else None
        clock, latency = application.clock, round((application.loop.time() - self._began) * 1000)
        ended = Ended(
            call.id, self.number, self.started_ns, clock.text(self.started_ns), clock.text(now_ns()), status, self.status or None,
            latency, first, self.rung, call.hints.characters, reason,
        )  # fmt: skip
        who = call.attribution if call.prefix is None else with_cacheable(call.attribution, call.prefix, used)
        row = row_of(ended, who, reading, costs, call.snapshot.cost_classes)
        call.mark(row, self, reading)
        return row
