"""OpenAI: chat and text completions, embeddings, responses, realtime, audio and images.

The input count contains cache reads and cache writes; the output count contains the reasoning. What the response says about its
service tier is what was served and billed; `auto` is only a wish. Tools that cost extra stand in the output items of a response.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from types import MappingProxyType

from breakeven.economics.usage import UsagePart
from breakeven.providers.apis import Address, Api, Stream, Vendor, last_of
from breakeven.providers.reading import NO_USAGE, NOTHING, Metering, Node, Notes, facts, objects, text
from breakeven.providers.tokens import TokenRule, token_usage

CHAT_RULE = TokenRule()
EMBEDDING_RULE = TokenRule(input=("prompt_tokens", "input_tokens", "total_tokens"), output_optional=True)
IMAGE_RULE = TokenRule(output_modality="image")
RESPONSES_RULE = TokenRule(input=("input_tokens",), output=("output_tokens",))
_ALWAYS_SEARCHES = ("-search-preview", "-search-api")
_FINAL = ("response.completed", "response.incomplete", "response.failed", "response.done", "response.cancelled")
_MS_PER_SECOND = 1000

Usage = Callable[[Node, Notes], dict[str, int] | None]


def usage_node(body: Node, notes: Notes) -> Node | None:
    """The usage object of a body, wherever OpenAI-shaped vendors put it; None where there is none."""
    usage = body.get("usage")
    if usage is None:
        usage = notes.node(body, "x_groq").get("usage")
    if isinstance(usage, dict) and usage:
        return usage
    notes.reject(NO_USAGE if usage is None else "the response has a usage that is not an object, or empty")
    return None


def served_tier(body: Node) -> str:
    """The service tier that answered."""
    tier = text(body, "service_tier")
    return "" if tier == "auto" else tier


def tokens(rule: TokenRule) -> Usage:
    """The usage of a body by a rule."""

    def read(body: Node, notes: Notes) -> dict[str, int] | None:
        usage = usage_node(body, notes)
        return None if usage is None else token_usage(usage, rule, notes)

    return read


def metering(body: Node, counted: dict[str, int] | None, *, iteration: str = "", **context: str) -> Metering:
    """What a body with one model iteration says."""
    model = text(body, "model")
    return Metering(
        model=model,
        parts=() if counted is None else (UsagePart(model, counted, iteration),),
        context=facts(service_tier=served_tier(body), **context),
        response_id=text(body, "id"),
    )


def simple(usage: Usage) -> Callable[[Node, Notes], Metering]:
    """A meter for bodies that are a model and a usage."""
    return lambda body, notes: metering(body, usage(body, notes))


def searching_chat(usage: Usage) -> Callable[[Node, Notes], Metering]:
    """Chat completions; the search models look into the web once for every request, which costs a fee."""

    def meter(body: Node, notes: Notes) -> Metering:
        counted = usage(body, notes)
        if counted is not None and any(mark in text(body, "model") for mark in _ALWAYS_SEARCHES):
            counted["web_search"] = 1
        return metering(body, counted)

    return meter


def fold_chat(stream: Stream, event: Node) -> None:
    """Chunks of a chat or text completion; the usage comes last, with empty choices or beside the last choice."""
    choices = event.get("choices")
    finished = isinstance(choices, list) and any(isinstance(each, dict) and each.get("finish_reason") for each in choices)
    has_usage = bool(event.get("usage")) or (isinstance(event.get("x_groq"), dict) and bool(event["x_groq"].get("usage")))
    stream.ended = stream.ended or finished or (has_usage and choices == [])
    stream.begun = stream.begun or bool(choices) or has_usage
    last_of(stream, event, ("id", "model", "service_tier", "usage", "x_groq", "usage_breakdown", "provider", "citations"))


def is_chat(body: Node) -> bool:
    """A completion, or one chunk of it."""
    kind = text(body, "object")
    return kind.startswith(("chat.completion", "text_completion")) or "choices" in body or _has(body, "completion_tokens")


def is_completion(body: Node) -> bool:
    """A text completion."""
    return text(body, "object") == "text_completion"


def is_embedding(body: Node) -> bool:
    """Embeddings: a list of vectors, or a usage without any output count."""
    data = body.get("data")
    vectors = isinstance(data, list) and any(isinstance(each, dict) and "embedding" in each for each in data)
    generates = "choices" in body or _has(body, "completion_tokens", "output_tokens", "input_tokens")
    return vectors or (not generates and _has(body, "prompt_tokens", "total_tokens"))


def _has(body: Node, *names: str) -> bool:
    usage = body.get("usage")
    return isinstance(usage, dict) and any(name in usage for name in names)


# --- Responses and realtime -------------------------------------------------------------------------------------------------------


def is_response(body: Node) -> bool:
    """A response, one of its events, or a usage counted like one."""
    if is_realtime(body):
        return False
    if text(body, "object").startswith("response") or text(body, "type").startswith("response."):
        return True
    return _has(body, "input_tokens_details", "output_tokens_details") or (
        _has(body, "input_tokens") and _has(body, "total_tokens")
    )


def is_realtime(body: Node) -> bool:
    """The end of a realtime response: its details are named in the singular."""
    kind = text(body, "object", "type")
    return kind in ("realtime.response", "response.done") or (kind != "response" and _has(body, "input_token_details"))


def meter_response(body: Node, notes: Notes) -> Metering:
    """A response: its tokens, and the calls of tools that cost extra."""
    return _response(body, RESPONSES_RULE, notes)


def meter_realtime(body: Node, notes: Notes) -> Metering:
    """A realtime response: text and audio stand apart, and cache reads of each."""
    return _response(body, RESPONSES_RULE, notes)


def _response(event: Node, rule: TokenRule, notes: Notes) -> Metering:
    body = event["response"] if isinstance(event.get("response"), dict) else event
    usage = usage_node(body, notes)
    counted = None if usage is None else token_usage(usage, rule, notes)
    if counted is None:
        return metering(body, None)
    items = objects(body, "output")
    counted |= tool_calls(items, body, notes)
    found = metering(
        body, counted, iteration="answer" if _draws(items) else "", tool=_search_tool(body) if "web_search" in counted else ""
    )
    return Metering(found.model, found.parts + _drawn(items, body, notes), found.context, response_id=found.response_id)


def tool_calls(items: list[Node], body: Node, notes: Notes) -> dict[str, int]:
    """Calls of OpenAI's own tools that are billed beside the tokens.

    A web search call is billed when it searches; opening or scanning a page it found is not. A code interpreter is billed by
    container session. Where the output items are not there, the response's own count is taken.
    """
    searches = sum(1 for item in items if item.get("type") == "web_search_call" and _searches(item))
    stated = notes.count(notes.node(notes.node(body, "tool_usage"), "web_search"), "num_requests")
    if items and stated is not None and stated != searches:
        notes.doubt(
            f"{searches} web searches stand in the output, but the vendor counts {stated}; the calls in the output are taken"
        )
    sessions = {
        text(item, "container_id") or number for number, item in enumerate(items) if item.get("type") == "code_interpreter_call"
    }
    found = {
        "web_search": searches if items else stated or 0,
        "file_search": sum(1 for item in items if item.get("type") == "file_search_call"),
        "code_execution": len(sessions),
    }
    return {name: quantity for name, quantity in found.items() if quantity}


def _searches(item: Node) -> bool:
    action = item.get("action")
    return not isinstance(action, dict) or action.get("type", "search") == "search"


def _search_tool(body: Node) -> str:
    """Which version of the search tool was offered: its preview has a price of its own."""
    preview = any(text(tool, "type").startswith("web_search_preview") for tool in objects(body, "tools"))
    return "web_search_preview" if preview else ""


def _draws(items: list[Node]) -> bool:
    return any(item.get("type") == "image_generation_call" for item in items)


def _drawn(items: list[Node], body: Node, notes: Notes) -> tuple[UsagePart, ...]:
    """The tokens of the image model that a response called as a tool: a part of its own, at that model's price."""
    usage = notes.node(notes.node(body, "tool_usage"), "image_gen")
    if not any(usage.get(name) for name in ("input_tokens", "output_tokens")):
        if _draws(items):
            notes.doubt(
                "an image was generated, but the response does not say what it used", "Its cost is missing here: see the invoice."
            )
        return ()
    counted = token_usage(usage, IMAGE_RULE, notes)
    offered = [tool for tool in objects(body, "tools") if tool.get("type") == "image_generation"]
    model = text(offered[0] if offered else NOTHING, "model") or "gpt-image-1"
    return () if counted is None else (UsagePart(model, counted, "image_generation"),)


