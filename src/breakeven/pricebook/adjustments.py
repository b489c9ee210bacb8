"""Uplifts and discounts of a price file: applied in the order they stand in, each as a line of its own."""

from __future__ import annotations

from collections.abc import Mapping

from breakeven.economics.usage import CLASS_BY_NAME
from breakeven.pricebook import fields
from breakeven.pricebook.names import PROVIDER_NAMES
from breakeven.pricebook.reading import GROUPS, Reading, source_of
from breakeven.pricebook.rows import Adjustment, Declared, Match
from breakeven.yamlfile import Node

_ADJUSTMENT_FIELDS = (
    "id", "kind", "match", "on", "multiply", "from", "to", "source", "why", "period", "graduated", "settle",
)  # fmt: skip
_RATED_KINDS = ("uplift", "discount")


def read_adjustment(node: Node, reading: Reading, rated: list[Adjustment], settled: list[Declared]) -> None:
    """One entry of `adjustments`: into `rated` what applies to each call, into `settled` what is settled later."""
    known = fields.mapping(node, reading.faults, _ADJUSTMENT_FIELDS, "an adjustment")
    name = fields.text(known.get("id"), reading.faults, "id", required=node)
    kind = fields.text(known.get("kind"), reading.faults, "kind", required=node)
    match = fields.facts(known.get("match"), reading.faults, "match")
    if "provider" in match:
        match["provider"] = tuple(PROVIDER_NAMES.get(value, value) for value in match["provider"])
    start, end = fields.period(known, reading.faults, node)
    source = source_of(known, reading, node, required=False)
    if kind == "tiered_discount":
        settled.append(_tiered_discount(known, reading, node, name))
        return
    if kind not in _RATED_KINDS:
        reading.faults.add(
            known.get("kind", node), f"there is no adjustment of kind {kind!r}", "Use uplift, discount, tiered_discount."
        )
    factor = fields.factor(known.get("multiply"), reading.faults, "multiply", required=node)
    if factor is None:
        return
    if (kind == "uplift" and factor < 1) or (kind == "discount" and factor > 1):
        reading.faults.add(known["multiply"], f"the factor does not fit {kind}", "An uplift is at least 1, a discount at most 1.")
    why = fields.text(known.get("why"), reading.faults, "why")
    version = reading.version("adjustment", name, content=node)
    rated.append(Adjustment(name, kind, Match(match), _classes(known.get("on"), reading), factor, version, start, end, source, why))


def _tiered_discount(known: Mapping[str, Node], reading: Reading, node: Node, name: str) -> Declared:
    for entry in fields.items(known.get("graduated"), reading.faults, "graduated"):
        step = fields.mapping(entry, reading.faults, ("over", "multiply"), "a step")
        if "over" in step:
            fields.money(step["over"], reading.faults, "over", 1)
        fields.factor(step.get("multiply"), reading.faults, "multiply", required=entry)
    return Declared("adjustments", name, "tiered discount, settled at month end: declared, not yet applied to lines", node.where)


def _classes(node: Node | None, reading: Reading) -> frozenset[str]:
    names = fields.words(node, reading.faults, "on") or ("tokens",)
    for name in names:
        if name not in GROUPS and name not in CLASS_BY_NAME and node is not None:
            reading.faults.add(node, f"there is nothing called {name!r} to adjust", "Use tokens, tools, all, or usage classes.")
    return frozenset[str]().union(*(GROUPS.get(name, frozenset({name})) for name in names))
