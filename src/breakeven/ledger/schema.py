"""The shape of every fact: one declaration that NDJSON segments, Parquet seals and DuckDB tables share.

All times are UTC, microseconds, without zone (`TIMESTAMP`). Money is `DECIMAL(38,18)` in one currency per ledger (US dollars).
NULL means unknown and is never 0. Facts are appended: a correction is a reversal (the line's amounts negated, `adjustment_of`
names it) plus a new line. Identity: a call is `call_id` (UUIDv7: milliseconds of `occurred_at`, then a hash of what identifies
the call at its source, so that importing it again gives the same id); an attempt is (`call_id`, `attempt`); a line is (`call_id`,
`attempt`, `line`).
"""

from __future__ import annotations

from breakeven.economics.usage import CLASSES

FORMAT_VERSION = 1
MONEY = "DECIMAL(38,18)"

DIMENSIONS: dict[str, str] = {
    "feature": "VARCHAR",
    "team": "VARCHAR",
    "customer": "VARCHAR",
    "user_id": "VARCHAR",
    "workflow": "VARCHAR",
    "environment": "VARCHAR",
}

CALLS: dict[str, str] = {
    "call_id": "UUID",
    "attempt": "SMALLINT",
    "occurred_at": "TIMESTAMP",
    "recorded_at": "TIMESTAMP",
    "call_count": "BIGINT",  # 1, or the number of calls an aggregated row stands for
    "provider": "VARCHAR",
    "api": "VARCHAR",
    "model_requested": "VARCHAR",
    "model": "VARCHAR",  # as the vendor returned it (or as the price depends on it); canonical names live in the price version
    "pricing_context": "VARCHAR",  # JSON object, sorted keys: service_tier, processing, speed, inference_geo, deployment, ...
    "status": "VARCHAR",  # ok, failed, refused, cut_off, rejected (answered, and did not stand)
    "http_status": "SMALLINT",
    "latency_ms": "INTEGER",
    "first_token_ms": "INTEGER",
    "input_tokens": "BIGINT",  # uncached, all modalities
    "cache_read_tokens": "BIGINT",
    "cache_write_tokens": "BIGINT",
    "output_tokens": "BIGINT",  # visible, all modalities
    "reasoning_tokens": "BIGINT",
    "input_characters": "BIGINT",
    "output_characters": "BIGINT",
    **DIMENSIONS,
    "trace_id": "VARCHAR",
    "tags": "VARCHAR",  # JSON object, sorted keys
    "attribution_sources": "VARCHAR",  # JSON object: dimension -> key, header, body, import:<column>, ...
    "rung": "VARCHAR",
    "state": "VARCHAR",  # the weakest metering state of its lines
    "stated_cost": MONEY,  # the vendor's own figure, kept beside ours
    "source": "VARCHAR",  # e.g. import:claude-code
    "source_ref": "VARCHAR",  # the vendor's or the other tool's id of the call
    # Since the ladder; ledgers that are older lack these columns in their files, which is read as NULL.
    "task_class": "VARCHAR",  # the kind of task, where it is said apart from the workflow
    "template": "VARCHAR",  # fingerprint of the request's constant part: system text, tools, schema
    "rungs_tried": "VARCHAR",  # JSON list of [rung, why its answer did not stand], in the order in which they were tried
    "baseline_cost": MONEY,  # what the declared baseline would have cost for the same tokens, on the attempt that answered
}

COST_LINES: dict[str, str] = {
    "call_id": "UUID",
    "attempt": "SMALLINT",
    "line": "INTEGER",  # sparse: see ledger/numbering.py
    "part": "SMALLINT",  # model iteration within the attempt (compaction, advisor, answer)
    "occurred_at": "TIMESTAMP",
    "recorded_at": "TIMESTAMP",
    "provider": "VARCHAR",
    "model": "VARCHAR",
    "usage_class": "VARCHAR",
    "kind": "VARCHAR",  # list, stated, an adjustment of the price book (uplift:<id>, discount:<id>), invoice:<cause>
    "quantity": "BIGINT",  # negative on a reversal
    "unit_price": MONEY,  # per single unit (token, call)
    "cost": MONEY,  # quantity x unit_price, unrounded; NULL when unknown
    "state": "VARCHAR",
    "price_version": "VARCHAR",
    "cost_class": "VARCHAR",  # cost_of_revenue, research, operating, internal
    "adjustment_of": "INTEGER",  # the line (of the same attempt) that this line reverses; NULL for every other line
    "reason": "VARCHAR",  # why unpriced, or why adjusted
    **DIMENSIONS,
    "rung": "VARCHAR",
}

