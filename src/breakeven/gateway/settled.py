"""Facts of answers that no vendor gave, and what a declared baseline would have cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from breakeven.economics.usage import CLASS_BY_NAME, UsagePart
from breakeven.gateway.costing import Costs
from breakeven.gateway.facts import Line, now_ns
from breakeven.gateway.settlement import Ended, row_of, whole_second
from breakeven.ledger import numbering
from breakeven.providers.reading import Reading

if TYPE_CHECKING:
    from breakeven.gateway.application import Application
    from breakeven.gateway.call import Call
    from breakeven.gateway.facts import AttemptRow
    from breakeven.gateway.targets import Target

_OK = 200


def unbilled_row(call: Call, application: Application, rung: str, model: str) -> AttemptRow:
    """The fact of a call that a rung without a model has answered: it cost exactly nothing."""
    target = call.targets[0]
    asked = call.hints.model or target.model_in_url or ""
    reading = Reading(target.vendor, target.api, model or asked, asked, (), "not_billed", {})
    line = Line(numbering.NOT_BILLED, model or asked, state="not_billed", cost="0", reason=f"answered by {rung}")
    clock = application.clock
    latency = round((application.loop.time() - call.started) * 1000)
    ended = Ended(
        call.id, call.next_number(), call.started_ns, clock.text(call.started_ns), clock.text(now_ns()), "ok", _OK, latency,
        latency, rung, call.hints.characters,
    )  # fmt: skip
    return row_of(ended, call.attribution, reading, Costs([line], 0, "not_billed"), call.snapshot.cost_classes)


def unbilled_headers(rung: str, model: str) -> list[tuple[bytes, bytes]]:
    """What such an answer says about itself."""
    added = [(b"breakeven-rung", rung.encode("latin-1", "replace")), (b"breakeven-cost-usd", b"0")]
    if model and model.isascii() and model.isprintable():
        added.append((b"breakeven-model", model.encode()))
    return added


def baseline_cost(call: Call, baseline: tuple[Target, str], usage: Mapping[str, int]) -> int | None:
    """What the baseline would have cost for the same tokens, in atto-dollars at the prices of the call's second; None: unknown.

    Where the baseline has no price for a class (another vendor's cache), its tokens count as plain input or output.
    """
    if not usage:
        return None
    target, model = baseline
    at = whole_second(call.started_ns // 1_000_000_000)
    for used in (usage, _plain(usage)):
        reading = Reading(target.vendor, target.api, model, model, (UsagePart(model, used),), "metered", target.context)
        total = call.snapshot.rater.costs(reading, at).total
        if total is not None:
            return total
    return None


def _plain(usage: Mapping[str, int]) -> dict[str, int]:
    plain: dict[str, int] = {}
    for name, quantity in usage.items():
        found = CLASS_BY_NAME[name]
        text = found.unit == "tokens" and found.modality == "text"
        kind = found.direction if text else name
        plain[kind] = plain.get(kind, 0) + quantity
    return plain


def usage_of(reading: Reading) -> dict[str, int]:
    """What was used over all parts of an answer."""
    usage: dict[str, int] = {}
    for part in reading.parts:
        for name, quantity in part.usage.items():
            usage[name] = usage.get(name, 0) + quantity
    return usage
