"""Which vendor answers a request, and at which address."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from breakeven.errors import ConfigError
from breakeven.gateway.targets import NoTarget, Target, Targets
from breakeven.settings import load_settings

PROVIDERS = """
providers:
  openai: {}
  azure-eu: {vendor: azure, base_url: "https://x.openai.azure.com"}
  groq: {models: [llama-*, "openai/gpt-oss-*"]}
  compat: {vendor: google, dialect: openai}
  proxied: {base_url: "https://proxy.example/anthropic", dialect: anthropic, models: [kimi-*]}
  anthropic: {}
  gemini: {}
  bedrock: {region: eu-west-1, credential: bearer, api_key_env: AWS_BEARER}
  bedrock-us: {vendor: bedrock, region: us-east-1, credential: bearer}
  vertex: {region: europe-west4, credential: bearer}
  local: {base_url: "http://127.0.0.1:8000"}
"""
ROUTES = """
routes:
  - {model: gpt-4o, to: [openai, {provider: azure-eu, model: my-4o}]}
  - {model: "gpt-*-mini", to: local}
  - {model: "eu.*", to: [bedrock, {provider: bedrock-us, model: "us.anthropic.claude-v1:0"}]}
  - {model: "*-via-azure", to: azure-eu}
"""
ENVIRONMENT = {"AWS_BEARER": "a", "OPENAI_API_KEY": "b", "AZURE_OPENAI_API_KEY": "c"}


def targets_of(tmp_path: Path, text: str = PROVIDERS + ROUTES, environment: Mapping[str, str] = ENVIRONMENT) -> Targets:
    path = tmp_path / "breakeven.yaml"
    path.write_text(text)
    return Targets(load_settings(path).gateway, environment)


def found(
    targets: Targets, path: str, model: str | None = None, *, method: bytes = b"POST", anthropic: bool = False
) -> tuple[Target, ...]:
    answer = targets.find(method, path.encode(), model, anthropic=anthropic)
    assert not isinstance(answer, NoTarget), answer
    return answer


def addresses(found: tuple[Target, ...]) -> list[str]:
    return [f"{each.provider.name} {each.host_header.decode()}{each.path.decode()} {each.rename}" for each in found]


@pytest.mark.parametrize(
    ("path", "model", "expected"),
    [
        ("/v1/chat/completions", None, "openai api.openai.com/v1/chat/completions None"),
        ("/v1/chat/completions?a=%2F..&b=//", "gpt-5", "openai api.openai.com/v1/chat/completions?a=%2F..&b=// None"),
        ("/v1/chat/completions", "llama-3.3-70b", "groq api.groq.com/openai/v1/chat/completions None"),
        ("/v1/chat/completions", "openai/gpt-oss-20b", "groq api.groq.com/openai/v1/chat/completions None"),
        ("/v1/chat/completions", "openai/gpt-5", "openai api.openai.com/v1/chat/completions gpt-5"),
        ("/v1/chat/completions", "azure-eu/my-4o", "azure-eu x.openai.azure.com/openai/v1/chat/completions my-4o"),
        ("/v1/chat/completions", "anthropic/claude", "openai api.openai.com/v1/chat/completions None"),
        ("/v1/chat/completions", "gpt-4o-mini", "local 127.0.0.1:8000/v1/chat/completions None"),
        ("/v1/messages", "gpt-4.1", "anthropic api.anthropic.com/v1/messages None"),
        ("/v1/messages/count_tokens", "kimi-k2", "proxied proxy.example/anthropic/v1/messages/count_tokens None"),
        ("/v1beta/models/gemini-2.5-pro:generateContent", None, None),
        ("/openai/deployments/d/chat/completions?api-version=1", "d", None),
        ("/openai/v1/chat/completions", "d", "openai api.openai.com/v1/chat/completions None"),
        ("/v1/projects/p/locations/l/publishers/google/models/gemini:generateContent", None, None),
        ("/groq/v1/chat/completions", "x", "groq api.groq.com/openai/v1/chat/completions None"),
        ("/groq/openai/v1/chat/completions", "x", "groq api.groq.com/openai/v1/chat/completions None"),
        ("/groq/chat/completions", "x", "groq api.groq.com/openai/v1/chat/completions None"),
        ("/compat/v1/chat/completions", "x", "compat generativelanguage.googleapis.com/v1beta/openai/chat/completions None"),
        ("/anthropic/v1/messages", "x", "anthropic api.anthropic.com/v1/messages None"),
        ("/proxied/v1/messages", "x", "proxied proxy.example/anthropic/v1/messages None"),
        ("/azure-eu/v1/responses", "x", "azure-eu x.openai.azure.com/openai/v1/responses None"),
        ("/azure-eu/anthropic/v1/messages", "x", "azure-eu x.openai.azure.com/anthropic/v1/messages None"),
        ("/openai", None, "openai api.openai.com/v1/ None"),
    ],
)
def test_path_and_model_decide_who_answers(tmp_path: Path, path: str, model: str | None, expected: str | None) -> None:
    """Each documented path leads to its provider, below its base address, with the query untouched."""
    hosts = {"/v1beta": "gemini generativelanguage.googleapis.com", "/openai/": "azure-eu x.openai.azure.com"}
    prefix = next(
        (host for start, host in hosts.items() if path.startswith(start)), "vertex europe-west4-aiplatform.googleapis.com"
    )
    assert addresses(found(targets_of(tmp_path), path, model)) == [expected or f"{prefix}{path} None"]


def test_the_first_provider_that_understands_a_path_answers_when_nothing_tells_more(tmp_path: Path) -> None:
    """A caller of Anthropic's dialect gets Anthropic's models under the path that both dialects have."""
    targets = targets_of(tmp_path)
    [openai] = found(targets, "/v1/models", method=b"GET")
    [anthropic] = found(targets, "/v1/models", method=b"GET", anthropic=True)
    assert (openai.provider.name, anthropic.provider.name) == ("openai", "proxied")


def test_without_a_provider_called_openai_its_path_is_azures(tmp_path: Path) -> None:
    """Azure's newer paths begin like the name of a provider, which comes first where there is one."""
    targets = targets_of(tmp_path, "providers: {azure: {base_url: 'https://x.openai.azure.com'}}")
    assert addresses(found(targets, "/openai/v1/responses", "d")) == ["azure x.openai.azure.com/openai/v1/responses None"]