OUTCOMES: dict[str, str] = {
    "outcome_id": "UUID",
    "occurred_at": "TIMESTAMP",
    "recorded_at": "TIMESTAMP",
    "unit": "VARCHAR",  # document, ticket, lead
    "quantity": "BIGINT",  # units delivered, 1 for a single event
    "succeeded": "BOOLEAN",  # NULL: not known
    "value": MONEY,  # carried by the event, NULL where the feature's value model computes it
    **DIMENSIONS,
    "trace_id": "VARCHAR",
    "tags": "VARCHAR",
    "source": "VARCHAR",
    "source_ref": "VARCHAR",
}

REVENUE: dict[str, str] = {
    "revenue_id": "UUID",
    "recorded_at": "TIMESTAMP",
    "period_start": "TIMESTAMP",
    "period_end": "TIMESTAMP",  # exclusive
    "customer": "VARCHAR",
    "plan": "VARCHAR",
    "feature": "VARCHAR",  # NULL: shared among features by the declared rule
    "amount": MONEY,
    "source": "VARCHAR",
}

CUSTOMERS: dict[str, str] = {
    "customer_row_id": "UUID",
    "recorded_at": "TIMESTAMP",  # the latest row of a customer holds
    "customer": "VARCHAR",
    "plan": "VARCHAR",
    "segment": "VARCHAR",
    "signed_up_at": "TIMESTAMP",
    "source": "VARCHAR",
}

# One past task answered again on another rung, and whether that answer is as good: the evidence of alignment.
REPLAYS: dict[str, str] = {
    "replay_id": "UUID",
    "recorded_at": "TIMESTAMP",  # evidence counts in this order, so that one may look at any time
    "occurred_at": "TIMESTAMP",  # when the task was first answered; NULL where the source does not say
    "feature": "VARCHAR",
    "task_class": "VARCHAR",
    "call_id": "UUID",  # the call that was answered again; NULL where it is not in this ledger
    "from_rung": "VARCHAR",
    "from_model": "VARCHAR",
    "to_rung": "VARCHAR",
    "to_model": "VARCHAR",
    "agreed": "BOOLEAN",  # the two answers say the same
    "score_strong": "DECIMAL(9,6)",  # from 0 to 1; NULL where only agreement is known
    "score_weak": "DECIMAL(9,6)",
    "cost_strong": MONEY,
    "cost": MONEY,  # what the answer on the cheaper rung cost
    "scored_by": "VARCHAR",  # exact, json, number, function:<name>, judge:<model>, import, ...
    "judge_error": "DECIMAL(9,6)",  # how much a mean of this judge's scores may be off, against people; NULL where no judge scored
    "propensity": "DECIMAL(18,9)",  # how likely the task was to be drawn, against a uniform draw (1: like every other)
    "kind": "VARCHAR",  # import, audit, shadow, check, policy check (of a cascade or a route)
    "template": "VARCHAR",  # fingerprint of the prompt that both were asked with; NULL where it is not known
    "fingerprint": "VARCHAR",  # of model, prompt template and settings of the cheaper rung: other ones are other evidence
    "source": "VARCHAR",
    "source_ref": "VARCHAR",
}

# One day of one vendor's cost that was held against an invoice and tied; see `economics/reconciliation.py`.
RECONCILIATIONS: dict[str, str] = {
    "reconciliation_id": "UUID",
    "recorded_at": "TIMESTAMP",
    "day": "TIMESTAMP",  # the day whose cost was compared
    "provider": "VARCHAR",
    "invoice": "VARCHAR",  # the vendor's number of the invoice, or the name of its file
    "invoice_digest": "VARCHAR",  # SHA-256 of its file
    "metered": MONEY,  # the cost of this day before adjustments
    "adjusted": MONEY,  # what was posted for this day to tie
    "source": "VARCHAR",
}

# One line of a vendor's invoice, as its file has it; what reconciling needs, and FOCUS 1.4 calls Invoice Detail.
INVOICE_LINES: dict[str, str] = {
    "invoice_line_id": "UUID",
    "recorded_at": "TIMESTAMP",
    "period_start": "TIMESTAMP",  # the billing period of the whole invoice
    "period_end": "TIMESTAMP",  # exclusive
    "day": "TIMESTAMP",  # the day that is charged; NULL where the line does not say
    "provider": "VARCHAR",
    "invoice": "VARCHAR",  # the vendor's number, or the name of its file
    "invoice_digest": "VARCHAR",  # SHA-256 of its file
    "line": "INTEGER",  # its place in the file, from 1
    "account": "VARCHAR",  # the account that is billed
    "category": "VARCHAR",  # usage, credit, tax, fee, rounding
    "model": "VARCHAR",
    "usage_class": "VARCHAR",
    "tier": "VARCHAR",
    "api_key": "VARCHAR",  # its name at the vendor, never the key itself
    "quantity": "BIGINT",
    "amount": MONEY,  # in dollars by the invoice's own exchange
    "exchange": MONEY,  # what the rate of the books adds to it
    "in_dollars": "BOOLEAN",  # whether the invoice itself says an amount in dollars
    "currency": "VARCHAR",  # in which it is paid
    "paid": MONEY,  # in that currency
    "smallest_unit": MONEY,  # of its amounts, as they are written
    "description": "VARCHAR",
    "source": "VARCHAR",
    "source_ref": "VARCHAR",  # file and row
}

