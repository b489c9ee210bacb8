"""Logs of other gateways, record by record: Helicone, Portkey, and what LiteLLM posts to a generic callback.

The vendor's own usage object is read by the vendor's own rule where a log has it; plain counts otherwise, by the rule stated here.
What these tools say a call cost is kept as a tag and compared, not believed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from breakeven.exchange.importers.claims import EMITTED
from breakeven.exchange.importers.names import family, provider_named
from breakeven.exchange.importers.records import instant_of, object_text, pricing_context
from breakeven.exchange.importers.recordwise import WHO, RecordImporter, Row, RowFault
from breakeven.providers import read

Node = Mapping[str, Any]
_FAILED_FROM = 400
_NAMES: Mapping[str, str] = {
    "feature": "feature", "app": "feature", "team": "team", "customer": "customer", "customer_id": "customer", "tenant": "customer",
    "user": "user_id", "_user": "user_id", "user_id": "user_id", "workflow": "workflow", "environment": "environment",
    "_environment": "environment", "env": "environment", "session": "trace_id", "session_id": "trace_id", "trace_id": "trace_id",
}  # fmt: skip


def helicone(node: Node) -> Iterator[Row]:
    """A request of Helicone's API or export.

    Declared rule: cached and audio tokens lie beside prompt and completion tokens whatever the vendor, because Helicone takes them
    out of OpenAI's counts before it stores them; reasoning lies inside completion tokens. Its -1, of a stream without usage, is
    unknown.
    """
    model = _text(node, "response_model", "model", "model_override", "request_model", "response_body.model")
    provider = provider_named(_text(node, "provider"), model) or family(model)
    status = _whole(_get(node, "response_status", "status"))
    properties = {
        **_object(_get(node, "request_properties", "properties", "Properties")),
        **{key[9:]: value for key, value in node.items() if key.startswith("property_")},
    }
    cached = str(_get(node, "cache_enabled", "from_cache", "cached") or "").lower() == "true" and bool(
        _get(node, "cache_reference_id")
    )
    hit = cached and _text(node, "cache_reference_id") not in ("", "00000000-0000-0000-0000-000000000000")
    shown = _get(node, "request_created_at", "created_at", "request.created_at")
    row = _row(
        "helicone", _text(node, "request_id", "id", "response_id"), shown, provider, model,
        _text(node, "request_model", "model_requested", "request_body.model"),
    )  # fmt: skip
    row |= _outcome(status, hit=hit)
    row["latency_ms"] = _whole(_get(node, "delay_ms", "latency", "response_delay_ms"))
    row["first_token_ms"] = _whole(_get(node, "time_to_first_token"))
    row["tags"] = _tags(properties, _get(node, "costUSD", "cost_usd", "cost"))
    row[WHO] = _who(properties, {"user_id": _get(node, "request_user_id", "user_id", "helicone_user")}, "property")
    counts = {
        "prompt": ("prompt_tokens", "total_prompt_tokens"), "completion": ("completion_tokens", "total_completion_tokens"),
        "cache_read": ("prompt_cache_read_tokens", "cache_read_tokens"),
        "cache_write_5m": ("prompt_cache_write_tokens", "cache_write_tokens"),
        "input_audio": ("prompt_audio_tokens",), "output_audio": ("completion_audio_tokens",), "reasoning": ("reasoning_tokens",),
    }  # fmt: skip
    yield _with_usage(row, node, provider, "response_body", counts, outside=True)


def portkey(node: Node) -> Iterator[Row]:
    """A line of Portkey's log export.

    Declared rule: `req_units` and `res_units` are the vendor's own input and output totals. `cost` is in cents of `cost_currency`.
    """
    model = _text(node, "ai_model", "model", "response.model", "request.model")
    provider = provider_named(_text(node, "ai_org", "provider"), model) or family(model)
    properties = _paired(node) or _object(_get(node, "metadata", "_metadata"))
    shown = _get(node, "created_at", "time_of_generation", "timestamp")
    row = _row("portkey", _text(node, "id", "log_id"), shown, provider, model, "")
    row["model_requested"] = _text(_object(_get(node, "request.body", "request")), "model") or None
    row |= _outcome(
        _whole(_get(node, "response_status_code", "status_code", "status")),
        failed=str(_get(node, "is_success")).lower() in ("0", "false"),
        hit=_text(node, "cache_status").upper() in ("HIT", "SEMANTIC HIT", "SIMPLE HIT"),
    )
    row["latency_ms"] = _whole(_get(node, "response_time", "latency"))
    row["tags"] = _tags(properties, _dollars(node))
    trace = _get(node, "trace_id", "traceId")
    row[WHO] = _who(properties, {"trace_id": trace}, "metadata")
    counts = {
        "prompt": ("req_units", "request_units", "prompt_tokens"),
        "completion": ("res_units", "response_units", "completion_tokens"),
        "cache_read": ("cache_read_input_tokens", "cached_tokens"), "cache_write_5m": ("cache_creation_input_tokens",),
        "reasoning": ("reasoning_tokens",),
    }  # fmt: skip
    yield _with_usage(row, node, provider, "response.body", counts, outside=provider == "anthropic")


def callback(node: Node) -> Iterator[Row]:
    """What LiteLLM posts to a generic callback.

    Its rule is that of its spend logs: prompt tokens contain cache reads and writes whatever the vendor, completion tokens contain
    reasoning.
    """
    metadata = _object(node.get("metadata"))
    shown = _get(node, "startTime", "start_time")
    said = _text(node, "custom_llm_provider")
    model = _text(node, "model").removeprefix(f"{said}/")
    provider = provider_named(said, model) or family(model)
    row = _row("", _text(node, "id", "request_id", "litellm_call_id"), shown, provider, model, _text(node, "model_group"))
    failed = _text(node, "status").lower() in ("failure", "failed", "error")
    hit = str(node.get("cache_hit") or "").lower() == "true"
    row |= {
        "status": "failed" if failed else "ok",
        "http_status": _whole(_object(node.get("error_information")).get("error_code")),
        "billed": not (failed or hit),
        "rung": "exact_cache" if hit else None,
        "latency_ms": _between(shown, _get(node, "endTime", "end_time")),
        "first_token_ms": _between(shown, _get(node, "completionStartTime")) if node.get("stream") else None,
    }
    spend = _object(metadata.get("spend_logs_metadata"))
    extra = _object(metadata.get("requester_metadata"))
    tags = node.get("request_tags")
    row["tags"] = object_text({
        "call_type": node.get("call_type"), "key_alias": metadata.get("user_api_key_alias"),
        "emitter_cost": node.get("response_cost"),
        "request_tags": msgspec.json.encode(tags).decode() if isinstance(tags, list) and tags else None,
    })  # fmt: skip
    feature = (
        next((each[8:] for each in tags if isinstance(each, str) and each.startswith("feature:")), None)
        if isinstance(tags, list)
        else None
    )
    row[WHO] = _who({**extra, **spend}, {
        "customer": _get(node, "end_user") or metadata.get("user_api_key_end_user_id"),
        "user_id": metadata.get("user_api_key_user_id"),
        "team": metadata.get("user_api_key_team_alias") or metadata.get("user_api_key_team_id"),
        "feature": feature or metadata.get("user_api_key_alias"), "trace_id": _get(node, "session_id", "trace_id"),
    }, "metadata")  # fmt: skip
    usage = _object(metadata.get("usage_object"))
    inner, outer = _object(usage.get("prompt_tokens_details")), _object(usage.get("completion_tokens_details"))
    writes = _whole(usage.get("cache_creation_input_tokens")) or _whole(inner.get("cache_creation_tokens")) or 0
    details = _object(inner.get("cache_creation_token_details"))
    hour = min(_whole(details.get("ephemeral_1h_input_tokens")) or 0, writes)
    prompt, completion = _counted(node, "prompt_tokens"), _counted(node, "completion_tokens")
    parts = {
        "cache_read": _whole(usage.get("cache_read_input_tokens")) or _whole(inner.get("cached_tokens")) or 0,
        "cache_write_5m": writes - hour, "cache_write_1h": hour, "input_audio": _whole(inner.get("audio_tokens")) or 0,
        "input_image": _whole(inner.get("image_tokens")) or 0,
    }  # fmt: skip
    produced = {"reasoning": _whole(outer.get("reasoning_tokens")) or 0, "output_audio": _whole(outer.get("audio_tokens")) or 0}
    row["usage_known"] = bool(prompt or completion)
    if row["usage_known"]:
        row |= _disjoint(prompt or 0, completion or 0, parts, produced)
    tier = _text(usage, "service_tier")
    row["pricing_context"] = pricing_context({"service_tier": tier}) if tier and tier != "auto" else "{}"
    yield row


def _row(source: str, identity: str, shown: object, provider: str, model: str, requested: str) -> Row:
    if not identity:
        raise RowFault("it has no id", "id", "Export the id too: without one the next export would count again.")
    return {
        "identity": f"{source}:{identity}" if source else identity,
        "occurred_at": instant_of(_number(shown)), "shown_time": shown, "provider": provider or None, "model": model or None,
        "model_requested": requested or None, "source_ref": identity,
    }  # fmt: skip


def _paired(node: Node) -> Node:
    """Portkey's metadata where it comes as two columns of equal length, keys and values."""
    keys, values = _get(node, "metadata.key"), _get(node, "metadata.value")
    if not (isinstance(keys, list) and isinstance(values, list) and len(keys) == len(values)):
        return {}
    return {str(key): value for key, value in zip(keys, values, strict=True)}


