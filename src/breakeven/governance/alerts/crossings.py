"""Once per crossing: which of the readings are news, which crossings are over, and which stay open.

A crossing is *armed* until it is crossed; then it is told and *open*, and is not told again before it has been *clear*. Between the
line and the re-arming line nothing changes, so that a figure that trembles at its line tells of it once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from breakeven.governance.alerts.facts import Alert, Reading, crossing_id
from breakeven.governance.alerts.phrases import command, listed

FORGOTTEN_AFTER = timedelta(days=45)
"""How long an open crossing is kept that no reading speaks of any more: its feature or budget has probably been removed."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """One open crossing: since when, until when its period lasts, and what was told (None: it opened silently)."""

    id: str
    kind: str
    opened_at: datetime
    ends: datetime | None = None
    alert: Alert | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """What one look changes: crossings that open (those with an alert are told), and ids of those that are over."""

    opened: tuple[Crossing, ...] = ()
    closed: tuple[str, ...] = ()

    @property
    def told(self) -> tuple[Alert, ...]:
        """The alerts to send."""
        return tuple(one.alert for one in self.opened if one.alert is not None)


def turn(known: Mapping[str, Crossing], readings: Sequence[Reading], complete: Collection[str], at: datetime) -> Turn:
    """What these readings change about the crossings that are open.

    `complete` names the kinds whose readings list everything that is crossed, so that what is absent is clear. A crossing of
    another kind that no reading speaks of stays open until its period is over. Of several readings of one crossing the most
    alarming counts.
    """
    found = _most_alarming(readings)
    opened = [
        Crossing(one.crossing, kind_of(one.crossing), at, one.ends, one.alert)
        for one in found.values()
        if one.state == "crossed" and one.crossing not in known
    ]
    closed = [crossing.id for crossing in known.values() if _over(crossing, found.get(crossing.id), crossing.kind in complete, at)]
    return Turn(tuple(opened), tuple(closed))


def kind_of(crossing: str) -> str:
    """The kind that a crossing's id begins with."""
    return crossing.partition("|")[0]


def _most_alarming(readings: Sequence[Reading]) -> dict[str, Reading]:
    ranks = {"clear": 0, "between": 1, "crossed": 2}
    found: dict[str, Reading] = {}
    for one in readings:
        before = found.get(one.crossing)
        if before is None or _rank(one, ranks) > _rank(before, ranks):
            found[one.crossing] = one
    return found


def _rank(one: Reading, ranks: Mapping[str, int]) -> tuple[int, bool]:
    return ranks[one.state], one.alert is not None


def _over(crossing: Crossing, reading: Reading | None, complete: bool, at: datetime) -> bool:  # noqa: FBT001 - a fact about the kind
    if reading is not None:
        return reading.state == "clear"
    ended = crossing.ends is not None and crossing.ends <= at
    return complete or ended or at - crossing.opened_at > FORGOTTEN_AFTER


MOST_AT_ONCE = 20
"""How many alerts of one kind are told one by one after one look; the rest is told together, and listed."""


def told_together(alerts: Sequence[Alert], at: datetime) -> tuple[tuple[Alert, ...], tuple[Alert, ...]]:
    """The alerts of one look that are told one by one, and the summaries of what is too much of one kind to be read.

    A line that is set too low would otherwise send as many messages as there are customers.
    """
    kinds: dict[str, list[Alert]] = {}
    for alert in alerts:
        kinds.setdefault(alert.kind, []).append(alert)
    single = [alert for found in kinds.values() for alert in found[:MOST_AT_ONCE]]
    return tuple(single), tuple(_summary(found[MOST_AT_ONCE:], at) for found in kinds.values() if len(found) > MOST_AT_ONCE)


def _summary(rest: Sequence[Alert], at: datetime) -> Alert:
    kind, count = rest[0].kind, len(rest)
    names = listed([alert.subject for alert in rest])
    return Alert(
        kind, f"{count:,} more", "warning", f"{count:,} more alerts of the kind {kind} at the same time: {names}.",
        f"See them all: {command('alerts', 'list', kind=kind)}. If that is usual, move the line of the rule.",
        None, crossing_id(kind, "more", at.isoformat()), at, {"count": count},
    )  # fmt: skip
