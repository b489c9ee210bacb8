"""What every section of a price file needs while it is read: the faults found, the known sources and calendars, ids of rows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from breakeven.economics.usage import CLASS_BY_NAME
from breakeven.pricebook import fields
from breakeven.pricebook.fields import Faults
from breakeven.pricebook.names import PROVIDER_NAMES
from breakeven.pricebook.rows import CORRECTIONS, TOKEN_CLASSES, TOOL_CLASSES
from breakeven.yamlfile import Node

GROUPS: Mapping[str, frozenset[str]] = {
    "tokens": frozenset(TOKEN_CLASSES),
    "tools": TOOL_CLASSES,
    "all": frozenset(CLASS_BY_NAME),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """The state of reading one price file."""

    faults: Faults
    layer: int
    label: str
    sources: Mapping[str, Mapping[str, str]]
    calendars: Mapping[str, frozenset[date]]

    def version(self, *parts: str, content: Node | None = None) -> str:
        """The id of a row: readable, and different as soon as a user's row says something else."""
        mark = "" if content is None or self.layer == CORRECTIONS else "#" + fingerprint(content)
        return "/".join((self.label, *parts)) + mark


def source_of(known: Mapping[str, Node], reading: Reading, where: Node, *, required: bool) -> str:
    """The source that this entry names; it must be described under sources."""
    node = known.get("source")
    name = fields.text(node, reading.faults, "source", required=where if required else None)
    if node is not None and name and name not in reading.sources:
        reading.faults.add(
            node, f"source {name!r} is not among the sources", "Describe it under sources, with kind, ref and recorded."
        )
    return name


def models_of(known: Mapping[str, Node], reading: Reading, where: Node) -> tuple[str, ...]:
    """The models that this entry is about, by `model`, `models` or both."""
    named = fields.words(known.get("models"), reading.faults, "models")
    if "model" in known:
        named = (*named, fields.text(known["model"], reading.faults, "model"))
    if not named:
        reading.faults.add(where, "model is missing", "Name the model exactly as the vendor does.")
    return tuple(name.lower() for name in named)


def provider_of(known: Mapping[str, Node], reading: Reading, where: Node) -> str:
    """The catalogue's name of the provider."""
    name = fields.text(known.get("provider"), reading.faults, "provider", required=where).lower()
    return PROVIDER_NAMES.get(name, name)


def conditions(node: Node | None, reading: Reading, what: str) -> dict[str, str]:
    """What of the pricing context must hold, each with its allowed values joined by commas."""
    return {name: ",".join(values).lower() for name, values in fields.facts(node, reading.faults, what).items()}


def fingerprint(node: Node) -> str:
    """Eight characters that change when the entry says something else."""
    return hashlib.sha256(repr(node.plain()).encode()).hexdigest()[:8]
