"""What is said of an attempt: its intent before it is made, its reading, and our headers on its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from breakeven.gateway.facts import Clock, Intent, money
from breakeven.providers.reading import Reading, ReadingState

if TYPE_CHECKING:
    from breakeven.gateway.attempt import Attempt
    from breakeven.gateway.costing import Costs
    from breakeven.gateway.wire.upstream import Failure

_REFUSED = 400
_FREE_METHODS = frozenset({b"GET", b"HEAD", b"DELETE", b"OPTIONS"})


def intent_of(attempt: Attempt, clock: Clock) -> Intent:
    """That an attempt is about to be made."""
    call, target, who = attempt.call, attempt.target, attempt.call.attribution
    return Intent(
        call.id, attempt.number, clock.text(attempt.started_ns), target.vendor, target.api, attempt.model,
        who.feature, who.team, who.customer, who.user_id, who.workflow, who.environment, who.trace_id, who.tags,
    )  # fmt: skip


def reading_of(attempt: Attempt, failure: Failure | None) -> Reading:
    """What the answer says that was used, or why nothing is known."""
    if failure is not None and not failure.sent:
        return _plain(attempt, "not_billed")
    if attempt.meter is not None and (attempt.status or failure is None):
        return attempt.meter.reading()
    if attempt.status >= _REFUSED or (failure is None and unmetered(attempt) is None):
        return _plain(attempt, "not_billed")
    return _plain(attempt, "usage_missing")


def _plain(attempt: Attempt, state: ReadingState) -> Reading:
    target, model = attempt.target, attempt.model
    return Reading(target.vendor, target.api, model, model, (), state, {})


def unmetered(attempt: Attempt) -> str | None:
    """Why the usage of an answer cannot be known; None where it is known, or there is none."""
    target = attempt.target
    if attempt.meter is not None or target.free or attempt.call.request.head.method in _FREE_METHODS:
        return None
    return f"unmetered: the usage of {target.path.split(b'?')[0].decode('ascii', 'replace')} is not known to Breakeven"


def described(attempt: Attempt, costs: Costs | None) -> list[tuple[bytes, bytes]]:
    """Our headers on the answer."""
    call = attempt.call
    added = [(b"breakeven-call-id", call.id.encode())]
    if call.climb is not None:
        added += call.climb.headers()
    if costs is not None and costs.total is not None:
        added.append((b"breakeven-cost-usd", money(costs.total).encode()))
    if call.reservation is not None:
        added += call.reservation.headers(attempt.by_name)
    model = attempt.served or attempt.model
    if model and model.isascii() and model.isprintable():
        added.append((b"breakeven-model", model.encode()))
    return added
