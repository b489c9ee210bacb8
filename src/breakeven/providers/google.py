"""Google Gemini, on the Gemini API and on Vertex AI.

The prompt count contains cached tokens; prompts of tool use lie outside it, and thoughts outside the candidates. Details by
modality need not cover the whole: what they leave is text. In a stream every chunk repeats cumulative counts, so the last one wins.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from breakeven.economics.usage import UsagePart
from breakeven.providers.anthropic import MESSAGES
from breakeven.providers.apis import Address, Api, Stream, Vendor, last_of
from breakeven.providers.openai import CHAT, is_chat, path_api, searching_chat, tokens
from breakeven.providers.quantities import InputCounts, input_classes, output_classes
from breakeven.providers.reading import Metering, Node, Notes, facts, nonzero, objects, text
from breakeven.providers.tokens import TokenRule

_MODALITY = MappingProxyType({"AUDIO": "audio", "IMAGE": "image", "VIDEO": "video"})
# Google's price list has one price for text and video, except for these families; elsewhere video is plain input.
_VIDEO_APART = ("live", "embedding", "omni")
_MODEL_IN_URL = re.compile(r"/(?:publishers/(?P<publisher>[^/]+)/)?models/(?P<model>[^/:?]+)")
_LOCATION = re.compile(r"/locations/(?P<location>[^/]+)/")
_TRAFFIC = MappingProxyType(
    {
        "ON_DEMAND": "",
        "ON_DEMAND_FLEX": "flex",
        "ON_DEMAND_PRIORITY": "priority",
        "PROVISIONED_THROUGHPUT": "provisioned",
    }
)
_FIRST_BILLED_BY_QUERY = 3  # from Gemini 3 on each search query is billed, before that each grounded answer
_GENERATION = re.compile(r"gemini-(\d{1,3})")


def is_gemini(body: Node) -> bool:
    """A generated answer, one chunk of it, or embeddings."""
    return any(
        name in body
        for name in ("usageMetadata", "candidates", "promptFeedback", "modelVersion", "embeddings", "embedding", "predictions")
    )


def meter(body: Node, notes: Notes) -> Metering:
    """What a Gemini body says."""
    usage = body.get("usageMetadata")
    model = text(body, "modelVersion").removeprefix("models/")
    found = Metering(model=model, response_id=text(body, "responseId"))
    if usage is None and "predictions" in body:
        return _embedded(body, notes)
    if not isinstance(usage, dict) or not usage:
        notes.reject("the response has no usageMetadata" if usage is None else "usageMetadata is not an object or is empty")
        return found
    counted = _tokens(usage, notes)
    if counted is None or notes.impossible:
        return found
    if not any(family in model for family in _VIDEO_APART) and model:
        counted = _joined(counted, {"input_video": "input", "cache_read_video": "cache_read"})
    searches = _searches(body, model)
    parts = (UsagePart(model, counted | ({"web_search": searches} if searches else {})),)
    return Metering(model, parts, _context(usage), response_id=found.response_id)


def _embedded(body: Node, notes: Notes) -> Metering:
    """Vertex AI's embeddings count the tokens of each text."""
    counts = [
        notes.count(notes.node(notes.node(each, "embeddings"), "statistics"), "token_count")
        for each in objects(body, "predictions")
    ]
    if not counts or None in counts:
        notes.missing("the predictions have no token_count")
        return Metering()
    return Metering(parts=(UsagePart("", nonzero({"input": sum(count or 0 for count in counts)})),))


def _tokens(usage: Node, notes: Notes) -> dict[str, int] | None:
    prompt = notes.count(usage, "promptTokenCount")
    if prompt is None:
        if notes.count(usage, "totalTokenCount") != 0:
            notes.missing("usageMetadata has no promptTokenCount")
            return None
        prompt = 0
    tool_prompt = notes.total(usage, "toolUsePromptTokenCount")
    candidates = notes.total(usage, "candidatesTokenCount", "responseTokenCount")
    thoughts = notes.total(usage, "thoughtsTokenCount")
    named = _modalities(usage, prompt, "promptTokenCount", notes, "promptTokensDetails", "promptTokenDetails")
    for modality, quantity in _modalities(
        usage, tool_prompt, "toolUsePromptTokenCount", notes, "toolUsePromptTokensDetails"
    ).items():
        named[modality] = named.get(modality, 0) + quantity
    cached = notes.total(usage, "cachedContentTokenCount")
    split = _cached_split(usage, cached, notes)
    drawn = _modalities(usage, candidates, "candidatesTokenCount", notes, "candidatesTokensDetails", "responseTokensDetails")
    notes.within(cached, "cachedContentTokenCount", prompt, "promptTokenCount")
    notes.agree(prompt + tool_prompt + candidates + thoughts, notes.count(usage, "totalTokenCount"), "totalTokenCount")
    if notes.impossible:
        return None
    counted = input_classes(InputCounts(prompt + tool_prompt, named, cached, split), notes)
    return counted | output_classes(candidates + thoughts, drawn, thoughts, notes)


