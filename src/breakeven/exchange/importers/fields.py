"""The fields that tabular files may carry, what kind of value each is, and under which names they are met in the wild."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from breakeven.economics.usage import CLASSES

Kind = Literal["time", "text", "count", "money", "truth", "score"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `names` are normalised column names that are taken for it, best first."""

    name: str
    kind: Kind
    names: tuple[str, ...]
    required: bool = False
    most: int = 10**15
    """A count above this is a fault: no call has used so much, or the ledger's column ends there."""


def _field(name: str, kind: Kind, *others: str, required: bool = False, most: int = 10**15) -> Field:
    return Field(name, kind, (name, *others), required, most)


_TIME = (
    "timestamp",
    "ts",
    "time",
    "created_at",
    "created",
    "start_time",
    "starttime",
    "started_at",
    "datetime",
    "date",
    "ts_ms",
    "hour",
    "day",
    "usage_date",
)
CURRENCY: Field = _field("currency", "text", "currency_code", "billing_currency", "cost_currency")
"""Of the row's amounts. It is held against the ledger's own and kept nowhere."""
ATTRIBUTION: tuple[Field, ...] = (
    _field("feature", "text", "feature_name", "use_case", "service", "project", "app"),
    _field("team", "text", "team_id", "team_alias", "department"),
    _field("customer", "text", "customer_id", "tenant", "tenant_id", "account_id", "client", "organization"),
    _field("user_id", "text", "user", "end_user", "end_user_id"),
    _field("workflow", "text", "workflow_id", "task_class", "step"),
    _field("environment", "text", "env"),
    _field("trace_id", "text", "trace", "session_id", "session", "conversation_id", "run", "run_id"),
)
CONTEXT: tuple[Field, ...] = tuple(
    _field(name, "text")
    for name in ("account", "deployment", "host", "inference_geo", "processing", "region", "service_tier", "speed")
)
_CLASS_NAMES: Mapping[str, tuple[str, ...]] = {
    "input": ("input_tokens", "prompt_tokens", "tokens_in", "input_tokens_est", "uncached_input_tokens", "uncached_tokens"),
    "output": ("output_tokens", "completion_tokens", "tokens_out", "output_tokens_est", "generated_tokens"),
    "cache_read": ("cache_read_tokens", "cache_read_input_tokens", "cached_tokens", "cached_input_tokens", "input_cached_tokens"),
    "cache_write_5m": ("cache_write_5m_tokens", "cache_write_tokens", "cache_creation_input_tokens", "cache_creation_tokens"),
    "reasoning": ("reasoning_tokens", "thoughts_tokens", "thinking_tokens"),
}
USAGE: tuple[Field, ...] = tuple(
    _field(c.name, "count", *_CLASS_NAMES.get(c.name, (f"{c.name}_tokens",) if c.unit == "tokens" else ())) for c in CLASSES
)
# Sums that contain other classes; the mapping subtracts those, and a negative rest is a bad row.
INCLUSIVE: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "input_inclusive": (
        "input",
        ("cache_read", "cache_write_5m", "cache_write_1h", "cache_write_30m", "cache_write_12h", "input_audio", "input_image"),
    ),
    "output_inclusive": ("output", ("reasoning", "output_audio", "output_image")),
}
CALL_FIELDS: tuple[Field, ...] = (
    _field("occurred_at", "time", *_TIME, "request_time", required=True),
    _field("identity", "text", "id", "call_id", "response_id", "request_id", "message_id"),
    _field("provider", "text", "vendor", "custom_llm_provider"),
    _field("model", "text", "model_name", "model_id", "engine"),
    _field("model_requested", "text", "requested_model"),
    *ATTRIBUTION,
    _field("rung", "text"),
    _field("task_class", "text"),
    _field("template", "text", "prompt_template"),
    _field("rungs_tried", "text"),
    _field("baseline_cost", "money"),
    _field("status", "text"),
    _field("http_status", "count", "status_code", most=999),
    _field("latency_ms", "count", "duration_ms", most=2**31 - 1),
    _field("first_token_ms", "count", "ttft_ms", "time_to_first_token_ms", most=2**31 - 1),
    _field("call_count", "count", "calls", "requests", "n_calls", "request_count"),
    _field("attempt", "count", most=2**15 - 1),
    _field("billed", "truth"),
    _field("stated_cost", "money", "vendor_cost"),
    CURRENCY,
    _field("input_text_characters", "count"),
    _field("output_text_characters", "count"),
    _field("cacheable_prefix_tokens", "count", "cacheable_tokens"),
    *CONTEXT,
    *USAGE,
    Field("input_inclusive", "count", ("input_inclusive", "input_tokens_inclusive", "total_input_tokens")),
    Field("output_inclusive", "count", ("output_inclusive", "output_tokens_inclusive", "total_output_tokens")),
)
MEANS: tuple[Field, ...] = (
    Field("input_mean", "money", ("input_mean", "input_tokens_mean", "mean_input_tokens", "avg_input_tokens")),
    Field("output_mean", "money", ("output_mean", "output_tokens_mean", "mean_output_tokens", "avg_output_tokens")),
    *(
        Field(f"input_{kind}_mean", "money", (f"input_{kind}_mean", f"{kind}_tokens_mean", f"input_{kind}_tokens_mean"))
        for kind in ("image", "audio", "video")
    ),
    Field("reasoning_share", "money", ("reasoning_share", "reason_ratio_mean", "reasoning_ratio")),
)
AGGREGATE_FIELDS: tuple[Field, ...] = (*CALL_FIELDS, *MEANS)
OUTCOME_FIELDS: tuple[Field, ...] = (
    _field("occurred_at", "time", *_TIME, required=True),
    _field("identity", "text", "id", "outcome_id", "event_id"),
    _field("unit", "text", "outcome", "event", "name", "type"),
    _field("quantity", "count", "units", "count"),
    _field("succeeded", "truth", "success", "successful", "solved", "reward", "ok"),
    _field("value", "money", "amount", "value_usd"),
    CURRENCY,
    *ATTRIBUTION,
)
REVENUE_FIELDS: tuple[Field, ...] = (
    _field("period_start", "time", "start", "from", "month", "period", "date", required=True),
    _field("period_end", "time", "end", "to", "until"),
    _field("identity", "text", "id", "invoice_id"),
    _field("customer", "text", "customer_id", "account_id", "tenant"),
    _field("plan", "text", "plan_id", "tier"),
    _field("feature", "text", "product"),
    _field("amount", "money", "revenue", "mrr", "value", required=True),
    CURRENCY,
)
REPLAY_FIELDS: tuple[Field, ...] = (
    _field("task_class", "text", "class", "task", "category", "subject", "workflow", required=True),
    _field("feature", "text", "feature_name", "use_case"),
    _field("score_weak", "score", "weak", "weak_score", "weak_correct", "cheap_score"),
    _field("score_strong", "score", "strong", "strong_score", "strong_correct"),
    _field("agreed", "truth", "agree", "agreement", "same", "match"),
    _field("identity", "text", "id", "replay_id", "task_id", "question_id"),
    _field("occurred_at", "time", *_TIME),
    _field("from_rung", "text", "strong_rung"),
    _field("from_model", "text", "strong_model"),
    _field("to_rung", "text", "weak_rung", "rung"),
    _field("to_model", "text", "weak_model", "model"),
    _field("cost", "money", "weak_cost", "cost_weak"),
    _field("cost_strong", "money", "strong_cost"),
    _field("scored_by", "text", "scorer"),
    _field("judge_error", "score"),
    _field("propensity", "money"),
    _field("template", "text", "prompt_template"),
    _field("fingerprint", "text"),
    _field("task_ref", "text"),
)
CUSTOMER_FIELDS: tuple[Field, ...] = (
    _field("customer", "text", "customer_id", "id", "account_id", "tenant", required=True),
    _field("plan", "text", "plan_id", "tier"),
    _field("segment", "text"),
    _field("signed_up_at", "time", "signup_date", "signed_up", "signup", "created_at", "created"),
)


def normalised(name: str) -> str:
    """A column's name as it is compared: lower case, words joined by underscores, `camelCase` split."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", split.lower()).strip("_")
