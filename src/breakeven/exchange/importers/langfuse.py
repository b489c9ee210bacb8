"""Langfuse: generations of a trace export, of the public API, or of a table of observations.

A generation around another one (a framework's, around the client's) is the same call told twice: the outer one is kept, not billed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from breakeven.exchange.importers.claims import EMITTED
from breakeven.exchange.importers.langfuse_usage import Counted, langfuse_usage
from breakeven.exchange.importers.names import family, provider_named
from breakeven.exchange.importers.records import instant_of, object_text
from breakeven.exchange.importers.recordwise import FAULT, WHO, RecordImporter, Row, RowFault

Node = Mapping[str, Any]
_CALLS = frozenset({"GENERATION", "EMBEDDING"})
_OTHERS = frozenset({"SPAN", "EVENT", "AGENT", "TOOL", "CHAIN", "RETRIEVER", "EVALUATOR", "GUARDRAIL"})
_FAILED = frozenset({"ERROR"})
_PARENT = "parent_of"


def rows_of(node: Node) -> Iterator[Row]:
    """The rows of a record: a trace with its observations, or one observation."""
    trace = node.get("trace")
    observations = node.get("observations")
    if isinstance(observations, list) and all(isinstance(each, str) for each in observations):
        raise RowFault(
            "it names its observations and does not hold them", "observations", "Export observations, or traces in full."
        )
    if not isinstance(observations, list):
        if str(_first(node, "type", "observation_type") or "").upper() not in (_CALLS | _OTHERS):
            raise RowFault("it is neither a trace with observations nor an observation", "type", "Export observations or traces.")
        yield from _observation(node, {})
        return
    head = trace if isinstance(trace, dict) else node
    parents = {str(each.get("id")): each.get("parentObservationId") for each in observations if isinstance(each, dict)}
    for each in observations:
        if isinstance(each, dict):
            for row in _observation(each, head):
                row[_PARENT] = _ancestors(str(each.get("id")), parents)
                yield row


def _ancestors(identity: str, parents: Mapping[str, object]) -> tuple[str, ...]:
    found: list[str] = []
    parent = parents.get(identity)
    while isinstance(parent, str) and parent and parent not in found:
        found.append(parent)
        parent = parents.get(parent)
    return tuple(found)


def _observation(node: Node, trace: Node) -> Iterator[Row]:
    if str(_first(node, "type", "observation_type") or "").upper() not in _CALLS:
        return
    identity = _first(node, "id", "observation_id")
    if not identity:
        raise RowFault("it has no id", "id")
    shown = _first(node, "startTime", "start_time")
    ended = instant_of(_first(node, "endTime", "end_time"))
    first = instant_of(_first(node, "completionStartTime", "completion_start_time"))
    began = instant_of(shown)
    model = str(_first(node, "model", "providedModelName", "provided_model_name") or "")
    counted = _counted(node)
    metadata = _object(node.get("metadata"))
    named = {**_object(trace.get("metadata")), **metadata}
    vendor = str(metadata.get("ls_provider") or _object(metadata.get("attributes")).get("gen_ai.system") or "")
    row: Row = {
        "identity": f"langfuse:{identity}",
        "occurred_at": began,
        "shown_time": shown,
        "provider": provider_named(vendor, model) or family(model) or None,
        "model": model or None,
        "status": "failed" if str(node.get("level")).upper() in _FAILED else "ok",
        "latency_ms": _milliseconds(began, ended),
        "first_token_ms": _milliseconds(began, first),
        "usage_known": counted.usage is not None,
        "billed": True,
        "source_ref": str(identity),
        "tags": object_text(
            {
                "emitter_cost": _cost(node),
                "name": node.get("name"),
                "trace_tags": ",".join(map(str, trace["tags"])) if isinstance(trace.get("tags"), list) else None,
                "usage_fault": counted.fault,
            }
        ),
        WHO: {
            "feature": _who(named, "feature", trace.get("name") or node.get("traceName") or node.get("trace_name"), "trace name"),
            "team": _who(named, "team", None, ""),
            "customer": _who(named, "customer", named.get("customer_id") or named.get("tenant_id"), "metadata"),
            "user_id": (trace.get("userId") or _first(node, "userId", "user_id"), "import:userId"),
            "environment": (_first(node, "environment") or trace.get("environment"), "import:environment"),
            "trace_id": (
                trace.get("sessionId") or _first(node, "sessionId", "session_id") or _first(node, "traceId", "trace_id"),
                "import:sessionId",
            ),
        },
        _PARENT: (str(node["parentObservationId"]),) if node.get("parentObservationId") else (),
        **(counted.usage or {}),
    }
    if counted.fault:
        row[FAULT] = counted.fault
    yield row


def settled(rows: Sequence[Row]) -> Sequence[Row]:
    """Generations that enclose another one with usage are not billed: the inner one is what the vendor answered."""
    around = {parent for row in rows if row["usage_known"] for parent in row[_PARENT]}
    for row in rows:
        del row[_PARENT]
        if row["source_ref"] in around:
            row["billed"] = False
    return rows


def _counted(node: Node) -> Counted:
    for name in ("usageDetails", "usage_details", "usage"):
        details = _object(node.get(name))
        if any(isinstance(value, int | float) and value for value in details.values()):
            return langfuse_usage(details)
    pairs = {
        "input": _first(node, "inputUsage", "promptTokens", "prompt_tokens", "inputTokens", "input_usage"),
        "output": _first(node, "outputUsage", "completionTokens", "completion_tokens", "outputTokens", "output_usage"),
    }
    return langfuse_usage({name: value for name, value in pairs.items() if value is not None})


def _cost(node: Node) -> str | None:
    value = _first(node, "totalCost", "calculatedTotalCost", "total_cost", "calculated_total_cost")
    if value is None:
        value = _object(node.get("costDetails")).get("total")
    return None if value in (None, "", 0, "0") else str(value)


def _who(metadata: Node, name: str, other: object, source: str) -> tuple[object, str]:
    value = metadata.get(name)
    return (value, f"import:metadata.{name}") if isinstance(value, str) and value else (other, f"import:{source}")


def _first(node: Node, *names: str) -> Any:  # noqa: ANN401 - a value of JSON
    return next((node[name] for name in names if node.get(name) not in (None, "")), None)


def _object(value: object) -> Node:
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = msgspec.json.decode(value)
        except msgspec.DecodeError:
            return {}
    return value if isinstance(value, Mapping) else {}


def _milliseconds(start: Any, end: Any) -> int | None:  # noqa: ANN401 - instants or None
    if start is None or end is None or end < start:
        return None
    return int((end - start).total_seconds() * 1000)


LANGFUSE = RecordImporter(
    "langfuse",
    "Trace or observation exports of Langfuse: JSON, JSON lines, CSV; also pages of its public API.",
    rows_of,
    settled=settled,
    plan=("feature ← the trace's metadata.feature, else its name; a generation around another one is kept as not billed",),
    claim=EMITTED,
)
