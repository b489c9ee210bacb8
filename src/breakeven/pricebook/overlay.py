"""A price file: the user's overlay in their repository, and our own corrections of the base catalogue, in one schema.

Everything is checked and every fault is named with file and line; a file with a fault is refused as a whole, because a price book
that is partly in force would price a ledger differently from what its author reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from itertools import combinations
from pathlib import Path

from breakeven.errors import ConfigError, Problem
from breakeven.pricebook import fields
from breakeven.pricebook.adjustments import read_adjustment
from breakeven.pricebook.calendars import BUILT_IN_CALENDARS
from breakeven.pricebook.declared import declared_entries
from breakeven.pricebook.fields import Faults
from breakeven.pricebook.pricelines import fallback_rows, fee_rows, price_rows
from breakeven.pricebook.reading import Reading, conditions, models_of, provider_of, source_of
from breakeven.pricebook.rows import CORRECTIONS, OVERLAY, Adjustment, Alias, Declared, ExtendBack, Layer, PriceRow
from breakeven.yamlfile import Node, parse_yaml

CORRECTIONS_FILE = "corrections.yaml"
CORRECTIONS_NAME = "breakeven-corrections@1"
SECTIONS = (
    "version", "base", "currency", "sources", "calendars", "aliases", "prices", "extend_back", "withdrawn", "fallbacks",
    "pass_through", "model_kinds",
    "adjustments", "commitments", "fees", "self_hosted", "fx",
)  # fmt: skip


def parse_overlay(text: str, name: str, position: int = 0) -> Layer:
    """A user's overlay; of several the later `position` wins. Raises ConfigError naming every fault with file and line."""
    return _checked(parse_yaml(text, name), OVERLAY + position, f"overlay:{Path(name).name}")


def load_corrections() -> Layer:
    """Our own corrections of the base catalogue, shipped with the package."""
    return _checked(parse_yaml(corrections_text(), CORRECTIONS_FILE, shipped=True), CORRECTIONS, CORRECTIONS_NAME)


def parse_corrections(text: str) -> Layer:
    """Corrections from text, as archived."""
    return _checked(parse_yaml(text, CORRECTIONS_FILE), CORRECTIONS, CORRECTIONS_NAME)


def corrections_text() -> str:
    """What our corrections say."""
    return Path(__file__).with_name(CORRECTIONS_FILE).read_text(encoding="utf-8")


def _checked(root: Node, layer: int, label: str) -> Layer:
    found, problems = read_layer(root, layer, label)
    if problems:
        count = len(problems)
        what = f"the price file {root.file} has {count} {'problem' if count == 1 else 'problems'}"
        raise ConfigError(what, "Correct it and run the command again.", tuple(problems))
    return found


def read_layer(root: Node, layer: int, label: str) -> tuple[Layer, list[Problem]]:
    """What a price file says, and everything that is wrong with it."""
    faults = Faults()
    top = fields.mapping(root, faults, SECTIONS, "a price file")
    _header(top, faults, root)
    reading = Reading(faults, layer, label, _sources(top, faults), _calendars(top, faults))
    rows = [
        *(row for node in fields.items(top.get("prices"), faults, "prices") for row in price_rows(node, reading)),
        *(row for node in fields.items(top.get("fees"), faults, "fees") for row in fee_rows(node, reading)),
        *(row for node in fields.items(top.get("fallbacks"), faults, "fallbacks") for row in fallback_rows(node, reading)),
    ]
    adjustments: list[Adjustment] = []
    settled: list[Declared] = []
    for node in fields.items(top.get("adjustments"), faults, "adjustments"):
        read_adjustment(node, reading, adjustments, settled)
    found = Layer(
        rows=tuple(row for row, _ in rows),
        adjustments=tuple(adjustments),
        aliases=tuple(alias for node in fields.items(top.get("aliases"), faults, "aliases") for alias in _alias(node, reading)),
        extended=tuple(_extend_back(node, reading) for node in fields.items(top.get("extend_back"), faults, "extend_back")),
        withdrawn=frozenset(
            pair for node in fields.items(top.get("withdrawn"), faults, "withdrawn") for pair in _withdrawn(node, reading)
        ),
        pass_through=_pass_through(top, reading),
        kinds=_kinds(top, reading),
        declared=(*settled, *declared_entries(top, faults)),
        sources=reading.sources,
        base_pin=_pin(top, faults),
        name=label,
    )
    _refuse_overlaps(rows, faults)
    return found, faults.problems


def _header(top: Mapping[str, Node], faults: Faults, root: Node) -> None:
    version = top.get("version")
    if version is None or version.value != 1:
        faults.add(version or root, "version is not 1", "Begin the file with 'version: 1'.")
    currency = top.get("currency")
    if currency is not None and currency.value != "USD":
        faults.add(currency, f"currency {currency.value!r} is not USD", "Give prices in US dollars; fx converts when shown.")


def _pin(top: Mapping[str, Node], faults: Faults) -> str:
    node = top.get("base")
    if node is None:
        return ""
    base = fields.mapping(node, faults, ("catalogue", "pin", "sha256"), "base")
    catalogue = fields.text(base.get("catalogue"), faults, "catalogue", required=node)
    if catalogue and catalogue != "genai-prices":
        faults.add(base["catalogue"], f"there is no base catalogue {catalogue!r}", "Use genai-prices.")
    fields.text(base.get("sha256"), faults, "sha256")
    return fields.text(base.get("pin"), faults, "pin")


