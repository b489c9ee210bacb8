"""Counters of one worker, and their sum over all workers in Prometheus' text format.

Every worker writes its counters to a file of its own now and then; whoever is asked adds the others' files to its own counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

HELP: dict[str, tuple[str, str]] = {
    "cost_usd": ("counter", "Metered cost in US dollars by provider, rounded for display."),
    "attempts": ("counter", "Attempts at vendors by provider and outcome."),
    "usage_missing": ("counter", "Attempts whose usage is not known."),
    "unpriced": ("counter", "Attempts that have no price."),
    "unattributed": ("counter", "Calls that name no feature."),
    "refused": ("counter", "Calls refused by the gateway, by code."),
    "rung_answers": ("counter", "Calls of features with a ladder, by the rung that answered."),
    "handler_checks": ("counter", "Answers of handlers that were compared with the model's, by handler."),
    "handler_withdrawals": ("counter", "Handlers withdrawn because their checks fell short of their floor."),
    "drained": ("counter", "Streams read to their end after the caller had gone."),
    "drain_capped": ("counter", "Streams that were given up at the cap after the caller had gone."),
    "record_errors": ("counter", "Failed writes of facts to the disk."),
    "metering_errors": ("counter", "Attempts that were answered but could not be metered: a fault of Breakeven."),
    "faults": ("counter", "Requests that a fault of Breakeven kept from being handled."),
    "records_held": ("gauge", "Facts that wait in memory for the disk."),
    "records_dropped": ("counter", "Facts lost because the disk refused them for too long."),
    "captures": ("counter", "Requests and answers kept, as features' charters say."),
    "captures_skipped": (
        "counter",
        "Requests and answers that were to be kept but cannot be: too large, no JSON, or an unknown stream.",
    ),
    "captures_dropped": ("counter", "Requests and answers that were to be kept but found no room in memory or on the disk."),
    "in_flight": ("gauge", "Calls under way."),
    "connections": ("gauge", "Open connections of callers."),
}

Labels = tuple[tuple[str, str], ...]


class Metrics:
    """Counters by name and labels."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: dict[tuple[str, Labels], float] = {}

    def add(self, name: str, amount: float = 1, labels: Labels = ()) -> None:
        """Count."""
        key = (name, labels)
        self._values[key] = self._values.get(key, 0) + amount

    def set(self, name: str, value: float, labels: Labels = ()) -> None:
        """Set a gauge."""
        self._values[name, labels] = value

    def snapshot(self) -> bytes:
        """All values, for the file that other workers read."""
        return msgspec.json.encode([(name, labels, value) for (name, labels), value in self._values.items()])


def exposition(own: Metrics, others: Iterable[Path]) -> bytes:
    """The counts of all workers in Prometheus' text format."""
    total: dict[tuple[str, Labels], float] = {}
    for content in (own.snapshot(), *(_content(path) for path in others)):
        for name, labels, value in _read(content):
            total[name, labels] = total.get((name, labels), 0) + value
    lines: list[str] = []
    for name, (kind, text) in HELP.items():
        found = sorted((labels, value) for (each, labels), value in total.items() if each == name)
        if found:
            full = f"breakeven_{name}_total" if kind == "counter" else f"breakeven_{name}"
            lines += [f"# HELP {full} {text}", f"# TYPE {full} {kind}"]
            lines += [f"{full}{_labels(labels)} {value:.12g}" for labels, value in found]
    return ("\n".join(lines) + "\n").encode()


def _read(content: bytes) -> list[tuple[str, Labels, float]]:
    try:
        return msgspec.json.decode(content, type=list[tuple[str, tuple[tuple[str, str], ...], float]])
    except msgspec.MsgspecError:
        return []


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