def fold_response(stream: Stream, event: Node) -> None:
    """Events of a response; only the last one carries the usage."""
    kind = text(event, "type")
    response = event.get("response")
    if isinstance(response, dict):
        stream.body.update(response)
        stream.body.setdefault("object", "response")
    if kind == "error":
        stream.error = event
    stream.begun = stream.begun or kind.startswith("response.")
    stream.ended = stream.ended or kind in _FINAL


# --- Audio and images -------------------------------------------------------------------------------------------------------------


def is_transcription(body: Node) -> bool:
    """A transcript with its usage, counted in tokens or in seconds."""
    usage = body.get("usage")
    timed = isinstance(usage, dict) and usage.get("type") in ("tokens", "duration")
    return timed and "choices" not in body


def meter_transcription(body: Node, notes: Notes) -> Metering:
    """A transcription: audio tokens in and text out, or the seconds of the recording."""
    usage = usage_node(body, notes)
    if usage is None:
        return metering(body, None)
    if usage.get("type") == "duration":
        return metering(body, _duration(usage, notes))
    return metering(body, token_usage(usage, RESPONSES_RULE, notes))


def _duration(usage: Node, notes: Notes) -> dict[str, int] | None:
    """Milliseconds of audio, rounded up: seconds come with decimals."""
    seconds = usage.get("seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float | Decimal):
        notes.reject("the usage has no seconds")
        return None
    exact = Decimal(repr(seconds)) if isinstance(seconds, float) else Decimal(seconds)
    if not exact.is_finite() or not 0 <= exact < 10**9:
        notes.reject(f"{seconds} seconds is no duration")
        return None
    length_ms = int((exact * _MS_PER_SECOND).to_integral_value(rounding="ROUND_CEILING"))
    return {"input_audio_ms": length_ms} if length_ms else {}


def is_image(body: Node) -> bool:
    """Generated images."""
    data = body.get("data")
    drawn = isinstance(data, list) and any(isinstance(each, dict) and ("b64_json" in each or "url" in each) for each in data)
    return drawn or text(body, "type").startswith(("image_generation.", "image_edit."))


def meter_image(body: Node, notes: Notes) -> Metering:
    """Images: tokens where the model counts them, else the number of images (what DALL·E bills)."""
    data = body.get("data")
    if body.get("usage") is None and isinstance(data, list) and data:
        quality = facts(size=text(body, "size"), quality=text(body, "quality"))
        return metering(body, {"image": len(data)}, **quality)
    return metering(body, tokens(IMAGE_RULE)(body, notes))


def fold_image(stream: Stream, event: Node) -> None:
    """Partial images, then the completed one with its usage."""
    last_of(stream, event, ("model", "usage", "size", "quality"))
    stream.begun = True
    stream.ended = stream.ended or text(event, "type").endswith(".completed")


def fold_transcript(stream: Stream, event: Node) -> None:
    """Pieces of a transcript, then `transcript.text.done` with the usage."""
    last_of(stream, event, ("model", "usage"))
    stream.begun = True
    stream.ended = stream.ended or text(event, "type") == "transcript.text.done" or bool(event.get("usage"))


_TELLING_CHUNK = (
    b'_tokens"',
    b'"finish_reason":"',
    b'"finish_reason": "',
    b'"error"',
    b'"x_groq"',
    b'"usage_breakdown"',
    b"[DONE]",
)
_TELLING_EVENT = (
    *(f'"response.{kind}"'.encode() for kind in ("created", "completed", "incomplete", "failed", "done", "cancelled")),
    b'"error"',
    b"[DONE]",
)

RESPONSES = Api("openai_responses", is_response, meter_response, fold_response, _TELLING_EVENT)
REALTIME = Api("openai_realtime", is_realtime, meter_realtime, fold_response)
EMBEDDINGS = Api("openai_embeddings", is_embedding, simple(tokens(EMBEDDING_RULE)), fold_chat)
COMPLETIONS = Api("openai_completions", is_completion, simple(tokens(CHAT_RULE)), fold_chat, _TELLING_CHUNK)
CHAT = Api("openai_chat", is_chat, searching_chat(tokens(CHAT_RULE)), fold_chat, _TELLING_CHUNK)
AUDIO = Api("openai_audio", is_transcription, meter_transcription, fold_transcript)
IMAGES = Api("openai_images", is_image, meter_image, fold_image)
APIS = (CHAT, RESPONSES, REALTIME, COMPLETIONS, EMBEDDINGS, AUDIO, IMAGES)

SHORT_NAMES = MappingProxyType(
    {
        "chat": "openai_chat",
        "responses": "openai_responses",
        "completions": "openai_completions",
        "embeddings": "openai_embeddings",
        "realtime": "openai_realtime",
        "audio": "openai_audio",
        "transcriptions": "openai_audio",
        "images": "openai_images",
    }
)
_PATHS = (
    ("/chat/completions", "openai_chat"),
    ("/responses", "openai_responses"),
    ("/completions", "openai_completions"),
    ("/embeddings", "openai_embeddings"),
    ("/realtime", "openai_realtime"),
    ("/audio/", "openai_audio"),
    ("/images/", "openai_images"),
)


def path_api(url: str) -> str:
    """The OpenAI-shaped API that an address calls."""
    path = url.split("?", 1)[0]
    return next((name for part, name in _PATHS if part in f"{path}/"), "")


def address(url: str) -> Address:
    """An OpenAI-shaped address names the API and nothing else."""
    return Address(api=path_api(url))


OPENAI = Vendor("openai", APIS, ("oai",), ("api.openai.com",), SHORT_NAMES, address)