def _sources(top: Mapping[str, Node], faults: Faults) -> dict[str, Mapping[str, str]]:
    node = top.get("sources")
    if node is None:
        return {}
    if node.mapping is None:
        faults.add(node, f"sources is {node.kind}, not a mapping", "Write 'name: {kind: ..., ref: ..., recorded: ...}'.")
        return {}
    found: dict[str, Mapping[str, str]] = {}
    for name, entry in node.mapping.items():
        known = fields.mapping(entry, faults, ("kind", "ref", "recorded", "by"), f"source {name}")
        fields.text(known.get("ref"), faults, "ref", required=entry)
        found[name] = {key: fields.text(value, faults, key) for key, value in known.items()}
    return found


def _calendars(top: Mapping[str, Node], faults: Faults) -> dict[str, frozenset[date]]:
    node = top.get("calendars")
    if node is None:
        return dict(BUILT_IN_CALENDARS)
    found = dict(BUILT_IN_CALENDARS)
    for name, entry in (node.mapping or {}).items():
        days = (fields.day(item, faults, "holiday") for item in fields.items(entry, faults, f"calendar {name}"))
        found[name] = found.get(name, frozenset()) | frozenset(day for day in days if day is not None)
    if node.mapping is None:
        faults.add(node, f"calendars is {node.kind}, not a mapping", "Write 'CN: [2026-10-01, ...]'.")
    return found


def _alias(node: Node, reading: Reading) -> list[Alias]:
    names = ("provider", "account", "deployment", "arn", "name", "model", "from", "to", "source", "why")
    known = fields.mapping(node, reading.faults, names, "an alias")
    provider = provider_of(known, reading, node)
    model = fields.text(known.get("model"), reading.faults, "model", required=node)
    start, end = fields.period(known, reading.faults, node)
    source_of(known, reading, node, required=False)
    match = {key: fields.text(known[key], reading.faults, key) for key in ("account", "deployment", "arn", "name") if key in known}
    if not match.keys() & {"deployment", "arn", "name"}:
        reading.faults.add(node, "an alias needs an exact deployment, arn or name", "Name what stands for the model.")
        return []
    return [Alias(provider, model.lower(), match, start, end)]


def _extend_back(node: Node, reading: Reading) -> ExtendBack:
    known = fields.mapping(node, reading.faults, ("provider", "when", "source", "why"), "an extension")
    provider = provider_of(known, reading, node)
    when = conditions(known.get("when"), reading, "when")
    source_of(known, reading, node, required=True)
    label = "".join(f"[{name}={value}]" for name, value in sorted(when.items()))
    return ExtendBack(provider, when, reading.version(provider, "before-first-record" + label))


def _withdrawn(node: Node, reading: Reading) -> list[tuple[str, str]]:
    known = fields.mapping(node, reading.faults, ("provider", "model", "models", "source", "why"), "a withdrawal")
    provider = provider_of(known, reading, node)
    source_of(known, reading, node, required=True)
    return [(provider, model) for model in models_of(known, reading, node)]


def _pass_through(top: Mapping[str, Node], reading: Reading) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for node in fields.items(top.get("pass_through"), reading.faults, "pass_through"):
        known = fields.mapping(node, reading.faults, ("provider", "vendors", "source", "why"), "a pass-through")
        source_of(known, reading, node, required=True)
        router = provider_of(known, reading, node)
        for vendor, home in fields.facts(known.get("vendors"), reading.faults, "vendors").items():
            found[router, vendor] = home[0]
    return found


def _kinds(top: Mapping[str, Node], reading: Reading) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for node in fields.items(top.get("model_kinds"), reading.faults, "model_kinds"):
        known = fields.mapping(node, reading.faults, ("provider", "models", "kind", "source", "why"), "a model kind")
        source_of(known, reading, node, required=True)
        kind = fields.text(known.get("kind"), reading.faults, "kind", required=node)
        found |= {(provider_of(known, reading, node), model): kind for model in models_of(known, reading, node)}
    return found


def _refuse_overlaps(rows: list[tuple[PriceRow, Node]], faults: Faults) -> None:
    """Two rows of one file that price the same unit of the same model for the same service at one instant contradict each other."""
    groups: dict[tuple[str, str, tuple[tuple[str, str], ...]], list[tuple[PriceRow, Node]]] = {}
    for row, node in rows:
        groups.setdefault((row.provider, row.model, tuple(sorted(row.when.items()))), []).append((row, node))
    for group in groups.values():
        for (first, earlier), (second, later) in combinations(group, 2):
            shared = (first.units.keys() | first.multiply.keys()) & (second.units.keys() | second.multiply.keys())
            if shared and _overlap(first, second):
                units = ", ".join(sorted(shared))
                what = f"{second.provider} {second.model}: the price of {units} overlaps that on line {earlier.line}"
                faults.add(later, what, "End the earlier period with 'to', or remove one of them.")


def _overlap(first: PriceRow, second: PriceRow) -> bool:
    begins_before = first.start is None or second.end is None or first.start < second.end
    return begins_before and (second.start is None or first.end is None or second.start < first.end)