def _joined(usage: dict[str, int], into: Mapping[str, str]) -> dict[str, int]:
    """The usage with some classes counted as others."""
    joined: dict[str, int] = {}
    for name, quantity in usage.items():
        joined[into.get(name, name)] = joined.get(into.get(name, name), 0) + quantity
    return joined


def _modalities(usage: Node, whole: int, name: str, notes: Notes, *fields: str) -> dict[str, int]:
    """Tokens that are known not to be text."""
    sums = _by_modality(usage, notes, *fields)
    notes.within(sum(sums.values()), f"the details of {name}", whole, name)
    return {modality: quantity for modality, quantity in sums.items() if modality != "text"}


def _cached_split(usage: Node, cached: int, notes: Notes) -> dict[str, int]:
    sums = _by_modality(usage, notes, "cacheTokensDetails")
    notes.within(sum(sums.values()), "cacheTokensDetails", cached, "cachedContentTokenCount")
    return sums


def _by_modality(usage: Node, notes: Notes, *fields: str) -> dict[str, int]:
    """Sums of a list of {modality, tokenCount}; documents are counted as text."""
    sums: dict[str, int] = {}
    for name in fields:
        for entry in notes.nodes(usage, name):
            modality = _MODALITY.get(text(entry, "modality").upper(), "text")
            sums[modality] = sums.get(modality, 0) + notes.total(entry, "tokenCount")
        if sums:
            break
    return sums


def _searches(body: Node, model: str) -> int:
    """Google searches that grounded the answer."""
    queries: set[str] = set()
    for candidate in objects(body, "candidates"):
        grounding = candidate.get("groundingMetadata")
        asked = grounding.get("webSearchQueries") if isinstance(grounding, dict) else None
        queries |= {query for query in asked if isinstance(query, str) and query} if isinstance(asked, list) else set()
    generation = _GENERATION.search(model)
    by_query = generation is not None and int(generation[1]) >= _FIRST_BILLED_BY_QUERY
    return len(queries) if by_query else min(len(queries), 1)


def _context(usage: Node) -> dict[str, str]:
    tier = text(usage, "serviceTier").lower().removeprefix("service_tier_")
    traffic = text(usage, "trafficType").upper()
    return facts(service_tier=tier or _TRAFFIC.get(traffic, traffic.lower()))


def fold(stream: Stream, event: Node) -> None:
    """Chunks of a generated answer."""
    last_of(stream, event, ("usageMetadata", "modelVersion", "responseId", "promptFeedback"))
    for candidate in objects(event, "candidates"):
        stream.begun = True
        stream.ended = stream.ended or bool(candidate.get("finishReason"))
        if candidate.get("groundingMetadata"):
            stream.body.setdefault("candidates", []).append({"groundingMetadata": candidate["groundingMetadata"]})
    feedback = event.get("promptFeedback")
    stream.ended = stream.ended or (isinstance(feedback, dict) and bool(feedback.get("blockReason")))


def address(url: str) -> Address:
    """The model and the location. For models of other publishers the address alone names the model."""
    found = _MODEL_IN_URL.search(url)
    place = _LOCATION.search(url)
    context = facts(region=place["location"] if place else "")
    if found is None:
        return Address(api=path_api(url), context=context)
    publisher = found["publisher"] or "google"
    api = "anthropic" if publisher == "anthropic" else "gemini" if publisher == "google" else "openai_chat"
    return Address(found["model"], api, context, decides_model=publisher != "google")


GEMINI = Api("gemini", is_gemini, meter, fold)
# Google's OpenAI-shaped address leaves thoughts out of the completion and puts them into the total.
GOOGLE_CHAT = Api("openai_chat", is_chat, searching_chat(tokens(TokenRule(reasoning="by_total", rest_of_total=True))), CHAT.fold)
SHORT_NAMES = MappingProxyType(
    {
        "generate": "gemini",
        "generatecontent": "gemini",
        "embeddings": "gemini",
        "chat": "openai_chat",
        "messages": "anthropic",
    }
)
GOOGLE = Vendor(
    "google",
    (GEMINI, MESSAGES, GOOGLE_CHAT),
    ("gemini", "vertex", "vertexai", "vertex_ai", "google-vertex", "google_vertex", "google-gla", "google-genai", "gcp"),
    ("generativelanguage.googleapis.com", "aiplatform.googleapis.com"),
    SHORT_NAMES,
    address,
)
