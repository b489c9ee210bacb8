"""A call whose target speaks another dialect: its request said there, its answer said here. The rules: `providers/translation`.

Where the call's feature has opted in, its request also gets breakpoints for the vendor's prompt cache (`promptcaching.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from breakeven.gateway.attribution import Refusal
from breakeven.gateway.streams import UsageStripper
from breakeven.providers.translation import Aim, Untranslatable

if TYPE_CHECKING:
    from breakeven.gateway.attempt import Attempt
    from breakeven.gateway.call import Call
    from breakeven.gateway.targets import Target

NO_BODIES: Mapping[Target, bytes] = MappingProxyType({})
_BAD_REQUEST, _REFUSED = 400, 400
_JSON = (b"content-type", b"application/json")


def carried(call: Call, targets: Sequence[Target]) -> tuple[Target, ...] | Refusal:
    """The targets that the request can be carried to, with its bodies for them, where they are not the caller's, in `call.bodies`.

    The first one must be able to take it, or the caller is told which member stands in the way: it would be a surprise if another
    model answered because of a detail. A fallback that cannot take it is none for this call.
    """
    able: list[Target] = []
    for target in targets:
        try:
            if target not in call.bodies:
                body = said_there(call, target)
                call.bodies = {**call.bodies, target: body if call.lifetime is None else call.cached(target, body)}
        except Untranslatable as fault:
            if not able:
                message = f"{target.provider.name} answers this model in another dialect. {fault.what}. {fault.remedy}"
                return Refusal(_BAD_REQUEST, "not_translatable", message, {"param": fault.field})
        else:
            able.append(target)
    return tuple(able)


def said_there(call: Call, target: Target) -> bytes:
    """The request in the dialect of its target. Raises Untranslatable."""
    translation = target.translation
    if translation is None:
        return call.request.body
    provider = target.provider
    return translation.request(call.request.body, Aim(target.rename, target.longest, target.vendor, provider.stream_usage))


def said_here(attempt: Attempt, body: bytes) -> bytes:
    """The vendor's whole answer in the dialect of the caller. Raises Untranslatable where it is none."""
    translation = attempt.target.translation
    if translation is None:
        return body
    if attempt.status >= _REFUSED:
        attempt.headers = [(name, value) if name.lower() != _JSON[0] else _JSON for name, value in attempt.headers]
        return translation.fault(attempt.status, body)
    return translation.response(body, attempt.call.started_ns // 1_000_000_000)


def here(attempt: Attempt, content: bytes) -> bytes:
    """A whole held answer, streamed or not, as the caller would have got it. Raises Untranslatable."""
    call, translation = attempt.call, attempt.target.translation
    if attempt.status >= _REFUSED or not attempt.streamed:
        return said_here(attempt, content)
    if translation is not None:
        stream = translation.stream(call.started_ns // 1_000_000_000, wants_usage=call.hints.wants_usage)
        return stream.feed(content) + stream.close()
    if not call.asked_usage:
        return content
    stripper = UsageStripper()
    return stripper.feed(content) + stripper.close()


def caller_api(target: Target) -> str:
    """The API that the caller called, whatever its target speaks."""
    if target.translation is None:
        return target.api
    return _APIS.get(target.translation.path, target.api)


_APIS = {"/v1/chat/completions": "openai_chat", "/v1/responses": "openai_responses", "/v1/messages": "anthropic"}
