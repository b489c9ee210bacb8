"""What is known of vendors without being told: address, dialect, how they are given a credential, where to look for it.

A provider called by one of these names needs no settings; one of another name says `vendor:`, `base_url:` or both. Everything
here can be set otherwise under `providers:`. Addresses are the vendors' own documented ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal
from urllib.parse import urlsplit

Dialect = Literal["openai", "anthropic", "native"]
Credential = Literal["bearer", "x-api-key", "api-key", "x-goog-api-key", "aws", "google", "none"]
DIALECTS: tuple[Dialect, ...] = ("openai", "anthropic", "native")
CREDENTIALS: tuple[Credential, ...] = ("bearer", "x-api-key", "api-key", "x-goog-api-key", "aws", "google", "none")


@dataclass(frozen=True, slots=True)
class VendorDefaults:
    """What holds for a provider unless the configuration says otherwise.

    `vendor` is the name under which prices and usage readers know it. `base_url` may contain `{region}` and `{project}`, and is
    empty where every customer has an address of their own. `hosts` are further hosts (with all below them) that tell the vendor.
    `stream_usage`: its OpenAI-shaped streams understand being asked with `stream_options` for what they used.
    """

    vendor: str
    base_url: str = ""
    dialect: Dialect = "openai"
    credential: Credential = "bearer"
    api_key_env: str = ""
    stream_usage: bool = True
    hosts: tuple[str, ...] = ()


def _shaped(vendor: str, base_url: str, api_key_env: str, *, stream_usage: bool = True) -> VendorDefaults:
    return VendorDefaults(vendor, base_url, api_key_env=api_key_env, stream_usage=stream_usage)


VENDOR_DEFAULTS: Mapping[str, VendorDefaults] = MappingProxyType(
    {
        "openai": _shaped("openai", "https://api.openai.com/v1", "OPENAI_API_KEY"),
        "anthropic": VendorDefaults("anthropic", "https://api.anthropic.com/v1", "anthropic", "x-api-key", "ANTHROPIC_API_KEY"),
        "azure": VendorDefaults(
            "azure",
            credential="api-key",
            api_key_env="AZURE_OPENAI_API_KEY",
            hosts=("openai.azure.com", "services.ai.azure.com", "cognitiveservices.azure.com"),
        ),
        "google": VendorDefaults(
            "google", "https://generativelanguage.googleapis.com", "native", "x-goog-api-key", "GEMINI_API_KEY"
        ),
        "google-openai": _shaped("google", "https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY"),
        "vertex": VendorDefaults(
            "vertex",
            "https://{region}-aiplatform.googleapis.com",
            "native",
            "google",
            hosts=("aiplatform.googleapis.com",),
        ),
        "vertex-openai": VendorDefaults(
            "vertex",
            "https://{region}-aiplatform.googleapis.com/v1/projects/{project}/locations/{region}/endpoints/openapi",
            credential="google",
        ),
        "bedrock": VendorDefaults(
            "bedrock",
            "https://bedrock-runtime.{region}.amazonaws.com",
            "native",
            "aws",
            hosts=("amazonaws.com",),
        ),
        "bedrock-openai": VendorDefaults(
            "bedrock",
            "https://bedrock-runtime.{region}.amazonaws.com/openai/v1",
            credential="bearer",
            api_key_env="AWS_BEARER_TOKEN_BEDROCK",
        ),
        "mistral": _shaped("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY", stream_usage=False),
        "deepseek": _shaped("deepseek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
        "deepseek-anthropic": VendorDefaults(
            "deepseek", "https://api.deepseek.com/anthropic", "anthropic", "x-api-key", "DEEPSEEK_API_KEY"
        ),
        "groq": _shaped("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
        "xai": _shaped("xai", "https://api.x.ai/v1", "XAI_API_KEY"),
        "cohere": VendorDefaults("cohere", "https://api.cohere.com", "native", "bearer", "COHERE_API_KEY"),
        "cohere-openai": _shaped("cohere", "https://api.cohere.ai/compatibility/v1", "COHERE_API_KEY", stream_usage=False),
        "openrouter": _shaped("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
        "together": _shaped("together", "https://api.together.xyz/v1", "TOGETHER_API_KEY"),
        "fireworks": _shaped("fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
        "cerebras": _shaped("cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
        "ollama": VendorDefaults("ollama", "http://127.0.0.1:11434/v1", credential="none"),
        "vllm": VendorDefaults("vllm", "http://127.0.0.1:8000/v1", credential="none"),
    }
)
VENDOR_ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "gemini": "google",
        "gemini-openai": "google-openai",
        "azure-openai": "azure",
        "azure_openai": "azure",
        "aws": "bedrock",
        "vertexai": "vertex",
        "vertex_ai": "vertex",
    }
)


def defaults_named(name: str, dialect: str | None = None) -> VendorDefaults | None:
    """The defaults behind a name, those of the wanted dialect where a vendor speaks several; None where the name is not known."""
    lowered = name.strip().lower()
    found = VENDOR_DEFAULTS.get(VENDOR_ALIASES.get(lowered, lowered))
    if found is None or dialect is None or found.dialect == dialect:
        return found
    same = (each for each in VENDOR_DEFAULTS.values() if each.vendor == found.vendor and each.dialect == dialect)
    return next(same, found)


def defaults_at(base_url: str) -> VendorDefaults | None:
    """The defaults of the vendor whose host an address names; None where the host is nobody's that is known."""
    try:
        host = (urlsplit(base_url).hostname or "").lower()
    except ValueError:
        return None
    for each in VENDOR_DEFAULTS.values():
        own = urlsplit(each.base_url).hostname or ""
        loopback = each.credential == "none"
        known = each.hosts if "{" in own or loopback or not own else (*each.hosts, own)
        if any(host == one or host.endswith((f".{one}", f"-{one}")) for one in known):
            return each
    return None