def test_a_route_gives_the_fallbacks_in_order_each_with_its_own_name_of_the_model(tmp_path: Path) -> None:
    """The first choice is asked for the caller's model, the fallback for what it calls it."""
    assert addresses(found(targets_of(tmp_path), "/v1/chat/completions", "gpt-4o")) == [
        "openai api.openai.com/v1/chat/completions None",
        "azure-eu x.openai.azure.com/openai/v1/chat/completions my-4o",
    ]


def test_a_route_of_a_model_in_the_path_writes_the_other_name_into_the_path(tmp_path: Path) -> None:
    """Two regions of Bedrock back each other up, although the model stands in the address."""
    first, second = found(targets_of(tmp_path), "/model/eu.anthropic.claude-v1%3A0/converse?x=1")
    assert (first.path, first.rename) == (b"/model/eu.anthropic.claude-v1%3A0/converse?x=1", None)
    assert (second.path, second.rename) == (b"/model/us.anthropic.claude-v1%3A0/converse?x=1", None)
    assert (first.context["region"], second.context["region"]) == ("eu-west-1", "us-east-1")
    assert (first.model_in_url, second.model_in_url) == ("eu.anthropic.claude-v1:0", "us.anthropic.claude-v1:0")


@pytest.mark.parametrize(
    ("fallback", "environment", "leaks"),
    [
        ("groq: {}", {}, True),
        ("groq: {}", {"GROQ_API_KEY": "k"}, False),
        ("ollama: {}", {}, False),
        ("openai-eu: {vendor: openai, base_url: 'https://eu.api.openai.com/v1'}", {}, False),
    ],
)
def test_a_callers_key_is_not_shown_to_another_vendor(
    tmp_path: Path, fallback: str, environment: dict[str, str], leaks: bool
) -> None:
    """A fallback at another vendor needs a key of its own, or the gateway does not start."""
    name = fallback.partition(":")[0]
    text = f"providers: {{openai: {{}}, {fallback}}}\nroutes: [{{model: m, to: [openai, {name}]}}]"
    if leaks:
        with pytest.raises(ConfigError, match="callers' keys for openai would be shown to its fallback groq"):
            targets_of(tmp_path, text, environment)
    else:
        assert len(found(targets_of(tmp_path, text, environment), "/v1/chat/completions", "m")) == 2


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/model/anthropic.claude-v1%3A0/converse", "anthropic.claude-v1:0"),
        ("/model/anthropic.claude-v1:0/invoke", "anthropic.claude-v1:0"),
        ("/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse", "gemini-2.5-pro"),
        ("/openai/deployments/my%2D4o/chat/completions", "my-4o"),
        ("/v1/chat/completions?models/cheap=1", None),
    ],
)
def test_the_model_of_the_path_stands_whatever_the_body_says(tmp_path: Path, path: str, expected: str | None) -> None:
    """Where the vendor goes by the path, a body that names a cheaper model changes neither what is admitted nor what is priced."""
    targets = targets_of(tmp_path)
    assert {found(targets, path, model)[0].model_in_url for model in (None, "cheap")} == {expected}