def _dollars(node: Node) -> str | None:
    """Portkey's cost in US dollars; None where it says none, or another currency."""
    if _text(node, "cost_currency").upper() not in ("", "USD", "CENTS"):
        return None
    try:
        cents = Decimal(str(_get(node, "cost")))
    except InvalidOperation:
        return None
    return f"{cents / 100:f}" if cents.is_finite() and cents else None


def _outcome(status: int | None, *, hit: bool, failed: bool = False) -> Row:
    failed = failed or (status is not None and (status >= _FAILED_FROM or status < 0))
    return {
        "status": "failed" if failed else "ok",
        "http_status": status if status is not None and 0 < status < 1000 else None,  # noqa: PLR2004 - the largest status
        "billed": not (failed or hit),
        "rung": "exact_cache" if hit else None,
    }


def _with_usage(row: Row, node: Node, provider: str, body: str, names: Mapping[str, tuple[str, ...]], *, outside: bool) -> Row:
    """The vendor's own body where the log has it, else the log's counts; `outside`: cached and audio tokens lie beside them."""
    answer = _object(_get(node, body, "response"))
    if isinstance(answer.get("usage"), dict) and provider:
        reading = read(answer, provider=provider, model=row["model"] or "", where=str(row["source_ref"]))
        if reading.state == "metered" and len(reading.parts) == 1:
            row["model"] = reading.model or row["model"]
            row["pricing_context"] = pricing_context(reading.context)
            return {**row, "usage_known": True, **reading.parts[0].usage}
    counts = {name: max(_counted(node, *each) or 0, 0) for name, each in names.items()}
    prompt, completion = counts.pop("prompt"), counts.pop("completion")
    row["usage_known"] = bool(prompt or completion or counts["cache_read"])
    if not row["usage_known"]:
        return row
    produced: dict[str, int] = {name: counts.pop(name) for name in ("reasoning", "output_audio") if name in counts}
    if outside:
        prompt, completion = prompt + sum(counts.values()), completion + produced.get("output_audio", 0)
    return row | _disjoint(prompt, completion, counts, produced)


