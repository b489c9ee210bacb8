"""The sections `gateway:` and `routes:`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from breakeven.errors import ConfigError
from breakeven.settings import Feature, GatewaySettings, Route, RouteTarget, load_settings
from breakeven.settings.gateway import DrainLimits, RequestLimits
from breakeven.settings.providers import default_providers

PROVIDERS = """
providers:
  openai: {}
  azure-eu: {vendor: azure, base_url: "https://x.openai.azure.com"}
  anthropic: {}
  bedrock: {region: eu-west-1}
  cohere: {}
"""


def load(tmp_path: Path, text: str) -> GatewaySettings:
    path = tmp_path / "breakeven.yaml"
    path.write_text(text)
    return load_settings(path).gateway


def declared(tmp_path: Path, text: str) -> Mapping[str, Feature]:
    """The features of a configuration."""
    path = tmp_path / "breakeven.yaml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path).features


def faults(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    return [f"{problem.where.rpartition('/')[2]}: {problem.what}. {problem.remedy}" for problem in caught.value.problems]


def test_every_setting_of_the_gateway_is_kept(tmp_path: Path) -> None:
    """Sizes become bytes, durations seconds."""
    text = """
gateway:
  host: "::1"
  port: 0
  workers: 4
  keys: required
  admin_token_env: ADMIN
  limits: {body: 8MB, headers: 50, header_bytes: 16 KB}
  drain: {time: 1m, bytes: 1gb}
  grace: 1500ms
  usage_cost: true
  environment: staging
"""
    assert load(tmp_path, text) == GatewaySettings(
        host="::1",
        port=0,
        workers=4,
        keys="required",
        admin_token_env="ADMIN",  # noqa: S106 - the name of a variable
        limits=RequestLimits(8 * 1024**2, 50, 16 * 1024),
        drain=DrainLimits(60.0, 1024**3),
        grace=1.5,
        usage_cost=True,
        environment="staging",
        providers=default_providers(),
    )


@pytest.mark.parametrize(
    ("gateway", "listening", "needed"),
    [
        ("{}", None, False),
        ("{}", "0.0.0.0", True),  # noqa: S104 - an address to be refused to strangers
        ("{host: 127.0.0.2}", None, False),
        ("{host: localhost}", None, False),
        ("{host: '::1'}", None, False),
        ("{host: 127.example.com}", None, True),
        ("{host: 0.0.0.0}", None, True),
        ("{host: 0.0.0.0}", "127.0.0.1", False),
        ("{host: 0.0.0.0, keys: optional}", None, False),
        ("{keys: required}", "127.0.0.1", True),
    ],
)
def test_keys_are_needed_where_others_can_call(tmp_path: Path, gateway: str, listening: str | None, needed: bool) -> None:
    """Unless the file says otherwise, callers show a key where another machine can call; the address really listened on counts."""
    assert load(tmp_path, f"gateway: {gateway}").needs_keys(listening) is needed


def test_an_open_gateway_without_keys_is_warned_of(tmp_path: Path) -> None:
    """`keys: optional` on an address that others reach works, and a warning with the line says what it means."""
    path = tmp_path / "breakeven.yaml"
    path.write_text("gateway:\n  host: 0.0.0.0\n  keys: optional\n")
    [warning] = load_settings(path).warnings
    assert warning.where.endswith("breakeven.yaml:2")
    assert "may spend what the providers' keys may" in warning.what


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{port: 70000}", "port is 70000"),
        ("{workers: 0}", "workers is 0"),
        ("{keys: maybe}", "keys is 'maybe'. Known: required, optional"),
        ("{admin_token_env: 'my secret'}", "admin_token_env is not the name of an environment variable"),
        ("{admin_token: abc}", "unknown field 'admin_token'"),
        ("{limits: {body: 0}}", "gateway: limits: body is '0'"),
        ("{limits: {body: 5TB}}", "body is '5TB'"),
        ("{limits: {body: 2048GB}}", "body is '2048GB'"),
        ("{limits: {size: 1}}", "unknown field 'size'"),
        ("{drain: {time: 60}}", "time is '60'. Write a number above 0 with its unit"),
        ("{usage_cost: 1}", "usage_cost is a whole number instead of true or false"),
        ("{environment: [a]}", "environment is a list instead of text"),
        ("on", "gateway is text instead of a mapping"),
    ],
)
def test_a_fault_of_the_gateway_names_line_field_and_remedy(tmp_path: Path, text: str, expected: str) -> None:
    """What cannot work is refused where it stands, with what to write instead."""
    found = faults(tmp_path, f"gateway: {text}")
    assert any(expected in one for one in found), found


def test_routes_name_the_first_choice_and_its_fallbacks(tmp_path: Path) -> None:
    """A target is a provider's name, or one with the name that the model has there; one target needs no list."""
    text = "routes:\n- {model: gpt-4o, to: [openai, {provider: azure-eu, model: my-4o}]}\n- {model: 'claude-*', to: anthropic}\n"
    assert load(tmp_path, PROVIDERS + text).routes == (
        Route("gpt-4o", (RouteTarget("openai"), RouteTarget("azure-eu", "my-4o"))),
        Route("claude-*", (RouteTarget("anthropic"),)),
    )


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        ("{to: openai}", "model is missing"),
        ("{model: a}", "to is missing"),
        ("{model: a, to: []}", "to is missing"),
        ("{model: a, to: openia}", "no provider is called 'openia'. Did you mean 'openai'?"),
        ("{model: a, to: [{model: b}]}", "provider is missing"),
        ("{model: a, to: [openai, cohere]}", "route a leads to dialects cohere, openai"),
        ("{model: a, to: [openai, anthropic], needs: [logprobs]}", "needs logprobs, which anthropic cannot be given"),
        ("{model: a, to: anthropic, needs: /v1/embeddings}", "needs /v1/embeddings, which anthropic cannot be given"),
        ("{model: a, to: [openai, anthropic], needs: [top_k]}", "needs top_k, which openai cannot be given"),
        ("{model: a, to: openai, needs: [telepathy]}", "'telepathy' is nothing that calls are known to need"),
        ("{model: a, to: [{provider: anthropic, max_tokens: 0}]}", "max_tokens is 0"),
        ("{model: a, to: [bedrock, cohere]}", "route a leads to dialects bedrock, cohere"),
        ("{model: a, to: openai}\n- {model: a, to: azure-eu}", "the model 'a' has a route already"),
    ],
)
def test_a_fault_of_a_route_names_line_and_remedy(tmp_path: Path, route: str, expected: str) -> None:
    """A route that could never work, or that leads to a vendor who cannot be given what its calls need, is refused."""
    found = faults(tmp_path, f"{PROVIDERS}routes:\n- {route}\n")
    assert any(expected in one for one in found), found