@pytest.mark.parametrize(
    ("path", "api", "metered", "free"),
    [
        ("/v1/chat/completions", "openai_chat", True, False),
        ("/v1/responses", "openai_responses", True, False),
        ("/v1/embeddings", "openai_embeddings", True, False),
        ("/v1/messages", "anthropic", True, False),
        ("/v1/messages/count_tokens", "anthropic", False, True),
        ("/v1/messages/batches", "anthropic", False, False),
        ("/v1/files", "", False, True),
        ("/v1/batches", "", False, False),
        ("/v1/fine_tuning/jobs", "", False, False),
        ("/v1beta/models/gemini-2.5-pro:generateContent", "gemini", True, False),
        ("/v1beta/models/gemini-2.5-pro:countTokens", "gemini", False, True),
        ("/model/anthropic.claude-v1:0/converse", "converse", True, False),
        ("/model/anthropic.claude-v1:0/converse-stream", "converse", True, False),
        ("/model/anthropic.claude-v1:0/invoke-with-response-stream", "anthropic", True, False),
        ("/model/anthropic.claude-v1:0/invoke", "anthropic", True, False),
        ("/model/amazon.titan-text/invoke", "bedrock_invoke", True, False),
        ("/openai/deployments/d/chat/completions", "openai_chat", True, False),
    ],
)
def test_what_is_metered_is_free_or_neither(tmp_path: Path, path: str, api: str, metered: bool, free: bool) -> None:
    """The usage of known APIs is read, what vendors give away is free, and everything else is said to be unmetered."""
    [target] = found(targets_of(tmp_path), path)
    assert (target.api, target.metered, target.free) == (api, metered, free)


def test_looking_up_what_was_answered_before_is_not_metered_again(tmp_path: Path) -> None:
    """A stored response that is read again shows its old usage, which was billed once."""
    [target] = found(targets_of(tmp_path), "/v1/responses/resp_1", method=b"GET")
    assert (target.api, target.metered) == ("openai_responses", False)


