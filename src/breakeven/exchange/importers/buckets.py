"""What vendors count and charge per day: the usage and cost reports of OpenAI's and Anthropic's administration interfaces.

Usage becomes aggregated rows that are priced like calls; a cost report is what the vendor states, kept as stated without any usage.
A bucket that has not ended yet is left for the next import. Amounts of Anthropic are cents, those of OpenAI dollars.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal, DecimalException
from pathlib import Path
from typing import Any

from breakeven.exchange.importers.documents import Document, documents
from breakeven.exchange.importers.records import instant_of, object_text, pricing_context
from breakeven.exchange.importers.recordwise import ENDS, WHO, RecordImporter, Row, RowFault

Node = Mapping[str, Any]
_WINDOWS: Mapping[str, int] = {"0-200k": 200_000, "200k-1M": 1_000_000}
_HOUR = timedelta(hours=1)
_CENTS = Decimal("0.01")
_OPENAI = "organization."
_BUCKETS = ("results", "start_time", "starting_at")


def buckets(path: Path) -> Iterator[Document]:
    """The buckets of a file: pages, lists of pages, or pages named by their endpoint."""
    for document in documents(path):
        yield from _unpacked(document)


def _unpacked(document: Document) -> Iterator[Document]:
    node = document.node
    if document.broken or any(name in node for name in _BUCKETS):
        yield document
        return
    for name, value in node.items():
        held = value.get("data") if isinstance(value, dict) else value
        if isinstance(held, list):
            for number, each in enumerate(held, 1):
                if isinstance(each, dict):
                    yield from _unpacked(Document(f"{document.where} {name}#{number}", each))
        elif isinstance(value, dict):
            yield from _unpacked(Document(f"{document.where} {name}", value))


class _Bucket:
    """One bucket: from when to when, and what identifies it however the report was cut."""

    def __init__(self, node: Node, start: str, end: str) -> None:
        self.shown = node.get(start)
        self.start, self.end = instant_of(self.shown), instant_of(node.get(end))
        if self.start is None or self.end is None or self.end <= self.start:
            raise RowFault(f"its time {self.shown!r} to {node.get(end)!r} is no span", start)
        results = node.get("results")
        if not isinstance(results, list) or not all(isinstance(each, dict) for each in results):
            raise RowFault("it has no list of results", "results")
        self.results: Sequence[Node] = results
        self._named: Counter[str] = Counter()

    @property
    def key(self) -> str:
        """A report may begin within a day: its first bucket is the same day as in a report that began earlier."""
        assert self.start is not None  # noqa: S101 - checked above
        assert self.end is not None  # noqa: S101 - as above
        width = self.end - self.start
        if width > _HOUR:
            return f"{self.start:%Y-%m-%d}"
        return f"{self.start:%Y-%m-%dT%H}" if width > timedelta(minutes=1) else f"{self.start:%Y-%m-%dT%H:%M}"

    def row(self, source: str, parts: Sequence[object]) -> Row:
        """What all rows of the bucket share."""
        named = ":".join("" if part is None else str(part) for part in parts)
        self._named[named] += 1
        if self._named[named] > 1:  # equal but for what the report does not say
            named += f"#{self._named[named]}"
        return {
            "identity": f"{source}:{self.key}:{named}", "occurred_at": self.start, "shown_time": self.shown, "billed": True,
            ENDS: self.end,
        }  # fmt: skip


def openai_usage(node: Node) -> Iterator[Row]:
    """A bucket of one of OpenAI's usage endpoints.

    Declared rule: input contains cached and written tokens, and the cached total those of all modalities.
    """
    bucket = _Bucket(node, "start_time", "end_time")
    for result in bucket.results:
        kind = str(result.get("object", "")).removeprefix(_OPENAI).removesuffix(".result")
        if not kind.startswith("usage."):
            continue
        kind = kind.removeprefix("usage.")
        usage = _openai_counts(kind, result)
        if usage is None:
            continue
        names = ("project_id", "user_id", "api_key_id", "model", "batch", "service_tier", "size", "source", "context_level")
        row = bucket.row("openai-usage", (kind, *(result.get(name) for name in names)))
        tier = result.get("service_tier")
        batch = {"processing": "batch"} if result.get("batch") is True else {}
        yield {
            **row, **usage, "provider": "openai", "model": result.get("model"), "api": kind, "usage_known": True,
            "call_count": _count(result, "num_model_requests", "num_requests", "num_sessions") or 1,
            "pricing_context": pricing_context({**batch, **({"service_tier": tier} if tier else {})}),
            "tags": object_text({"api_key_id": result.get("api_key_id"), "granularity": "bucket"}),
            WHO: _openai_who(result),
        }  # fmt: skip


def _openai_counts(kind: str, result: Node) -> dict[str, int] | None:
    if kind == "completions":
        usage = _completions(result)
    else:
        plain = _PLAIN.get(kind)
        if plain is None:
            return None
        name, field, factor = plain
        usage = {name: _count(result, field, "num_model_requests" if "search" in kind else field) * factor}
    if min(usage.values()) < 0:
        raise RowFault("its parts (cached, written, audio, image) are more than the whole", "input_tokens")
    return {name: quantity for name, quantity in usage.items() if quantity or name == "input"}


def _completions(result: Node) -> dict[str, int]:
    """Older answers count text in their totals and audio beside it; those that tell text tokens apart contain all modalities."""
    cached_audio, cached_image = _count(result, "input_cached_audio_tokens"), _count(result, "input_cached_image_tokens")
    inputs = {"input_audio": _count(result, "input_audio_tokens"), "input_image": _count(result, "input_image_tokens")}
    outputs = {"output_audio": _count(result, "output_audio_tokens"), "output_image": _count(result, "output_image_tokens")}
    cached, written = _count(result, "input_cached_tokens"), _count(result, "input_cache_write_tokens")
    inside = "input_text_tokens" in result
    return {
        "input": _count(result, "input_tokens") - cached - written - (sum(inputs.values()) if inside else 0),
        "cache_read": cached - cached_audio - cached_image,
        "cache_read_audio": cached_audio,
        "cache_read_image": cached_image,
        "cache_write_30m": written,
        **inputs,
        "output": _count(result, "output_tokens") - (sum(outputs.values()) if inside else 0),
        **outputs,
    }


_PLAIN: Mapping[str, tuple[str, str, int]] = {
    "embeddings": ("input", "input_tokens", 1),
    "moderations": ("input", "input_tokens", 1),
    "audio_speeches": ("input_characters", "characters", 1),
    "audio_transcriptions": ("input_audio_ms", "seconds", 1000),
    "images": ("image", "images", 1),
    "code_interpreter_sessions": ("code_execution", "num_sessions", 1),
    "file_searches": ("file_search", "num_requests", 1),
    "web_searches": ("web_search", "num_requests", 1),
}


def openai_costs(node: Node) -> Iterator[Row]:
    """A bucket of OpenAI's costs endpoint: what it charges, in dollars, per line item."""
    bucket = _Bucket(node, "start_time", "end_time")
    for result in bucket.results:
        if str(result.get("object", "")) != "organization.costs.result":
            continue
        amount = result.get("amount")
        if not isinstance(amount, dict):
            raise RowFault("it has no amount", "amount")
        item = result.get("line_item")
        model = item.partition(",")[0].strip() if isinstance(item, str) and "," in item else None
        parts = (item, result.get("project_id"), result.get("api_key_id"))
        yield _charge(
            bucket.row("openai-costs", parts), "openai", model, _dollars(amount.get("value"), amount.get("currency"), Decimal(1)),
            {"line_item": item, "api_key_id": result.get("api_key_id"), "quantity": result.get("quantity")},
        ) | {WHO: _openai_who(result)}  # fmt: skip


