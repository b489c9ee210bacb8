"""How an attempt that has ended stands in the ledger: one row of the call, one row for each cost line.

| How it ended | status | cost |
|---|---|---|
| answered | ok | as metered |
| answered, and the answer did not stand | rejected | as metered |
| answered with an error status | failed | not billed |
| never reached the vendor | failed | not billed |
| refused by us | refused | not billed |
| no answer after it was sent, or a broken one | failed, cut_off | what the stream said if that is final, else unknown |
| answered by an API whose usage we cannot read | ok | unknown, and says so |
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from breakeven.economics.cost_class import DEFAULT_COST_CLASS, CostClassRule, cost_class_of
from breakeven.gateway.attribution import NOBODY, Attribution
from breakeven.gateway.costing import Costs, tokens_of
from breakeven.gateway.dimensions import COLUMNS
from breakeven.gateway.facts import AttemptRow, Line, money
from breakeven.ledger import numbering
from breakeven.providers.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from breakeven.gateway.attribution import Refusal
    from breakeven.gateway.call import Call

SOURCE = "gateway"


class Ended(NamedTuple):
    """What is known of an attempt at its end. Times in milliseconds; `occurred` is the instant at which it began."""

    call_id: str
    attempt: int
    occurred_ns: int
    occurred: str
    recorded: str
    status: str
    http_status: int | None
    latency_ms: int
    first_token_ms: int | None
    rung: str | None
    input_characters: int | None
    reason: str | None = None


def row_of(ended: Ended, who: Attribution, reading: Reading, costs: Costs, rules: Sequence[CostClassRule]) -> AttemptRow:
    """The fact of one attempt."""
    if ended.reason is not None:
        for line in costs.lines:
            if line.state == "usage_missing":
                line.reason = ended.reason
    tokens = tokens_of(reading) or _UNKNOWN
    context = reading.context
    return AttemptRow(
        ended.call_id,
        ended.attempt,
        ended.occurred,
        ended.recorded,
        reading.provider,
        reading.api,
        reading.model_requested,
        reading.model or reading.model_requested,
        _sorted_json(tuple(context.items())) if context else "{}",
        ended.status,
        costs.state,
        SOURCE,
        _cost_class(rules, who, ended) if rules else DEFAULT_COST_CLASS,
        costs.lines,
        ended.http_status,
        ended.latency_ms,
        ended.first_token_ms,
        tokens[0],
        tokens[1],
        tokens[2],
        tokens[3],
        tokens[4],
        ended.input_characters,
        None,
        who.feature,
        who.team,
        who.customer,
        who.user_id,
        who.workflow,
        who.environment,
        who.trace_id,
        who.tags,
        who.sources,
        ended.rung,
        None if reading.stated_cost is None else money(reading.stated_cost),
        reading.response_id or None,
    )


def refused_row(call: Call, refusal: Refusal, occurred: str, recorded: str) -> AttemptRow:
    """The fact of a call that we refused ourselves: whose key it was, what it asked for, and that it cost nothing."""
    target, key = call.targets[0], call.caller.key
    who = call.attribution
    if who is NOBODY:  # refused before it was known whose it is: what the key locks is certain
        who = Attribution(**{COLUMNS.get(name, name): value for name, value in (key.locked if key is not None else ())})
    model = call.hints.model or target.model_in_url or ""
    reading = Reading(target.vendor, target.api, model, model, (), "not_billed", {})
    line = Line(numbering.NOT_BILLED, model, state="not_billed", cost="0", reason=refusal.code)
    ended = Ended(call.id, 0, call.started_ns, occurred, recorded, "refused", refusal.status, 0, None, None, call.hints.characters)
    return row_of(ended, who, reading, Costs([line], 0, "not_billed"), ())


_UNKNOWN = (None, None, None, None, None)


@lru_cache(maxsize=1024)
def _sorted_json(members: tuple[tuple[str, str], ...]) -> str:
    return json.dumps(dict(members), sort_keys=True, separators=(",", ":"))


@lru_cache(maxsize=8)
def whole_second(epoch: int) -> datetime:
    """A whole second, naive UTC: prices change at whole seconds."""
    return datetime.fromtimestamp(epoch, UTC).replace(tzinfo=None)


def _cost_class(rules: Sequence[CostClassRule], who: Attribution, ended: Ended) -> str:
    at = whole_second(ended.occurred_ns // 1_000_000_000)
    dimensions = {name: getattr(who, name) for name in ("feature", "team", "environment", "workflow", "customer")}
    return cost_class_of(rules, dimensions, at)