@pytest.mark.parametrize(
    ("path", "model", "status", "expected"),
    [
        ("/chat/completions", None, 404, "There are /v1/... and /openai/..., /azure-eu/..."),
        ("/v2/chat", None, 404, "No path like this one"),
        ("/v1/messages", "unknown", 404, ""),
        ("/v1/chat/completions", "m" * 513, 400, "more than 512 characters"),
    ],
)
def test_where_nobody_answers_the_message_says_what_there_is(
    tmp_path: Path, path: str, model: str | None, status: int, expected: str
) -> None:
    """A path or model that leads nowhere is refused before any vendor is asked."""
    text = PROVIDERS.replace("  anthropic: {}\n", "")
    answer = targets_of(tmp_path, text).find(b"POST", path.encode(), model, anthropic=False)
    assert isinstance(answer, NoTarget)
    assert answer.status == status
    assert expected in answer.message


def test_a_vendor_that_is_not_configured_cannot_be_asked() -> None:
    """Without configuration Gemini's paths lead nowhere, although the vendor is well known."""
    answer = Targets(load_settings(None).gateway, {}).find(b"POST", b"/v1beta/models/g:generateContent", None, anthropic=False)
    assert answer == NoTarget(404, "No provider of the vendor google is configured.")


@pytest.mark.parametrize("method", [b"TRACE", b"CONNECT", b"get", b"BREW"])
def test_only_the_methods_of_apis_are_forwarded(tmp_path: Path, method: bytes) -> None:
    """TRACE above all is not: its answer would show the vendor's key to the caller."""
    answer = targets_of(tmp_path).find(method, b"/v1/models", None, anthropic=False)
    assert isinstance(answer, NoTarget)
    assert answer.status == 405


def test_a_repeated_question_gets_the_same_answer_and_a_flood_of_others_does_not_change_it(tmp_path: Path) -> None:
    """Answers are remembered within bounds; forgetting one loses nothing but time."""
    targets = targets_of(tmp_path)
    first = found(targets, "/v1/chat/completions", "gpt-4o")
    assert found(targets, "/v1/chat/completions", "gpt-4o") is first
    for number in range(10_001):
        targets.find(b"GET", b"/v1/responses/resp_%d" % number, None, anthropic=False)
    again = found(targets, "/v1/chat/completions", "gpt-4o")
    assert again is not first
    assert addresses(again) == addresses(first)


# --- proxies ----------------------------------------------------------------------------------------------------------------------

PROXY = "http://me:p%40ss@proxy.internal:3128"


@pytest.mark.parametrize(
    ("provider", "environment", "proxy", "user"),
    [
        ("openai: {}", {"HTTPS_PROXY": PROXY}, ("proxy.internal", 3128), "me:p@ss"),
        ("openai: {}", {"https_proxy": "proxy.internal", "HTTPS_PROXY": "http://other"}, ("proxy.internal", 80), ""),
        ("openai: {}", {"HTTP_PROXY": PROXY}, None, ""),
        ("openai: {}", {"HTTPS_PROXY": PROXY, "NO_PROXY": "example.com, .openai.com"}, None, ""),
        ("openai: {}", {"HTTPS_PROXY": PROXY, "NO_PROXY": "openai.co, penai.com"}, ("proxy.internal", 3128), "me:p@ss"),
        ("openai: {}", {"HTTPS_PROXY": PROXY, "no_proxy": "*"}, None, ""),
        ("openai: {proxy: none}", {"HTTPS_PROXY": PROXY}, None, ""),
        ("openai: {proxy: 'http://own:1'}", {"HTTPS_PROXY": PROXY, "NO_PROXY": "*"}, ("own", 1), ""),
        ("ollama: {}", {"HTTP_PROXY": PROXY}, None, ""),
    ],
)
def test_the_proxy_is_the_providers_own_or_the_environments(
    tmp_path: Path, provider: str, environment: dict[str, str], proxy: tuple[str, int] | None, user: str
) -> None:
    """HTTPS_PROXY and NO_PROXY hold as usual; a provider's own setting decides before them; nothing local goes through a proxy."""
    [target] = found(targets_of(tmp_path, f"providers: {{{provider}}}", environment), "/v1/models", method=b"GET")
    assert (target.address.proxy, target.address.proxy_user) == (proxy, user)