def anthropic_usage(node: Node) -> Iterator[Row]:
    """A bucket of Anthropic's usage report. Its classes are disjoint already.

    It does not say how many calls there were. A price may depend on the size of a call, so the least number of calls that fits the
    context window of the row stands in: a lower bound, tagged as such.
    """
    bucket = _Bucket(node, "starting_at", "ending_at")
    for result in bucket.results:
        if "uncached_input_tokens" not in result:
            continue
        written = result.get("cache_creation")
        by_life = written if isinstance(written, dict) else {}
        tools = result.get("server_tool_use")
        searches = _count(tools if isinstance(tools, dict) else {}, "web_search_requests")
        usage = {
            "input": _count(result, "uncached_input_tokens"), "cache_read": _count(result, "cache_read_input_tokens"),
            "cache_write_5m": _count(by_life, "ephemeral_5m_input_tokens"),
            "cache_write_1h": _count(by_life, "ephemeral_1h_input_tokens"), "output": _count(result, "output_tokens"),
        }  # fmt: skip
        if min(usage.values()) < 0 or searches < 0:
            raise RowFault("a count is negative", "results")
        size = sum(usage.values()) - usage["output"]
        window = _WINDOWS.get(str(result.get("context_window")), _WINDOWS["0-200k"])
        names = ("account_id", "api_key_id", "workspace_id", "service_account_id", "model", "service_tier", "context_window",
                 "inference_geo", "speed")  # fmt: skip
        context = {name: result[name] for name in ("service_tier", "inference_geo", "speed") if isinstance(result.get(name), str)}
        yield {
            **bucket.row("anthropic-usage", [result.get(name) for name in names]), "provider": "anthropic",
            "model": result.get("model"),
            **{name: quantity for name, quantity in {**usage, "web_search": searches}.items() if quantity or name == "input"},
            "usage_known": True, "call_count": max(1, math.ceil(size / window)), "pricing_context": pricing_context(context),
            "tags": object_text({"api_key_id": result.get("api_key_id"), "granularity": "bucket", "call_count": "a lower bound"}),
            WHO: {
                "feature": (result.get("workspace_id"), "import:workspace_id"),
                "user_id": (result.get("account_id"), "import:account_id"),
            },
        }  # fmt: skip


