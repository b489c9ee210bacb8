"""What one worker holds: the configuration in force, connections to vendors, calls under way, and the paths of its own.

A configuration is a `Snapshot`; a reload puts a new one in its place. Calls that are under way keep the one they began with.
"""

from __future__ import annotations

import asyncio
import hmac
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from breakeven.gateway.admission import Admission
from breakeven.gateway.attribution import Refusal
from breakeven.gateway.background import Background
from breakeven.gateway.call import Call
from breakeven.gateway.capturing import Capturing, wanted
from breakeven.gateway.climbing import Climb
from breakeven.gateway.credentials import without_virtual_keys
from breakeven.gateway.dialects import error_body
from breakeven.gateway.estimating import Estimator
from breakeven.gateway.facts import Clock, new_call_id, now_ns
from breakeven.gateway.faults import report_fault
from breakeven.gateway.flights import Flights
from breakeven.gateway.judging import Judge
from breakeven.gateway.ladders import Ladders
from breakeven.gateway.metrics import Metrics, exposition
from breakeven.gateway.ownpaths import OWN_PATHS
from breakeven.gateway.promptcaching import PrefixMemory
from breakeven.gateway.resilience import Breaker, Lane
from breakeven.gateway.settlement import refused_row
from breakeven.gateway.translating import said_there
from breakeven.gateway.visitors import Visitors
from breakeven.gateway.wire.messages import Head, HeadMemory, Limits, Request, response_head
from breakeven.gateway.wire.server import ClientConnection
from breakeven.gateway.wire.upstream import Address, Failure, Pool
from breakeven.providers import call_of
from breakeven.providers.quick import QuickCall
from breakeven.settings import AccountsSettings

if TYPE_CHECKING:
    from breakeven.accounts.leases import Leases
    from breakeven.economics.cost_class import CostClassRule
    from breakeven.gateway.attempt import Attempt
    from breakeven.gateway.attribution import Attributor
    from breakeven.gateway.caches import CacheStore
    from breakeven.gateway.costing import Costs, Rater
    from breakeven.gateway.facts import AttemptRow
    from breakeven.gateway.handling import Handling
    from breakeven.gateway.keys import KeyRing, VirtualKey
    from breakeven.gateway.meter import Meter
    from breakeven.gateway.recorder import Recorder
    from breakeven.gateway.rolling import Rolling
    from breakeven.gateway.rungs import Rungs
    from breakeven.gateway.targets import Target, Targets
    from breakeven.governance.budgets import Budget
    from breakeven.governance.capture import CapturePolicy
    from breakeven.governance.policy import PolicyBook
    from breakeven.governance.privacy import Pseudonyms
    from breakeven.settings.handlers import HandlerSettings

_MOST_KNOWN = 4096
_GAPS = frozenset({"usage_missing", "unpriced"})


def _no_window(provider: str, model: str) -> int | None:
    """Where no price book says how many tokens a model takes."""
    del provider, model
    return None