def test_a_plain_call_through_a_proxy_names_the_whole_address_and_shows_the_proxy_its_password(tmp_path: Path) -> None:
    """Without encryption a proxy forwards the call itself, so that it must be told where to."""
    targets = targets_of(tmp_path, "providers: {a: {base_url: 'http://gpu.internal:8000/v1'}}", {"HTTP_PROXY": PROXY})
    [target] = found(targets, "/v1/models?x=1", method=b"GET")
    assert target.path == b"http://gpu.internal:8000/v1/models?x=1"
    assert targets.headers(target, b"GET", b"") == [(b"proxy-authorization", b"Basic bWU6cEBzcw==")]


@pytest.mark.parametrize("value", ["socks5://me:hunter2@host", "http://[::1", "http://me:hunter2@"])
def test_an_unusable_proxy_is_told_without_its_password(tmp_path: Path, value: str) -> None:
    """The message names the variable and not what it holds."""
    with pytest.raises(ConfigError, match="HTTPS_PROXY is no address of an HTTP proxy") as caught:
        targets_of(tmp_path, "providers: {openai: {}}", {"HTTPS_PROXY": value})
    assert "hunter2" not in str(caught.value)


DIALECTS = """
providers:
  openai: {}
  keyless: {base_url: "https://proxy.example", dialect: anthropic}
  anthropic: {api_key_env: CLAUDE}
routes:
  - {model: "claude-*", to: [{provider: anthropic, max_tokens: 4000}]}
  - {model: "kimi-*", to: keyless}
  - {model: "both", to: [{provider: openai, model: gpt-4o}, {provider: anthropic, model: claude-opus-4-6}]}
  - {model: "*", to: anthropic}
"""


@pytest.mark.parametrize(
    ("path", "model", "expected"),
    [
        ("/v1/chat/completions", "claude-x", ["anthropic api.anthropic.com/v1/messages None translated 4000"]),
        ("/v1/messages", "claude-x", ["anthropic api.anthropic.com/v1/messages None"]),
        (
            "/v1/chat/completions",
            "both",
            [
                "openai api.openai.com/v1/chat/completions gpt-4o",
                "anthropic api.anthropic.com/v1/messages claude-opus-4-6 translated 8192",
            ],
        ),
        (
            "/v1/messages?beta=true",
            "both",
            [
                "openai api.openai.com/v1/chat/completions gpt-4o translated 8192",
                "anthropic api.anthropic.com/v1/messages?beta=true claude-opus-4-6",
            ],
        ),
        ("/v1/embeddings", "both", ["openai api.openai.com/v1/embeddings gpt-4o"]),
        ("/v1/messages/count_tokens", "both", ["anthropic api.anthropic.com/v1/messages/count_tokens claude-opus-4-6"]),
        ("/v1/chat/completions", "gpt-5", ["openai api.openai.com/v1/chat/completions None"]),
        ("/v1/chat/completions", "kimi-k2", ["openai api.openai.com/v1/chat/completions None"]),
        ("/v1/messages", "other", ["anthropic api.anthropic.com/v1/messages None"]),
    ],
)
def test_a_route_may_lead_to_the_other_dialect(tmp_path: Path, path: str, model: str, expected: list[str]) -> None:
    """Calls that can be translated are; others stay with those who understand them, and a caller's key is shown to nobody else."""
    targets = targets_of(tmp_path, DIALECTS, {"OPENAI_API_KEY": "a", "CLAUDE": "b"})
    told = found(targets, path, model)
    shown = [f" translated {each.longest}" if each.translation is not None else "" for each in told]
    assert [f"{address}{more}" for address, more in zip(addresses(told), shown, strict=True)] == expected


def test_a_route_of_two_dialects_needs_keys_of_its_own(tmp_path: Path) -> None:
    """Whichever dialect is called, one of the vendors is not the one that the caller's key is for."""
    with pytest.raises(ConfigError, match="leads to several dialects, and openai has no key of its own"):
        targets_of(tmp_path, DIALECTS, {"CLAUDE": "b"})