def anthropic_costs(node: Node) -> Iterator[Row]:
    """A bucket of Anthropic's cost report: what it charges, in cents."""
    bucket = _Bucket(node, "starting_at", "ending_at")
    for result in bucket.results:
        if "amount" not in result:
            continue
        names = (
            "workspace_id",
            "description",
            "cost_type",
            "model",
            "token_type",
            "context_window",
            "service_tier",
            "inference_geo",
            "speed",
        )
        yield _charge(
            bucket.row("anthropic-costs", [result.get(name) for name in names]), "anthropic", result.get("model"),
            _dollars(result["amount"], result.get("currency"), _CENTS),
            {name: result.get(name) for name in ("description", "cost_type", "token_type", "service_tier")},
        ) | {WHO: {"feature": (result.get("workspace_id"), "import:workspace_id")}}  # fmt: skip


def _charge(row: Row, provider: str, model: object, amount: Decimal, tags: Mapping[str, object]) -> Row:
    """A vendor's charge: no call was counted for it, and its usage is not told."""
    told = {name: None if value is None else str(value) for name, value in tags.items()}
    return row | {
        "provider": provider, "model": model, "call_count": 0, "usage_known": False, "stated_cost": amount,
        "tags": object_text({**told, "granularity": "bucket"}),
    }  # fmt: skip


def _dollars(amount: object, currency: object, unit: Decimal) -> Decimal:
    """An exact amount in US dollars. Raises RowFault where it is none, or of another currency."""
    if str(currency or "USD").upper() != "USD":
        raise RowFault(f"its currency is {currency}", "currency", "The ledger keeps US dollars: convert the report first.")
    try:
        found = Decimal(str(amount)) * unit
    except DecimalException:
        raise RowFault(f"its amount {amount!r} is no amount of money", "amount") from None
    if isinstance(amount, bool) or not found.is_finite():
        raise RowFault(f"its amount {amount!r} is no amount of money", "amount")
    return found.quantize(Decimal("1e-18"))


def _count(node: Node, *names: str) -> int:
    value = next((node[name] for name in names if node.get(name) is not None), 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise RowFault(f"{value!r} is no whole number", names[0])
    return int(value)


def _openai_who(result: Node) -> dict[str, tuple[object, str]]:
    return {
        "feature": (result.get("project_name") or result.get("project_id"), "import:project_id"),
        "user_id": (result.get("user_email") or result.get("user_id"), "import:user_id"),
    }


def _bucket_importer(name: str, summary: str, rows: Any) -> RecordImporter:  # noqa: ANN401 - one of the functions above
    return RecordImporter(name, summary, rows, (".json", ".jsonl"), buckets, aggregated=True)


BUCKETS: tuple[RecordImporter, ...] = (
    _bucket_importer(
        "openai-usage", "Answers of OpenAI's usage endpoints (completions, embeddings, images, audio, tools).", openai_usage
    ),
    _bucket_importer("openai-costs", "Answers of OpenAI's costs endpoint: what it charges, in dollars.", openai_costs),
    _bucket_importer("anthropic-usage", "Anthropic's usage report for messages.", anthropic_usage),
    _bucket_importer("anthropic-costs", "Anthropic's cost report: what it charges, in cents.", anthropic_costs),
)