# What a live writer appends for one attempt: the call's columns, and its cost lines inside under short names, because a segment is
# written for every call and half of it would be names. `live.py` takes it apart into calls and cost lines.
LINE_NAMES: dict[str, str] = {
    "number": "n",
    "model": "m",
    "part": "p",
    "kind": "k",
    "state": "s",
    "usage_class": "c",
    "quantity": "q",
    "unit_price": "u",
    "cost": "t",
    "price_version": "v",
    "reason": "r",
}

FACTS: dict[str, dict[str, str]] = {
    "calls": CALLS,
    "cost_lines": COST_LINES,
    "outcomes": OUTCOMES,
    "revenue": REVENUE,
    "customers": CUSTOMERS,
    "replays": REPLAYS,
    "reconciliations": RECONCILIATIONS,
    "invoice_lines": INVOICE_LINES,
}
IDENTITY: dict[str, tuple[str, ...]] = {
    "calls": ("call_id", "attempt"),
    "cost_lines": ("call_id", "attempt", "line"),
    "outcomes": ("outcome_id",),
    "revenue": ("revenue_id",),
    "customers": ("customer_row_id",),
    "replays": ("replay_id",),
    "reconciliations": ("reconciliation_id",),
    "invoice_lines": ("invoice_line_id",),
}
TIME_COLUMN: dict[str, str] = {
    "calls": "occurred_at",
    "cost_lines": "occurred_at",
    "outcomes": "occurred_at",
    "revenue": "period_start",
    "customers": "recorded_at",
    "replays": "recorded_at",
    "reconciliations": "day",
    "invoice_lines": "period_start",
}

ROLLUP_COSTS: dict[str, str] = {
    "day": "DATE",
    "feature": "VARCHAR",
    "team": "VARCHAR",
    "customer": "VARCHAR",
    "environment": "VARCHAR",
    "workflow": "VARCHAR",
    "provider": "VARCHAR",
    "model": "VARCHAR",
    "rung": "VARCHAR",
    "usage_class": "VARCHAR",
    "kind": "VARCHAR",
    "state": "VARCHAR",
    "cost_class": "VARCHAR",
    "price_version": "VARCHAR",
    "line_count": "BIGINT",
    "quantity": "HUGEINT",
    "cost": MONEY,  # sum of the known costs; unknown ones are counted by state
}
ROLLUP_CALLS: dict[str, str] = {
    "day": "DATE",
    "feature": "VARCHAR",
    "team": "VARCHAR",
    "customer": "VARCHAR",
    "environment": "VARCHAR",
    "workflow": "VARCHAR",
    "provider": "VARCHAR",
    "model": "VARCHAR",
    "rung": "VARCHAR",
    "status": "VARCHAR",
    "state": "VARCHAR",
    "call_count": "HUGEINT",
    "input_tokens": "HUGEINT",
    "cache_read_tokens": "HUGEINT",
    "cache_write_tokens": "HUGEINT",
    "output_tokens": "HUGEINT",
    "reasoning_tokens": "HUGEINT",
}

# What an importer hands over: one row per model iteration (part) of an attempt. Quantities of usage classes are columns;
# a column that is absent or NULL means the class was not used, unless `usage_known` is false: then nothing is known.
STAGED: dict[str, str] = {
    "identity": "VARCHAR",  # what identifies the call at its source; with occurred_at it becomes call_id
    **{
        name: kind
        for name, kind in CALLS.items()
        if name
        not in (
            "call_id",
            "recorded_at",
            "input_tokens",
            "cache_read_tokens",
            "cache_write_tokens",
            "output_tokens",
            "reasoning_tokens",
            "input_characters",
            "output_characters",
            "state",
            "source",
        )
    },
    "input_text_characters": "BIGINT",
    "output_text_characters": "BIGINT",
    "part": "SMALLINT",
    "part_model": "VARCHAR",
    "usage_known": "BOOLEAN",
    "billed": "BOOLEAN",  # false: the vendor does not bill this attempt (a refused or failed request)
    **{usage_class.name: "BIGINT" for usage_class in CLASSES},
}
