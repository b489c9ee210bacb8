"""Other tools' names of vendors in ours. A framework is no vendor: then the model's family says whose it is."""

from __future__ import annotations

from collections.abc import Mapping

_VENDORS: Mapping[str, str] = {
    "aws": "bedrock", "aws.bedrock": "bedrock", "aws_bedrock": "bedrock", "amazon_bedrock": "bedrock", "amazon-bedrock": "bedrock",
    "bedrock_converse": "bedrock", "az.ai.inference": "azure", "az.ai.openai": "azure", "azure-openai": "azure",
    "azure.ai.inference": "azure", "azure.ai.openai": "azure", "azure_ai": "azure", "azure_openai": "azure", "azureopenai": "azure",
    "cohere_chat": "cohere", "fireworks_ai": "fireworks", "gcp.gemini": "google", "gcp.gen_ai": "google", "gcp.vertex_ai": "google",
    "gemini": "google", "google_genai": "google", "google-ai-studio": "google", "google.generativeai": "google",
    "google.vertex": "google", "google_vertexai": "google", "vertex": "google", "vertex-ai": "google", "vertex_ai": "google",
    "vertexai": "google", "mistral_ai": "mistral", "mistralai": "mistral", "mistral-ai": "mistral", "ollama_chat": "ollama",
    "open_ai": "openai", "openai.chat": "openai", "openai.responses": "openai", "anthropic.messages": "anthropic",
    "google.generative-ai": "google", "together_ai": "together", "together-ai": "together", "x_ai": "xai", "x-ai": "xai",
    "text-completion-openai": "openai", "azure_text": "azure", "vertex_ai_beta": "google", "hosted_vllm": "vllm",
}  # fmt: skip
_FRAMEWORKS = frozenset({
    "langchain", "llamaindex", "llama_index", "haystack", "crewai", "autogen", "agno", "litellm", "custom", "unknown", "dspy",
    "semantic_kernel", "pydantic-ai", "haystack_ai", "_other", "custom-host", "custom_host", "other",
})  # fmt: skip
_FAMILIES: tuple[tuple[str, str], ...] = (
    ("gpt-", "openai"), ("chatgpt-", "openai"), ("o1", "openai"), ("o3", "openai"), ("o4-", "openai"),
    ("text-embedding-", "openai"), ("dall-e-", "openai"), ("omni-moderation", "openai"), ("whisper-", "openai"),
    ("tts-", "openai"), ("claude-", "anthropic"),
    ("gemini-", "google"), ("mistral-", "mistral"), ("ministral-", "mistral"), ("codestral-", "mistral"), ("deepseek-", "deepseek"),
    ("command-", "cohere"), ("grok-", "xai"),
)  # fmt: skip


def provider_named(said: str, model: str = "") -> str:
    """The vendor that a tool names; empty where it names a framework or nothing."""
    lowered = said.strip().lower()
    if lowered in _FRAMEWORKS:
        return ""
    found = _VENDORS.get(lowered, lowered)
    # Azure serves OpenAI's models under OpenAI's wire format, and many tools say just that; the host is not known here.
    return "" if not found and not model else found


def family(model: str) -> str:
    """Whose models are called so; empty where the name does not say it."""
    lowered = model.lower()
    return next((vendor for start, vendor in _FAMILIES if lowered.startswith(start)), "")