def _disjoint(prompt: int, completion: int, parts: Mapping[str, int], produced: Mapping[str, int]) -> dict[str, int]:
    usage = {"input": prompt - sum(parts.values()), **parts, "output": completion - sum(produced.values()), **produced}
    if min(usage.values()) < 0:
        raise RowFault("its parts (cached, written, audio, reasoning) are more than the whole", "usage")
    return {name: quantity for name, quantity in usage.items() if quantity or name in ("input", "output")}


def _who(properties: Node, others: Mapping[str, object], source: str) -> dict[str, tuple[object, str]]:
    who: dict[str, tuple[object, str]] = {
        name: (value, f"import:{name}") for name, value in others.items() if value not in (None, "")
    }
    for key, value in properties.items():
        dimension = _NAMES.get(str(key).lower().replace("-", "_").removeprefix("breakeven_"))
        if dimension is not None and isinstance(value, str) and value:
            who[dimension] = (value, f"import:{source}.{key}")
    return who


def _tags(properties: Node, cost: object) -> str:
    rest = {str(key): value for key, value in properties.items() if isinstance(value, str) and str(key).lower() not in _NAMES}
    return object_text({**rest, "emitter_cost": None if cost in (None, "", 0, "0") else str(cost)})


def _get(node: Node, *names: str) -> Any:  # noqa: ANN401 - a value of JSON
    for name in names:
        value: Any = node.get(name)
        if value is None and "." in name:
            outer, _, inner = name.partition(".")
            value = _object(node.get(outer)).get(inner)
        if value not in (None, ""):
            return value
    return None


def _text(node: Node, *names: str) -> str:
    value = _get(node, *names)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _object(value: object) -> Node:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = msgspec.json.decode(value)
        except msgspec.DecodeError:
            return {}
    return value if isinstance(value, Mapping) else {}


def _whole(value: object) -> int | None:
    """A count, however it is written; None where it is none."""
    if value in (None, "") or isinstance(value, bool | dict | list):
        return None
    try:
        number = float(str(value))
    except ValueError:
        return None
    if number != number or number in (float("inf"), float("-inf")):  # noqa: PLR0124 - not a number
        return None
    return int(number)


def _counted(node: Node, *names: str) -> int | None:
    """A count of tokens. Raises RowFault for what is said and is none: a cost that leaves it out would look like a known one."""
    value = _get(node, *names)
    count = _whole(value)
    if value is not None and (count is None or count != float(str(value))):
        field = next((name for name in names if node.get(name) == value), names[0])
        raise RowFault(f"this is not a whole number ({str(value)[:40]})", field)
    return count


def _number(value: object) -> object:
    """Instants may be numbers, also as text."""
    try:
        return float(value) if isinstance(value, str) and value.replace(".", "", 1).isdecimal() else value
    except ValueError:
        return value


def _between(start: object, end: object) -> int | None:
    first, last = instant_of(_number(start)), instant_of(_number(end))
    return None if first is None or last is None or last < first else int((last - first).total_seconds() * 1000)


_TABLES = (".json", ".jsonl", ".csv")
CALLBACK = RecordImporter(
    "litellm-callback", "What LiteLLM's generic callback posts, kept as JSON or JSON lines.", callback, claim=EMITTED
)
GATEWAYS: tuple[RecordImporter, ...] = (
    RecordImporter("helicone", "Requests exported from Helicone: JSON, JSON lines, CSV.", helicone, _TABLES, claim=EMITTED),
    RecordImporter("portkey", "Logs exported from Portkey: JSON lines, JSON, CSV.", portkey, _TABLES, claim=EMITTED),
    CALLBACK,
)