def test_what_a_feature_needs_must_reach_the_models_it_uses(tmp_path: Path) -> None:
    """A feature whose calls ask for what a routed vendor cannot be given is a fault where its needs stand."""
    routes = "routes:\n- {model: fast, to: anthropic}\n- {model: big, to: openai}\n"
    feature = "features:\n  chat:\n    models: [fast, big]\n    needs: [tools, seed]\n"
    (told,) = faults(tmp_path, f"{PROVIDERS}{routes}{feature}")
    assert "feature chat (fast) needs seed, which anthropic cannot be given: there are no seeds" in told
    assert ":14:" in told
    assert declared(tmp_path, f"{PROVIDERS}{routes}{feature.replace(', seed', '')}")["chat"].needs == ("tools",)


def test_a_rung_that_could_never_serve_is_refused_where_it_stands(tmp_path: Path) -> None:
    """A rung at a vendor with an API of its own, and one that cannot be given what the feature needs, are faults of the file."""
    ladder = (
        "features:\n  chat:\n    needs: [seed]\n    ladder:\n      rungs:\n        - {{model: m, provider: {}}}\n        - asked\n"
    )
    providers = f"{PROVIDERS}  gemini: {{vendor: google, base_url: 'https://example.org'}}\n"
    (told,) = faults(tmp_path, providers + ladder.format("gemini"))
    assert "rung m leads to gemini, which speaks an API of its own" in told
    (told,) = faults(tmp_path, providers + ladder.format("anthropic"))
    assert "rung m needs seed, which anthropic cannot be given" in told
    assert declared(tmp_path, providers + ladder.format("openai"))["chat"].ladder is not None


def test_prompt_caching_is_opted_into(tmp_path: Path) -> None:
    """A lifetime of the vendor's, or off."""
    text = "features: {a: {prompt_cache: 5m}, b: {prompt_cache: 1h}, c: {prompt_cache: off}, d: {owner: x}}\n"
    found = declared(tmp_path, text)
    assert [found[name].prompt_cache for name in "abcd"] == ["5m", "1h", None, None]
    assert "prompt_cache is '2h'" in faults(tmp_path, "features: {a: {prompt_cache: 2h}}\n")[0]
