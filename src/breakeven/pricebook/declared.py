"""What a price file declares and a call's price does not need: commitments, self-hosted machines, exchange rates.

They are checked like prices and shown, and settled elsewhere: a commitment or a rented GPU is a fixed cost that is allocated, not a
unit price; a currency is converted only when shown.
"""

from __future__ import annotations

from collections.abc import Mapping

from breakeven.pricebook import fields
from breakeven.pricebook.fields import Faults
from breakeven.pricebook.rows import Declared
from breakeven.yamlfile import Node

_COMMITMENT = (
    "id", "provider", "amount", "per", "covers", "allocate_by", "residue", "prepaid", "face", "from", "to", "breakage",
    "source", "why",
)  # fmt: skip
_SELF_HOSTED = ("id", "match", "gpu_hour", "gpus", "allocate_by", "from", "to", "source", "why")


def declared_entries(top: Mapping[str, Node], faults: Faults) -> list[Declared]:
    """Every declared entry of the file, checked."""
    found = [_commitment(node, faults) for node in fields.items(top.get("commitments"), faults, "commitments")]
    found += [_self_hosted(node, faults) for node in fields.items(top.get("self_hosted"), faults, "self_hosted")]
    if "fx" in top:
        found.append(_exchange_rates(top["fx"], faults))
    return found


def _commitment(node: Node, faults: Faults) -> Declared:
    known = fields.mapping(node, faults, _COMMITMENT, "a commitment")
    name = fields.text(known.get("id"), faults, "id", required=node)
    provider = fields.text(known.get("provider"), faults, "provider", required=node)
    amounts = [
        key for key in ("amount", "prepaid", "face") if key in known and fields.money(known[key], faults, key, 1) is not None
    ]
    if not {"amount", "prepaid"} & known.keys():
        faults.add(
            node, "a commitment has neither amount nor prepaid", 'Add amount: "6570.00" with per: month, or prepaid: "500000".'
        )
    fields.facts(known.get("covers"), faults, "covers")
    for key in ("from", "to"):
        if key in known:
            fields.day(known[key], faults, key)
    text = ", ".join(f"{key} {known[key].value}" for key in amounts)
    return Declared("commitments", name, f"{provider}: {text}; enters the P&L as a fixed cost, not as a unit price", node.where)


def _self_hosted(node: Node, faults: Faults) -> Declared:
    known = fields.mapping(node, faults, _SELF_HOSTED, "a self-hosted service")
    name = fields.text(known.get("id"), faults, "id", required=node)
    match = fields.facts(known.get("match"), faults, "match")
    if "gpu_hour" in known:
        fields.money(known["gpu_hour"], faults, "gpu_hour", 1)
    else:
        faults.add(node, "gpu_hour is missing", 'Add gpu_hour: "2.10".')
    gpus = known.get("gpus")
    if gpus is not None and (not isinstance(gpus.value, int) or isinstance(gpus.value, bool) or gpus.value < 1):
        faults.add(gpus, "gpus is not a whole number of at least 1", "Write it like gpus: 2.")
    fields.period(known, faults, node)
    place = ", ".join(f"{key} {'|'.join(values)}" for key, values in match.items())
    return Declared("self_hosted", name, f"{place}: GPU hours are a fixed cost, allocated among its calls", node.where)


def _exchange_rates(node: Node, faults: Faults) -> Declared:
    known = fields.mapping(node, faults, ("pair", "rates", "policy"), "fx")
    pair = fields.text(known.get("pair"), faults, "pair", required=node)
    for entry in fields.items(known.get("rates"), faults, "rates"):
        rate = fields.mapping(entry, faults, ("date", "rate", "source"), "a rate")
        if "date" in rate:
            fields.day(rate["date"], faults, "date")
        fields.factor(rate.get("rate"), faults, "rate", required=entry)
    return Declared("fx", pair, "used when amounts are shown in another currency; the ledger stays in US dollars", node.where)
