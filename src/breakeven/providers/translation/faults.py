"""Errors in the other dialect: the same status, the vendor's message, and the type by which the caller's SDK tells them apart."""

from __future__ import annotations

from breakeven.providers.translation.notation import Node, Untranslatable, decoded, encoded

_LONGEST = 2_000
_SERVER_FAULT = 500
_TYPES = {
    400: ("invalid_request_error", "invalid_request_error"),
    401: ("authentication_error", "invalid_request_error"),
    402: ("billing_error", "insufficient_quota"),
    403: ("permission_error", "invalid_request_error"),
    404: ("not_found_error", "invalid_request_error"),
    413: ("request_too_large", "invalid_request_error"),
    429: ("rate_limit_error", "rate_limit_error"),
    503: ("overloaded_error", "server_error"),
    504: ("timeout_error", "server_error"),
    529: ("overloaded_error", "server_error"),
}


def _type(status: int, *, anthropic: bool) -> str:
    of_anthropic, of_openai = _TYPES.get(
        status, ("api_error", "server_error") if status >= _SERVER_FAULT else ("invalid_request_error", "invalid_request_error")
    )
    return of_anthropic if anthropic else of_openai


def _said(body: bytes) -> Node:
    """The error object of a body; what is no JSON is its own message."""
    try:
        whole = decoded(body, "answer")
    except Untranslatable:
        return {"message": body[:_LONGEST].decode("utf-8", "replace").strip() or "The vendor gave no reason."}
    error = whole.get("error", whole)
    return error if isinstance(error, dict) else {"message": str(error)[:_LONGEST]}


def chat_fault(status: int, body: bytes) -> bytes:
    """Anthropic's error as OpenAI's; its type becomes the `code`."""
    said = _said(body)
    return encoded({"error": chat_error(said, status)})


def chat_error(said: Node, status: int) -> Node:
    """OpenAI's error object."""
    message = str(said.get("message") or "The vendor gave no reason.")
    return {"message": message, "type": _type(status, anthropic=False), "param": None, "code": said.get("type")}


def message_fault(status: int, body: bytes) -> bytes:
    """OpenAI's error as Anthropic's; its code and the parameter it names are kept beside the message."""
    return encoded({"type": "error", "error": message_error(_said(body), status)})


def message_error(said: Node, status: int) -> Node:
    """Anthropic's error object."""
    message = str(said.get("message") or "The vendor gave no reason.")
    kept = {name: said[name] for name in ("code", "param") if said.get(name) is not None}
    return {"type": _type(status, anthropic=True), "message": message, **kept}
