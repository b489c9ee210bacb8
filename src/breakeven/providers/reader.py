"""From a recorded body or stream to a Reading: which vendor, which API, which model, and what the address adds.

The order of belief for the model: an address that decides it (Bedrock, partner models on Vertex), the body, the caller, address.
For the pricing context: the body (it says what was served), the caller, the address.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from breakeven.economics.usage import UsagePart
from breakeven.errors import Problem
from breakeven.providers.apis import Address, Api, Stream, Vendor
from breakeven.providers.envelopes import is_refusal, opened
from breakeven.providers.reading import NO_USAGE, Metering, Node, Notes, Reading, ReadingState, facts

REFUSED = 400
_GIVE_MODEL = "Give the model or the URL that was called."
_ASK_FOR_USAGE = "Ask for usage in the stream (stream_options.include_usage), or take it from the vendor's usage report."


@dataclass(frozen=True, slots=True)
class Call:
    """What is known about a call besides its body."""

    vendor: Vendor
    api: str = ""
    model: str = ""
    url: str = ""
    context: Mapping[str, str] = field(default_factory=dict)
    where: str = ""
    http_status: int | None = None

    @property
    def address(self) -> Address:
        """What the URL says, with the host where a price may depend on it."""
        if not self.url:
            return Address()
        said = self.vendor.address(self.url)
        host = _host(self.url) if self.vendor.self_hosted else ""
        return replace(said, context={**said.context, **facts(host=host)})


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""


def chosen(call: Call, samples: Iterable[Node]) -> Api | None:
    """The API whose shape these have: the declared one, the address's, or the first of the vendor's that fits."""
    nodes = tuple(samples)
    declared = [call.vendor.api(call.api), call.vendor.api(call.address.api)]
    for api in (*declared, *reversed(call.vendor.apis)):
        if api is not None and any(api.matches(node) for node in nodes):
            return api
    return None


def fallback(call: Call) -> Api:
    """The API of a body that has no known shape."""
    return call.vendor.api(call.api) or call.vendor.api(call.address.api) or call.vendor.apis[0]


def read_body(body: Node, call: Call) -> Reading:
    """The reading of one complete body."""
    envelope = opened(body)
    status = envelope.http_status if envelope.http_status is not None else call.http_status
    call = replace(call, http_status=status, context={**envelope.context, **call.context})
    api = chosen(call, (envelope.body,)) or fallback(call)
    notes = Notes(call.where or "body")
    if (status is not None and status >= REFUSED) or is_refusal(envelope.body):
        return _reading(call, api, Metering(), notes, "not_billed")
    return metered(call, api, envelope.body, notes)


def read_stream(events: Sequence[Any], call: Call, *, problems: Iterable[Problem] = (), done: bool = False) -> Reading:
    """The reading of a whole stream of events."""
    nodes = [event for event in events if isinstance(event, dict)]
    api = next((api for node in nodes if (api := chosen(call, (node,)))), None) or fallback(call)
    stream = Stream()
    for node in nodes:
        fold(stream, api, node)
    return finished(stream, call, api, problems=problems, done=done)


def fold(stream: Stream, api: Api, event: Node) -> None:
    """Adds one event to a stream."""
    if event.get("error") and not event.get("choices") and not isinstance(event.get("response"), dict):
        stream.error = event
        return
    api.fold(stream, event)


def finished(stream: Stream, call: Call, api: Api, *, problems: Iterable[Problem] = (), done: bool = False) -> Reading:
    """The reading of a stream that has ended, or was cut."""
    notes = Notes(call.where or "stream")
    notes.problems += problems
    refused = call.http_status is not None and call.http_status >= REFUSED
    if refused or (stream.error is not None and not stream.begun):
        return _reading(call, api, Metering(), notes, "not_billed")
    found = Notes(notes.where)
    said = api.meter(stream.body, found)
    if stream.ended or done:
        notes.problems += [replace(each, remedy=_ASK_FOR_USAGE) if each.what == NO_USAGE else each for each in found.problems]
        if not found.impossible and said.parts:
            return _reading(call, api, said, notes, "metered")
    elif stream.error is not None:
        notes.reject("the stream broke off with an error after part of the answer had come")
    else:
        notes.reject("the stream was cut before its final usage")
    return _reading(call, api, replace(said, parts=()), notes, "usage_missing")


def metered(call: Call, api: Api, body: Node, notes: Notes) -> Reading:
    """The reading of a body that answers."""
    said = api.meter(body, notes)
    if notes.impossible or not said.parts:
        return _reading(call, api, replace(said, parts=()), notes, "usage_missing")
    return _reading(call, api, said, notes, "metered")


def _reading(call: Call, api: Api, said: Metering, notes: Notes, state: ReadingState) -> Reading:
    address = call.address
    model = _model(call, address, said.model)
    if not model and state == "metered":
        notes.doubt("neither the body nor the address names the model", _GIVE_MODEL)
    if state != "metered" and not notes.problems and state == "usage_missing":
        notes.reject("the body does not say what was used")
    given = {name: value for name, value in call.context.items() if name != "http_status" and value and value != "auto"}
    return Reading(
        provider=call.vendor.name,
        api=api.name,
        model=model,
        model_requested=call.model or address.model,
        parts=tuple(_priced_as(part, said.model, model) for part in said.parts) if state == "metered" else (),
        state=state,
        context={**address.context, **given, **said.context},
        stated_cost=said.stated_cost,
        stated_upstream_cost=said.stated_upstream_cost,
        response_id=said.response_id,
        problems=tuple(notes.problems),
        http_status=call.http_status,
    )


def _model(call: Call, address: Address, in_body: str) -> str:
    if address.decides_model and address.model:
        return address.model
    if call.vendor.given_model_wins and call.model:
        return call.model
    return in_body or call.model or address.model


def _priced_as(part: UsagePart, in_body: str, model: str) -> UsagePart:
    """The answer's own part is priced as the model of the call; an advisor keeps its own."""
    return replace(part, model=model) if part.model in ("", in_body) else part


def unreadable(call: Call, problems: Iterable[Problem]) -> Reading:
    """The reading of a record that is not JSON."""
    notes = Notes(call.where)
    notes.problems += problems
    return _reading(call, fallback(call), Metering(), notes, "usage_missing")
