"""The statement of support: every member that a request may have, and what becomes of it in the other dialect.

The translators (`providers/translation`) check requests against these tables, the `needs` of routes and features are checked
against them when the configuration is read, and the documentation is made from them, so that none can say what another does not
do. A member that stands in no table is refused: nobody knows what it would ask for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Fate = Literal["carried", "no effect", "refused"]


@dataclass(frozen=True, slots=True)
class Member:
    """One member: its name, its fate, and how or why. `neutral`: values that ask for nothing, with which a refused one passes."""

    name: str
    fate: Fate
    note: str
    neutral: tuple[object, ...] = ()


Table = tuple[Member, ...]


def _refused(name: str, note: str, *neutral: object) -> Member:
    return Member(name, "refused", note, neutral)


def _unless_off(name: str, note: str) -> Member:
    return Member(name, "refused", note, (False,))


def _idle(name: str, note: str) -> Member:
    return Member(name, "no effect", note)


def _carried(name: str, note: str = "as it is") -> Member:
    return Member(name, "carried", note)


_OWN_CACHE = "says how the vendor of this dialect caches; the other one caches by its own rules"

CHAT: Table = (
    _carried("model", "by the name that the route gives it"),
    _carried("messages", "leading system and developer messages as `system`, later ones in their place"),
    _carried("stream", "event by event"),
    _carried("stream_options", "the usage is told at the end of the stream where it is asked for"),
    _carried("max_tokens", "as `max_tokens`, which is needed there: the route's `max_tokens` where neither is said"),
    _carried("max_completion_tokens", "as `max_tokens`"),
    _carried("temperature", "up to 1, the highest there is"),
    _carried("top_p"),
    _carried("stop", "as `stop_sequences`"),
    _carried("tools", "functions; custom tools are refused"),
    _carried("tool_choice", "`none`, `auto`, `required` as `any`, one function; `allowed_tools` is refused"),
    _carried("parallel_tool_calls", "`false` as `disable_parallel_tool_use`"),
    _carried("response_format", "`json_schema` as `output_config.format`; `json_object` is refused, because it names no schema"),
    _carried("reasoning_effort", "as `output_config.effort`, `minimal` as `low`; `none` turns thinking off"),
    _carried("user", "as `metadata.user_id`"),
    _carried("safety_identifier", "as `metadata.user_id`, before `user`"),
    _carried("service_tier", "`auto`, and `default` as `standard_only`; the others are refused"),
    _idle("metadata", "attribution reads it; it changes no answer"),
    _idle("prompt_cache_key", _OWN_CACHE),
    _idle("prompt_cache_options", _OWN_CACHE),
    _idle("prompt_cache_retention", _OWN_CACHE),
    _unless_off("store", "answers are not stored there"),
    _refused("n", "there is one answer to a call", 1),
    _refused("seed", "there are no seeds"),
    _unless_off("logprobs", "probabilities of tokens are not told"),
    _refused("top_logprobs", "probabilities of tokens are not told", 0),
    _refused("logit_bias", "single tokens cannot be weighted", {}),
    _refused("frequency_penalty", "there are no penalties", 0),
    _refused("presence_penalty", "there are no penalties", 0),
    _refused("verbosity", "the length of answers has no setting", "medium"),
    _refused("prediction", "there are no predicted outputs"),
    _refused("modalities", "answers are text", ["text"]),
    _refused("audio", "answers are text"),
    _refused("moderation", "there is no moderation beside the answer"),
    _refused("web_search_options", "the search of one vendor is not that of the other"),
    _refused("functions", "use `tools`"),
    _refused("function_call", "use `tool_choice`", "auto", "none"),
)
CHAT_MESSAGE: Table = (
    _carried("role", "system, developer, user, assistant, tool"),
    _carried("content", "text and parts"),
    _carried("refusal", "as text"),
    _carried("tool_calls", "as `tool_use` blocks"),
    _carried("tool_call_id", "as `tool_use_id` of a `tool_result` block"),
    _carried("thinking_blocks", "the signed thinking that a translated answer gave, back to its vendor"),
    _idle("reasoning_content", "the readable half of `thinking_blocks`; without a signature no vendor reads it"),
    _idle("annotations", "sources that the vendor added to its own answer"),
    _refused("name", "participants have no names there"),
    _refused("audio", "conversations are text and images"),
    _refused("function_call", "use `tool_calls`"),
)
CHAT_PART: Table = (
    _carried("text", "as a `text` block"),
    _carried("image_url", "as an `image` block, data URLs as base64; `detail` must be `auto`"),
    _carried("file", "PDF in `file_data` as a `document` block; ids of stored files are refused"),
    _carried("refusal", "as a `text` block"),
    _refused("input_audio", "audio is not understood there"),
)
RESPONSES: Table = (
    _carried("model", "by the name that the route gives it"),
    _carried("input", "text and items"),
    _carried("instructions", "as `system`, before what the input says"),
    _carried("stream", "event by event"),
    _carried("max_output_tokens", "as `max_tokens`, the route's where it is not said"),
    _carried("temperature", "up to 1, the highest there is"),
    _carried("top_p"),
    _carried("tools", "functions; tools that OpenAI runs are refused"),
    _carried("tool_choice", "`none`, `auto`, `required` as `any`, one function; others are refused"),
    _carried("parallel_tool_calls", "`false` as `disable_parallel_tool_use`"),
    _carried("text", "`format` as `output_config.format`; `json_object` and `verbosity` are refused"),
    _carried("reasoning", "`effort` as `output_config.effort`; a `summary` is given where the model shows its thinking"),
    _carried("user", "as `metadata.user_id`"),
    _carried("safety_identifier", "as `metadata.user_id`, before `user`"),
    _carried("service_tier", "`auto`, and `default` as `standard_only`; the others are refused"),
    _idle("metadata", "attribution reads it; it changes no answer"),
    _idle("include", "thinking is always given with what its vendor needs to read it again"),
    _idle("stream_options", "says how events are padded"),
    _idle("prompt_cache_key", _OWN_CACHE),
    _idle("prompt_cache_options", _OWN_CACHE),
    _idle("prompt_cache_retention", _OWN_CACHE),
    _unless_off("store", "answers are not stored there; without it nothing is stored"),
    _unless_off("background", "there are no answers to be fetched later"),
    _refused("previous_response_id", "conversations that OpenAI keeps are unknown there; send the whole input"),
    _refused("conversation", "conversations that OpenAI keeps are unknown there; send the whole input"),
    _refused("prompt", "stored prompts are unknown there"),
    _refused("truncation", "nothing is left out of the input", "disabled"),
    _refused("top_logprobs", "probabilities of tokens are not told", 0),
    _refused("max_tool_calls", "tools that the vendor runs are refused"),
    _refused("context_management", "there is no such setting"),
    _refused("moderation", "there is no moderation beside the answer"),
)
RESPONSES_ITEM: Table = (
    _carried("message", "system, developer, user, assistant; text, images by address or as data, PDF files as data"),
    _carried("function_call", "as a `tool_use` block"),
    _carried("function_call_output", "text as a `tool_result` block"),
    _carried("reasoning", "thinking that a translated answer gave goes back to its vendor; that of other vendors is left out"),
    _refused("item_reference", "items that OpenAI keeps are unknown there"),
    _refused("web_search_call", "tools that one vendor runs are not the other's"),
    _refused("file_search_call", "tools that one vendor runs are not the other's"),
    _refused("code_interpreter_call", "tools that one vendor runs are not the other's"),
    _refused("computer_call", "tools that one vendor runs are not the other's"),
)
MESSAGES: Table = (
    _carried("model", "by the name that the route gives it"),
    _carried("messages", "tool results as messages of their own"),
    _carried("system", "as the first message"),
    _carried("stream", "event by event"),
    _carried("max_tokens", "as `max_completion_tokens` at OpenAI and Azure, as `max_tokens` elsewhere; 0 is refused"),
    _carried("temperature"),
    _carried("top_p"),
    _carried("stop_sequences", "as `stop`, up to 4"),
    _carried("tools", "tools of the caller; tools that the vendor runs are refused"),
    _carried("tool_choice", "`none`, `auto`, `any` as `required`, one tool; `disable_parallel_tool_use` as `parallel_tool_calls`"),
    _carried("output_config", "`format` as `response_format`, `effort` as `reasoning_effort`"),
    _carried("thinking", "`enabled` as `reasoning_effort`: low below 4,096 tokens, medium below 16,384, else high"),
    _carried("metadata", "`user_id` as `user`"),
    _carried("service_tier", "`auto`, and `standard_only` as `default` at OpenAI and Azure"),
    _idle("cache_control", _OWN_CACHE),
    _idle("diagnostics", "asks about the cache of its own vendor"),
    _refused("top_k", "there is no such setting"),
    _refused("speed", "there is no such setting", "standard"),
    _refused("inference_geo", "where a model runs is the address's choice"),
    _refused("container", "vendors' containers are their own"),
    _refused("context_management", "there is no such setting"),
    _refused("mcp_servers", "servers of tools are reached by their own vendor only"),
    _refused("user_profile_id", "profiles are the vendor's own"),
    _refused("workspace_id", "workspaces are the vendor's own"),
)
MESSAGES_MESSAGE: Table = (
    _carried("role", "user, assistant, system"),
    _carried("content", "text and blocks"),
)
MESSAGES_BLOCK: Table = (
    _carried("text", "as a `text` part; `citations` are left to their own vendor"),
    _carried("image", "as an `image_url` part; ids of stored files are refused"),
    _carried("document", "PDF in base64 as a `file` part, plain text as a `text` part; others and `citations` are refused"),
    _carried("tool_use", "as `tool_calls`"),
    _carried("tool_result", "text as a `tool` message, which begins with `Error: ` where `is_error`; images are refused"),
    _idle("thinking", "signed for its own vendor, and unreadable for another"),
    _idle("redacted_thinking", "signed for its own vendor, and unreadable for another"),
    _refused("search_result", "sources are cited by their own vendor only"),
    _refused("server_tool_use", "tools that one vendor runs are not the other's"),
    _refused("container_upload", "vendors' containers are their own"),
)
MESSAGES_TOOL: Table = (
    _carried("name"),
    _carried("description"),
    _carried("input_schema", "as `parameters`"),
    _carried("strict"),
    _carried("type", "`custom`; tools that the vendor runs are refused"),
    _idle("cache_control", _OWN_CACHE),
    _idle("eager_input_streaming", "how finely arguments are streamed"),
    _refused("allowed_callers", "tools are called by the model alone", ["direct"]),
    _unless_off("defer_loading", "all tools are loaded"),
    _refused("input_examples", "a function has no examples there", []),
)
WHOLE_APIS: Mapping[str, Table] = {
    "openai": (
        _carried("/v1/chat/completions", "as `/v1/messages`"),
        _carried("/v1/responses", "as `/v1/messages`; what OpenAI itself keeps (conversations, files) and runs (tools) is refused"),
        _refused("/v1/completions", "there is no completion of plain text"),
        _refused("/v1/embeddings", "there are no embeddings"),
    ),
    "anthropic": (
        _carried("/v1/messages", "as `/v1/chat/completions`"),
        _refused("/v1/messages/count_tokens", "tokens of one vendor are not those of the other"),
        _refused("/v1/messages/batches", "batches are kept by their own vendor"),
    ),
}
TABLES: Mapping[str, Mapping[str, Table]] = {
    "openai": {
        "API": WHOLE_APIS["openai"],
        "request": CHAT,
        "message": CHAT_MESSAGE,
        "part of a message": CHAT_PART,
        "responses request": RESPONSES,
        "responses item": RESPONSES_ITEM,
    },
    "anthropic": {
        "API": WHOLE_APIS["anthropic"],
        "request": MESSAGES,
        "message": MESSAGES_MESSAGE,
        "content block": MESSAGES_BLOCK,
        "tool": MESSAGES_TOOL,
    },
}
"""By the dialect of the caller, then by what the members belong to."""


def needs_unmet(needs: tuple[str, ...], dialect: str) -> list[tuple[str, str]]:
    """Which declared needs of a caller a target of this `dialect` cannot meet once the call is translated, each with the reason.

    A need is the name of a member or API of the other dialect, as the tables name it: `logprobs`, `/v1/embeddings`, `top_k`.
    """
    if dialect not in TABLES:
        return []
    caller = "anthropic" if dialect == "openai" else "openai"
    refused = {member.name: member.note for table in TABLES[caller].values() for member in table if member.fate == "refused"}
    carried = {member.name for table in TABLES[caller].values() for member in table if member.fate == "carried"}
    return [(need, refused[need]) for need in needs if need in refused and need not in carried]


NEEDS: frozenset[str] = frozenset(member.name for by in TABLES.values() for table in by.values() for member in table)
"""What a route or a feature may declare to need."""
