"""LiteLLM's spend logs: the calls that its proxy recorded, priced anew. What LiteLLM says they cost is compared, not believed.

The declared rule for its counts: `prompt_tokens` contains cache reads and cache writes whatever the vendor, `completion_tokens`
contains reasoning. An answer from LiteLLM's own cache and a failed call cost nothing; a call that shows no tokens at all is of
unknown usage, not free.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import duckdb

from breakeven.exchange.importers import shapes
from breakeven.exchange.importers.claims import Claim
from breakeven.exchange.importers.fields import CALL_FIELDS, Field
from breakeven.exchange.importers.mapping import Mapped
from breakeven.exchange.importers.projection import Fault
from breakeven.exchange.importers.request import ImportRequest
from breakeven.exchange.importers.shapes import Expressions, literal
from breakeven.exchange.importers.source import Source, identifier, json_path
from breakeven.exchange.importers.sources import json_columns
from breakeven.exchange.importers.tabular import TabularImporter

_SPEND = "litellm_spend"
_PROVIDERS: Mapping[str, str] = {
    "azure_ai": "azure",
    "azure_text": "azure",
    "bedrock_converse": "bedrock",
    "bedrock_mantle": "bedrock",
    "cohere_chat": "cohere",
    "gemini": "google",
    "hosted_vllm": "vllm",
    "ollama_chat": "ollama",
    "text-completion-openai": "openai",
    "vertex_ai": "google",
    "vertex_ai_beta": "google",
}
_USAGE = ("metadata.usage_object", "metadata.additional_usage_values")
_USAGE_NAMES = (
    "cache_creation.ephemeral_1h_input_tokens",
    "cache_creation_input_tokens",
    "cache_creation_token_details.ephemeral_1h_input_tokens",
    "cache_read_input_tokens",
    "completion_tokens_details.audio_tokens",
    "completion_tokens_details.image_tokens",
    "completion_tokens_details.reasoning_tokens",
    "prompt_tokens_details.audio_tokens",
    "prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens",
    "prompt_tokens_details.cache_creation_tokens",
    "prompt_tokens_details.cached_tokens",
    "prompt_tokens_details.image_tokens",
    "service_tier",
)
_EXPLAINED: Mapping[str, str] = {
    "occurred_at": "startTime",
    "identity": "request_id",
    "provider": "custom_llm_provider, else what stands before the slash in model",
    "model": "model",
    "model_requested": "model_group",
    "customer": "end_user",
    "user_id": "user",
    "team": "team alias, else team_id",
    "trace_id": "session_id",
    "input_inclusive": "prompt_tokens, which contain cache reads and writes",
    "output_inclusive": "completion_tokens, which contain reasoning",
    "cache_read": "cached tokens of the usage in metadata",
    "cache_write_5m": "cache creation tokens of the usage in metadata",
    "cache_write_1h": "those of them that live an hour",
    "rung": "exact_cache where LiteLLM answered from its cache",
    "status": "status",
    "http_status": "error code in metadata",
    **dict.fromkeys(
        ("reasoning", "input_audio", "input_image", "output_audio", "output_image", "service_tier"), "the usage in metadata"
    ),
    "billed": "not cached by LiteLLM, and not failed",
    "latency_ms": "endTime less startTime",
    "first_token_ms": "completionStartTime less startTime",
}


_PATHS = (
    "cache_hit", "call_type", "completionStartTime", "completion_tokens", "custom_llm_provider", "endTime", "end_user", "id",
    "metadata.error_information.error_code", "metadata.status", "metadata.user_api_key_alias", "metadata.user_api_key_team_alias",
    "metadata.user_api_key_team_id", "model", "model_group", "prompt_tokens", "request_id", "request_tags", "session_id", "spend",
    "startTime", "status", "team_id", "user",
    *(f"{root}.{name}" for root in _USAGE for name in _USAGE_NAMES),
)  # fmt: skip


def _text(path: str) -> str:
    """SQL for a value of the record; the words that exporters write for nothing are nothing."""
    return f"_clean[{_PATHS.index(path) + 1}]"


def _first(*paths: str) -> str:
    return f"coalesce({', '.join(_text(path) for path in paths)})" if len(paths) > 1 else _text(paths[0])


def _usage(*names: str) -> str:
    return _first(*(f"{root}.{name}" for root in _USAGE for name in names))


def _instant(path: str) -> str:
    return f"TRY_CAST({_text(path)} AS TIMESTAMPTZ)"


def _milliseconds(until: str) -> str:
    return f"nullif(greatest(epoch_ms({_instant(until)}) - epoch_ms({_instant('startTime')}), -1), -1)"


_FAILED = f"(lower(coalesce({_text('status')}, {_text('metadata.status')}, '')) IN ('failure', 'failed', 'error'))"
_CACHED = f"(lower(coalesce({_text('cache_hit')}, '')) = 'true')"
_NAMED = f"lower(coalesce({_text('custom_llm_provider')}, nullif(split_part({_text('model')}, '/', 1), {_text('model')})))"
_NOTHING = " AND ".join(f"coalesce({_text(name)}, '0') IN ('0', '0.0')" for name in ("prompt_tokens", "completion_tokens"))
_WRITTEN = _usage("cache_creation_input_tokens", "prompt_tokens_details.cache_creation_tokens")
_WRITTEN_1H = _usage(
    "cache_creation.ephemeral_1h_input_tokens",
    "prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens",
    "cache_creation_token_details.ephemeral_1h_input_tokens",
)
_PROVIDER = (
    f"CASE {_NAMED} "
    + " ".join(f"WHEN {literal(name)} THEN {literal(ours)}" for name, ours in _PROVIDERS.items())
    + f" ELSE {_NAMED} END"
)
_COUNTED: Mapping[str, str] = {
    "input_inclusive": _text("prompt_tokens"),
    "output_inclusive": _text("completion_tokens"),
    "cache_read": _usage("cache_read_input_tokens", "prompt_tokens_details.cached_tokens"),
    "cache_write_5m": f"coalesce(TRY_CAST({_WRITTEN} AS BIGINT) - coalesce(TRY_CAST({_WRITTEN_1H} AS BIGINT), 0), 0)",
    "cache_write_1h": _WRITTEN_1H,
    "reasoning": _usage("completion_tokens_details.reasoning_tokens"),
    "input_audio": _usage("prompt_tokens_details.audio_tokens"),
    "input_image": _usage("prompt_tokens_details.image_tokens"),
    "output_audio": _usage("completion_tokens_details.audio_tokens"),
    "output_image": _usage("completion_tokens_details.image_tokens"),
}
_DERIVED: Mapping[str, str] = {
    "occurred_at": _text("startTime"),
    "identity": _first("request_id", "id"),
    "provider": _PROVIDER,
    # LiteLLM writes `provider/model` where it was called so; the price book knows the model by its own name.
    "model": f"CASE WHEN starts_with({_text('model')}, {_NAMED} || '/') THEN substr({_text('model')}, length({_NAMED}) + 2) "
    f"ELSE {_text('model')} END",
    "model_requested": _text("model_group"),
    "feature": f"nullif(regexp_extract({_text('request_tags')}, 'feature:([^\",\\]]+)', 1), '')",
    "customer": _text("end_user"),
    "user_id": _text("user"),
    "team": _first("metadata.user_api_key_team_alias", "team_id", "metadata.user_api_key_team_id"),
    "trace_id": _text("session_id"),
    "status": f"CASE WHEN {_FAILED} THEN 'failed' ELSE 'ok' END",
    "http_status": f"TRY_CAST({_text('metadata.error_information.error_code')} AS SMALLINT)",
    "billed": f"NOT ({_FAILED} OR {_CACHED})",
    "rung": f"CASE WHEN {_CACHED} THEN 'exact_cache' END",
    "latency_ms": _milliseconds("endTime"),
    "first_token_ms": _milliseconds("completionStartTime"),
    "service_tier": _usage("service_tier"),
    **{name: f"CASE WHEN NOT ({_NOTHING}) THEN {value} END" for name, value in _COUNTED.items()},
    "_tags": shapes.json_object(
        {
            "call_type": _text("call_type"),
            "key_alias": _text("metadata.user_api_key_alias"),
            _SPEND: _text("spend"),
            "request_tags": _text("request_tags"),
        }
    ),
}
FIELDS = tuple(Field(field.name, field.kind, (field.name,), field.required, field.most) for field in CALL_FIELDS)


def prepare(connection: duckdb.DuckDBPyConnection, source: Source) -> Source:
    """The logs as records that carry our fields beside LiteLLM's columns, so that --map can still name those."""
    table = f"{source.table}_fields"
    record = "_raw" if source.kind == "json" else "to_json(raw)::VARCHAR"
    metadata = "json_extract_string(_raw, '$.metadata')"
    unpacked = f"""CASE WHEN json_type(_raw, '$.metadata') = 'VARCHAR' AND json_valid({metadata})
        THEN json_merge_patch(_raw::JSON, json_object('metadata', {metadata}::JSON))::VARCHAR ELSE _raw END"""
    paths = ", ".join(json_path(path) for path in _PATHS)
    clean = f"[nullif(nullif(nullif(trim(text), ''), 'None'), 'null') FOR text IN json_extract_string(_raw, [{paths}])]"
    derived = ", ".join(f"{value} AS {identifier(name)}" for name, value in _DERIVED.items())
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE {table} AS
        SELECT _row, _raw, {derived} FROM (SELECT *, {clean} AS _clean FROM
            (SELECT _row, {unpacked} AS _raw FROM (SELECT _row, {record} AS _raw FROM {source.table} AS raw)))""")
    filled = (
        connection.execute(f"SELECT {', '.join(f'count({identifier(name)})' for name in _DERIVED)} FROM {table}").fetchone() or ()
    )
    ours = [name for name, count in zip(_DERIVED, filled, strict=True) if count]
    columns = {**json_columns(connection, table), **dict.fromkeys(ours, "VARCHAR")}
    return replace(source, kind="json", table=table, columns=columns, ready=frozenset(_DERIVED))


def shape(expressions: Expressions, mapped: Sequence[Mapped], request: ImportRequest) -> Expressions:
    """Calls, with LiteLLM's own words kept as tags."""
    return {**shapes.call(expressions, mapped, request), "tags": '"_tags"'}


def faults(expressions: Expressions) -> list[Fault]:
    """A spend log without an id cannot be told from the next one."""
    missing = (
        [Fault(f"{expressions['identity']} IS NULL", "request_id", "request_id is missing")] if "identity" in expressions else []
    )
    return [*missing, *shapes.call_faults(expressions)]


LITELLM = TabularImporter(
    "litellm",
    "Spend logs of LiteLLM's proxy as JSON, JSONL, CSV or Parquet.",
    "calls",
    FIELDS,
    shape,
    faults,
    prepare,
    _EXPLAINED,
    ("_tags",),
    claim=Claim(f"TRY_CAST(json_extract_string(tags, '$.{_SPEND}') AS DECIMAL(38,18))", "LiteLLM recorded", places=4),
)