@dataclass(frozen=True, slots=True)
class Drain:
    """How long and how far an answer is read on after its caller has gone."""

    time: float = 300.0
    bytes: int = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Caller:
    """What the head of a request says about who sends it."""

    forwarded: list[tuple[bytes, bytes]]
    ours: tuple[tuple[bytes, bytes], ...]
    key: VirtualKey | None
    anthropic: bool
    sends_json: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One configuration, made ready."""

    attributor: Attributor
    keys: KeyRing
    targets: Targets
    rater: Rater
    cost_classes: tuple[CostClassRule, ...] = ()
    keys_required: bool = False
    admin_token: bytes = b""
    limits: Limits = field(default_factory=Limits)
    drain: Drain = field(default_factory=Drain)
    usage_cost: bool = False
    budgets: tuple[Budget, ...] = ()
    window: Callable[[str, str], int | None] = _no_window
    accounts: AccountsSettings = field(default_factory=AccountsSettings)
    policies: PolicyBook | None = None
    visitors: Visitors = field(default_factory=Visitors)
    ladders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    captures: Mapping[str, CapturePolicy] = field(default_factory=dict)
    rungs: Mapping[str, Rungs] = field(default_factory=dict)
    cached_in: AccountsSettings = field(default_factory=AccountsSettings)
    handlers: Mapping[str, HandlerSettings] = field(default_factory=dict)
    prompt_cache: Mapping[str, str] = field(default_factory=dict)
    pseudonyms: Pseudonyms | None = None
    _known: dict[tuple[Target, str], QuickCall] = field(default_factory=dict)

    def caller(self, head: Head) -> Caller | Refusal:
        """Who sends requests with this head; looked at once, but for a key that may end."""
        found: Caller | None = head.notes.get("caller")
        if found is not None and (found.key is None or self.keys.in_force(found.key)):
            return found
        key = self.keys.identify(head.by_name, required=self.keys_required)
        if isinstance(key, Refusal):
            return key
        if key is None and _from_a_web_page(head):
            return Refusal(403, "web_page", "A web page of another site may not use this gateway without a virtual key.")
        forwarded, ours = self.attributor.split(without_virtual_keys(head.headers))
        json = b"json" in head.by_name.get(b"content-type", b"json")
        found = Caller(forwarded, ours, key, b"anthropic-version" in head.by_name, json)
        head.notes["caller"] = found
        return found

    def known(self, target: Target, model: str) -> QuickCall:
        """What is known about calls of this model to this target, for the readers; looked at once."""
        key = (target, model)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            found = QuickCall.of(
                call_of(provider=target.vendor, api=target.api, model=model, url=target.url, context=target.context)
            )
            self._known[key] = found
        return found


class Application:
    """One worker's gateway."""

    def __init__(  # noqa: PLR0913 - all that a worker is made of
        self,
        loop: asyncio.AbstractEventLoop,
        snapshot: Snapshot,
        recorder: Recorder,
        metrics: Metrics,
        *,
        peers: Callable[[], Iterable[Path]] = tuple,
        leases: Callable[[Snapshot], Leases] | None = None,
        caches: Callable[[Snapshot], CacheStore] | None = None,
        handling: Callable[[Snapshot], Handling] | None = None,
        rolling: Rolling | None = None,
    ) -> None:
        self.loop = loop
        self.snapshot = snapshot
        self.recorder = recorder
        self.metrics = metrics
        self.clock = Clock()
        self.connections: set[ClientConnection] = set()
        self.heads = HeadMemory()
        self.prefixes = PrefixMemory()
        self.attempts: set[Attempt] = set()
        self.calls: set[Call] = set()
        self.stopping = False
        self.admission: Admission | None = None
        self.judge: Judge | None = None
        self.cache: CacheStore | None = None
        self.flights = Flights()
        self.background = Background(self)
        self.rolling = rolling
        self.handling: Handling | None = None
        self.capturing: Capturing | None = None
        self._leases = leases
        self._caches = caches
        self._handling = handling
        self._peers = peers
        self._lanes: dict[str, Lane] = {}
        self._pools: dict[tuple[str, Address], Pool] = {}
        self._limit(snapshot)

    def _limit(self, snapshot: Snapshot) -> None:
        """Put the policies and limits of a configuration in force. Who declares none pays nothing for them."""
        estimator = Estimator(snapshot.rater, snapshot.window)
        self.judge = Judge(snapshot.policies, estimator) if snapshot.policies else None
        if self.admission is None and snapshot.budgets and self._leases is not None:
            self.admission = Admission(self._leases(snapshot), self.loop.time)
        if self.admission is not None:
            self.admission.configure(snapshot.budgets, estimator, Ladders(snapshot.ladders, snapshot.targets))
        caching = any(rung.kind == "cache" for rungs in snapshot.rungs.values() for rung in rungs.ladder.rungs)
        if self.cache is None and caching and self._caches is not None:
            self.cache = self._caches(snapshot)
        before, self.handling = self.handling, None
        if snapshot.handlers and snapshot.rungs and self._handling is not None:
            self.handling = self._handling(snapshot)
        if before is not None:
            before.close()

    def climb(self, call: Call, rungs: Rungs) -> None:
        """Begin a call on its feature's ladder."""
        call.climb = Climb(call, rungs, self)
        call.climb.begin()

    @property
    def limits(self) -> Limits:
        """What a request may be at most."""
        return self.snapshot.limits

    # --- requests -----------------------------------------------------------------------------------------------------------------

    def answer(self, client: ClientConnection, request: Request) -> Call | None:
        """Answer one of our own paths at once, or begin a call."""
        own = OWN_PATHS.get(request.head.target)
        if own is not None:
            own(self, client, request)
            return None
        return Call(self, self.snapshot, client, request).begin()

    def refuse(self, status: int, message: str, target: bytes) -> bytes:
        """The whole answer to a request that cannot be read."""
        self.metrics.add("refused", 1, (("code", f"http_{status}"),))
        dialect = "anthropic" if b"/messages" in target else "openai"
        content = error_body(dialect, status, "invalid_http", message, new_call_id(now_ns()))
        pairs = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content)), (b"connection", b"close")]
        return response_head(status, pairs) + content

    def fault(self) -> None:
        """Count and log the exception that is being handled."""
        report_fault(self.metrics)

    def began(self, call: Call) -> None:
        """A call is under way."""
        self.calls.add(call)

    def ended(self, call: Call) -> None:
        """A call has its answer, or its caller has gone."""
        self.calls.discard(call)

    def refused(self, call: Call, refusal: Refusal) -> None:
        """A call was refused before any vendor was asked. Of a caller that we know it is a fact of the ledger; it cost nothing."""
        self.metrics.add("refused", 1, (("code", refusal.code),))
        if call.targets:
            now = now_ns()
            self.recorder.settle(refused_row(call, refusal, self.clock.text(call.started_ns), self.clock.text(now)), None)

    def capture(self, call: Call, row: AttemptRow, target: Target, meter: Meter | None) -> None:
        """Keep the bodies of an attempt that was answered, where the charter of its feature says so; never a reason to fail.

        Both are kept as the vendor had them: in its dialect, where the caller speaks another.
        """
        if self.capturing is None or not self.snapshot.captures or (policy := wanted(call)) is None:
            return
        try:
            request = call.request.body if target.translation is None else call.bodies.get(target) or said_there(call, target)
            answer = None if meter is None else meter.body()
            self.capturing.offer(policy, request, row, answer, call.snapshot.pseudonyms)
        except Exception:  # noqa: BLE001 - whatever it is, the caller's answer goes on
            self.metrics.add("captures_skipped")
            self.fault()

    # --- vendors ------------------------------------------------------------------------------------------------------------------

    def lane(self, target: Target) -> Lane:
        """The places of the target's provider. A reload that changes its limits makes a new lane."""
        provider = target.provider
        lane = self._lanes.get(provider.name)
        if lane is None:
            circuit, concurrency = provider.circuit, provider.concurrency
            breaker = Breaker(circuit.failures, circuit.window, circuit.open)
            lane = self._lanes[provider.name] = Lane(concurrency.limit, concurrency.queue, breaker)
        return lane

    def pool(self, target: Target) -> Pool:
        """The connections to the target's address."""
        key = (target.provider.name, target.address)
        pool = self._pools.get(key)
        if pool is None:
            context = self._context(target) if target.address.tls else None
            pool = self._pools[key] = Pool(target.address, self.loop, context)
        return pool

    def _context(self, target: Target) -> ssl.SSLContext:
        tls = target.provider.tls
        context = ssl.create_default_context(cafile=str(tls.ca_file) if tls.ca_file else None)
        if not tls.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    # --- time ---------------------------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """For the worker's timer: facts to the disk, and an end to what takes too long."""
        self.recorder.tick()
        if self.admission is not None:
            self.admission.tick()
        now = self.loop.time()
        for attempt in tuple(self.attempts):
            attempt.expire(now)
        self.background.tick(now)

    def sweep(self) -> None:
        """For the worker's slower timer: silent callers and idle vendors' connections."""
        now = self.loop.time()
        for connection in tuple(self.connections):
            connection.expire(now)
        for pool in self._pools.values():
            pool.expire(now)
        if self.cache is not None:
            self.cache.tick()
            self.flights.renew()
        self.metrics.set("in_flight", len(self.attempts))
        self.metrics.set("connections", len(self.connections))

    def replace(self, snapshot: Snapshot) -> None:
        """A new configuration: calls that begin from now on follow it."""
        self.snapshot = snapshot
        self.heads = HeadMemory()
        self._limit(snapshot)
        self._lanes.clear()
        old, self._pools = self._pools, {}
        for pool in old.values():
            pool.retire()

    def stop(self) -> None:
        """Begin to stop: no new calls on open connections; those under way are completed."""
        self.stopping = True
        for connection in tuple(self.connections):
            connection.close_when_idle()

    def give_up(self) -> None:
        """Break off what is still under way; each attempt is recorded as it stands."""
        for attempt in tuple(self.attempts):
            attempt.failed(Failure("shutdown", "the gateway was stopped", sent=True))
        self.background.give_up()

    def close(self) -> None:
        """Everything to the disk, every connection closed."""
        for connection in tuple(self.connections):
            connection.transport.abort()
        for pool in self._pools.values():
            pool.retire()
        if self.admission is not None:
            self.admission.leases.close()
        if self.cache is not None:
            self.cache.close()
        if self.handling is not None:
            self.handling.close()
        self.recorder.close()
        if self.capturing is not None:
            self.capturing.close()

    @property
    def busy(self) -> bool:
        """Whether calls or drained answers are under way."""
        return bool(self.calls or self.attempts)

    # --- numbers ------------------------------------------------------------------------------------------------------------------

    def count(self, attempt: Attempt, status: str, costs: Costs) -> None:
        """Add one settled attempt to the metrics."""
        add, provider = self.metrics.add, attempt.target.labels
        add("attempts", 1, (*provider, ("status", status)))
        if costs.total:
            add("cost_usd", costs.total / 1e18, provider)
        if costs.state in _GAPS:
            add(costs.state, 1, provider)
        if attempt.call.attribution.feature is None:
            add("unattributed")

    def exposition(self) -> bytes:
        """The metrics of all workers."""
        self.sweep()
        return exposition(self.metrics, self._peers())

    def may_administer(self, request: Request) -> bool:
        """Whether a request shows the admin token."""
        given = request.head.by_name.get(b"authorization", b"").removeprefix(b"Bearer ").strip()
        token = self.snapshot.admin_token
        return bool(token) and hmac.compare_digest(given, token)


def _from_a_web_page(head: Head) -> bool:
    """Whether a browser sends this for a page of another site: on a machine's own address such a page must spend nothing."""
    site = head.by_name.get(b"sec-fetch-site", b"none").lower()
    return site in (b"cross-site", b"same-site") or b"origin" in head.by_name
