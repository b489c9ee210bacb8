"""What vendors wrap around an answer in the results of a batch: the answer inside, its status, and that it was a batch."""

from __future__ import annotations

from typing import NamedTuple

from breakeven.providers.reading import NOTHING, Node, text

_BATCH = {"processing": "batch"}
_ERROR_KEYS = frozenset(
    {
        "message",
        "Message",
        "__type",
        "type",
        "code",
        "id",
        "request_id",
        "requestId",
        "status",
        "detail",
        "details",
        "object",
        "param",
    }
)
_ANSWER_KEYS = ("usage", "usageMetadata", "choices", "candidates", "billed_units", "output")


class Envelope(NamedTuple):
    """An answer, the HTTP status that came with it, and the facts that the envelope proves."""

    body: Node
    http_status: int | None
    context: Node


def opened(body: Node) -> Envelope:
    """The answer inside the line of a batch result; any other body as it is."""
    response, result, output = body.get("response"), body.get("result"), body.get("modelOutput")
    if "custom_id" in body and isinstance(response, dict):
        status = response.get("status_code")
        inner = response.get("body")
        return Envelope(inner if isinstance(inner, dict) else NOTHING, status if isinstance(status, int) else None, _BATCH)
    if "custom_id" in body and isinstance(result, dict):
        message = result.get("message")
        refused = text(result, "type") in ("errored", "canceled", "expired")
        return Envelope({"type": "error", "error": result} if refused or not isinstance(message, dict) else message, None, _BATCH)
    if isinstance(response, dict) and "usageMetadata" in response:
        return Envelope(response, None, _BATCH)
    if "recordId" in body and isinstance(output, dict):
        return Envelope(output, None, _BATCH)
    return Envelope(body, None, NOTHING)


def is_refusal(body: Node) -> bool:
    """Whether a body says that the call failed instead of answering it: vendors bill nothing for those."""
    if any(body.get(name) for name in _ANSWER_KEYS) or text(body, "object") == "response":
        return False
    if body.get("error") or text(body, "type") == "error" or text(body, "object") == "error":
        return True
    return bool(body) and body.keys() <= _ERROR_KEYS and any(name in body for name in ("message", "Message", "detail", "__type"))
