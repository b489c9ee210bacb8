"""Keeping requests and answers, where a feature's charter says so: beside the loop, redacted before anything is written.

Redaction and writing are done by one thread. What waits for it is bounded; what finds no room, cannot be redacted or does not fit
on the disk is not kept and is counted. The caller's answer never waits for any of it.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from breakeven.gateway.dimensions import dimension_of
from breakeven.gateway.meter import LARGEST_CAPTURED
from breakeven.governance.capture import REPLAYED
from breakeven.ledger.captures import Exchange, append
from breakeven.providers.assembled import assembled

if TYPE_CHECKING:
    from breakeven.gateway.call import Call
    from breakeven.gateway.facts import AttemptRow
    from breakeven.gateway.metrics import Metrics
    from breakeven.governance.capture import CapturePolicy
    from breakeven.governance.privacy import Pseudonyms
    from breakeven.ledger.layout import Layout

MOST_WAITING_BYTES = 64 * 1024 * 1024
_BATCH = 100


class _Offered(NamedTuple):
    policy: CapturePolicy
    request: bytes
    row: AttemptRow
    response: bytes
    pseudonyms: Pseudonyms | None

    @property
    def size(self) -> int:
        return len(self.request) + len(self.response)


def wanted(call: Call) -> CapturePolicy | None:
    """The policy by which the bodies of this call are kept; None where they are not."""
    if call.attribution.environment == REPLAYED:
        return None
    policy = call.snapshot.captures.get(call.attribution.feature or "")
    return policy if policy is not None and policy.takes(call.id) else None


def keeps(call: Call) -> bool:
    """Whether the answer to this call must be kept while it passes."""
    return wanted(call) is not None


class Capturing:
    """Keeps exchanges of one worker."""

    def __init__(self, layout: Layout, writer: str, metrics: Metrics) -> None:
        self._layout = layout
        self._writer = writer
        self._metrics = metrics
        self._waiting: deque[_Offered] = deque()
        self._waiting_bytes = 0
        self._counting = Lock()
        self._thread: ThreadPoolExecutor | None = None

    def offer(
        self,
        policy: CapturePolicy,
        request: bytes,
        row: AttemptRow,
        response: bytes | None,
        pseudonyms: Pseudonyms | None = None,
    ) -> None:
        """Keep one exchange, soon; only what was answered is kept."""
        if row.status != "ok":
            return
        if response is None or max(len(request), len(response)) > LARGEST_CAPTURED:
            self._metrics.add("captures_skipped")
            return
        offered = _Offered(policy, request, row, response, pseudonyms)
        if self._waiting_bytes + offered.size > MOST_WAITING_BYTES:
            self._metrics.add("captures_dropped")
            return
        with self._counting:
            self._waiting_bytes += offered.size
        self._waiting.append(offered)
        if self._thread is None:  # most workers keep nothing and need no thread
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="captures")
        if len(self._waiting) == 1:
            self._thread.submit(self._drain)

    def close(self) -> None:
        """Keep what waits, and end."""
        if self._thread is not None:
            self._thread.submit(self._drain)
            self._thread.shutdown(wait=True)

    def _drain(self) -> None:
        """Runs in the thread."""
        while self._waiting:
            batch = [self._waiting[place] for place in range(min(_BATCH, len(self._waiting)))]
            try:
                found = [each for offered in batch if (each := self._exchange(offered)) is not None]
                self._metrics.add("captures", append(self._layout, self._writer, found))
            except OSError:
                self._metrics.add("captures_dropped", len(batch))
            finally:
                for _ in batch:
                    self._waiting.popleft()
                with self._counting:
                    self._waiting_bytes -= sum(offered.size for offered in batch)

    def _exchange(self, offered: _Offered) -> Exchange | None:
        try:
            return exchange(offered.policy, offered.request, offered.row, offered.response, offered.pseudonyms)
        except Exception:  # noqa: BLE001 - what cannot be redacted is not kept, whatever the reason
            self._metrics.add("captures_skipped")
            return None


def _is_one_object(response: bytes) -> bool:
    try:
        msgspec.json.decode(response, type=dict[str, msgspec.Raw])
    except msgspec.MsgspecError:
        return False
    return True


def disguised(body: bytes, pseudonyms: Pseudonyms) -> bytes:
    """The body with pseudonyms in the members from which attribution is read, which some vendors' answers repeat.

    Raises msgspec.MsgspecError where it is no JSON object.
    """
    found = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    anew: dict[str, object] = {
        name: _renamed(name, msgspec.json.decode(raw), pseudonyms)
        for name, raw in found.items()
        if name in ("user", "safety_identifier")
    }
    if "metadata" in found and isinstance(metadata := msgspec.json.decode(found["metadata"]), dict):
        anew["metadata"] = {name: _renamed(name, value, pseudonyms) for name, value in metadata.items()}
    return msgspec.json.encode({**found, **anew}) if anew else body


def _renamed(member: str, value: object, pseudonyms: Pseudonyms) -> object:
    """A member of a body under its pseudonym, where it says who the user or the customer is."""
    dimension = "user" if member == "safety_identifier" else dimension_of(member)
    if dimension is None or isinstance(value, bool) or not isinstance(value, str | int):
        return value
    renamed = pseudonyms.of(dimension, str(value).strip())
    return value if renamed == str(value).strip() else renamed


def exchange(
    policy: CapturePolicy, request: bytes, row: AttemptRow, response: bytes, pseudonyms: Pseudonyms | None = None
) -> Exchange:
    """What is kept of one answered attempt. Raises ValueError where a body cannot be redacted."""
    whole = response if _is_one_object(response) else assembled(response)
    if whole is None:
        raise ValueError("the stream's events are not known")
    if pseudonyms is not None:
        request, whole = disguised(request, pseudonyms), disguised(whole, pseudonyms)
    asked, changed = policy.redacted(request)
    answered, also_changed = policy.redacted(whole)
    at = datetime.fromisoformat(row.occurred_at)
    return Exchange(
        row.call_id,
        row.attempt,
        at,
        row.feature or "",
        row.workflow,
        row.customer,
        row.model or "",
        row.rung,
        asked,
        answered,
        changed or also_changed,
        row.api or "",
        row.provider or "",
        at + timedelta(seconds=policy.retention_seconds),
    )
