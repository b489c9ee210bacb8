"""The section `providers:`."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.errors import ConfigError
from breakeven.providers import PROVIDERS
from breakeven.settings import PROVIDER_FIELDS, VENDOR_DEFAULTS, ProviderSettings, Settings, load_settings
from breakeven.settings.providers import Circuit, Concurrency, Retries, Timeouts, Tls

SECRET = "hunter2"  # noqa: S105 - invented, to be looked for in messages
WHOLE = """
providers:
  openai-eu:
    vendor: openai
    base_url: https://eu.api.openai.com/v1/
    api_key_env: OPENAI_EU_KEY
    headers: {OpenAI-Organization: org-1}
    models: [gpt-*, o3]
    stream_usage: false
    timeouts: {connect: 250ms, first_byte: 1m, between_chunks: 90s, total: 1h}
    retries: {attempts: 5, backoff: 0.5s, max_backoff: 10s}
    concurrency: {limit: 20, queue: 0, queue_timeout: 2s}
    circuit: {failures: 3, window: 1m, open: 5s}
    tls: {ca_file: ca.pem}
    proxy: http://proxy.internal:3128
"""


def load(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "breakeven.yaml"
    path.write_text(text)
    return load_settings(path)


def provider(tmp_path: Path, text: str) -> ProviderSettings:
    [found] = load(tmp_path, f"providers: {{{text}}}").gateway.providers.values()
    return found


def faults(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    return [f"{problem.where.rpartition('/')[2]}: {problem.what}. {problem.remedy}" for problem in caught.value.problems]


@pytest.mark.parametrize("config", [None, "gateway: {port: 5000}"])
def test_without_providers_openai_and_anthropic_are_served(tmp_path: Path, config: str | None) -> None:
    """Where none is declared, two vendors are reached with the callers' own credentials and no key of ours."""
    settings = load_settings(None) if config is None else load(tmp_path, config)
    assert [(each.base_url, each.dialect, each.api_key_env) for each in settings.gateway.providers.values()] == [
        ("https://api.openai.com/v1", "openai", ""),
        ("https://api.anthropic.com/v1", "anthropic", ""),
    ]


@pytest.mark.parametrize("name", [name for name, each in VENDOR_DEFAULTS.items() if each.base_url])
def test_a_well_known_name_is_enough(tmp_path: Path, name: str) -> None:
    """`NAME: {}` works for every known vendor, but for the place where the address depends on one."""
    known = VENDOR_DEFAULTS[name]
    needed = [f"{field}: eu-west-1" for field in ("region", "project") if f"{{{field}}}" in known.base_url]
    found = provider(tmp_path, f"{name}: {{{', '.join(needed)}}}")
    assert (found.vendor, found.dialect, found.credential, found.api_key_env) == (
        known.vendor,
        known.dialect,
        known.credential,
        known.api_key_env,
    )
    assert urlsplit(found.base_url).hostname
    assert "{" not in found.base_url


def test_every_known_vendor_has_usage_readers() -> None:
    """What the settings call a vendor is a name by which the readers of usage know it."""
    names = {name for vendor in PROVIDERS for name in (vendor.name, *vendor.aliases)}
    assert {each.vendor for each in VENDOR_DEFAULTS.values()} <= names


def test_every_setting_of_a_provider_is_kept(tmp_path: Path) -> None:
    """Durations become seconds, paths stand beside the file, the base address has no slash at its end."""
    (tmp_path / "ca.pem").write_text("")
    assert load(tmp_path, WHOLE).gateway.providers["openai-eu"] == ProviderSettings(
        name="openai-eu",
        vendor="openai",
        dialect="openai",
        base_url="https://eu.api.openai.com/v1",
        api_key_env="OPENAI_EU_KEY",
        key_expected=True,
        headers=(("OpenAI-Organization", "org-1"),),
        models=("gpt-*", "o3"),
        stream_usage=False,
        timeouts=Timeouts(0.25, 60.0, 90.0, 3600.0),
        retries=Retries(5, 0.5, 10.0),
        concurrency=Concurrency(20, 0, 2.0),
        circuit=Circuit(3, 60.0, 5.0),
        tls=Tls(tmp_path / "ca.pem"),
        proxy="http://proxy.internal:3128",
    )


@pytest.mark.parametrize(
    ("text", "vendor", "dialect", "credential", "base_url"),
    [
        ("gemini: {}", "google", "native", "x-goog-api-key", "https://generativelanguage.googleapis.com"),
        ("gemini: {dialect: openai}", "google", "openai", "bearer", "https://generativelanguage.googleapis.com/v1beta/openai"),
        ("a: {vendor: deepseek, dialect: anthropic}", "deepseek", "anthropic", "x-api-key", "https://api.deepseek.com/anthropic"),
        ("a: {base_url: 'https://x.openai.azure.com'}", "azure", "openai", "api-key", "https://x.openai.azure.com"),
        ("a: {base_url: 'https://us-east5-aiplatform.googleapis.com'}", "vertex", "native", "google", None),
        ("a: {base_url: 'https://api.groq.com/openai/v1'}", "groq", "openai", "bearer", None),
        ("a: {base_url: 'https://api.openai.com.evil.example/v1'}", "a", "openai", "bearer", None),
        ("vertex: {region: global}", "vertex", "native", "google", "https://aiplatform.googleapis.com"),
        ("Box: {base_url: 'http://10.0.0.7:8000/v1'}", "box", "openai", "bearer", "http://10.0.0.7:8000/v1"),
        ("a: {vendor: Modal, base_url: 'https://a.modal.run/v1'}", "modal", "openai", "bearer", "https://a.modal.run/v1"),
        ("vllm: {api_key_env: KEY}", "vllm", "openai", "bearer", "http://127.0.0.1:8000/v1"),
    ],
)
def test_the_vendor_is_said_or_told_by_name_or_host(
    tmp_path: Path, text: str, vendor: str, dialect: str, credential: str, base_url: str | None
) -> None:
    """`vendor` decides, then the provider's name, then its host; whoever is none of them is OpenAI-shaped, under its own name."""
    found = provider(tmp_path, text)
    assert (found.vendor, found.dialect, found.credential) == (vendor, dialect, credential)
    assert base_url in (None, found.base_url)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: {}", "1: provider a: base_url is missing. Add the address"),
        ("azure: {}", "base_url is missing"),
        ("bedrock: {}", "region is missing"),
        ("bedrock: {region: 'evil.example/#'}", "region is 'evil.example/#'"),
        ("vertex-openai: {region: eu-west-1}", "project is missing"),
        ("a: {base_url: ftp://host}", "is no http or https address"),
        ("a: {base_url: 'https://'}", "is no http or https address"),
        ("a: {base_url: 'https://ho st/v1'}", "is no http or https address"),
        ("a: {base_url: 'https://host:0/v1'}", "has the port 0"),
        ("a: {base_url: 'https://host:99999/v1'}", "is no address"),
        ("a: {base_url: 'https://host/v1?x=1'}", "has a user, a query or a fragment"),
        ("a: {base_url: 'https://host/v1/../admin'}", "has a path that does not stand for itself"),
        ("a: {base_url: 'https://host/%2e%2e/admin'}", "has a path that does not stand for itself"),
        ("v1: {base_url: 'https://host/v1'}", "provider name 'v1' cannot be used"),
        ("'a/b': {base_url: 'https://host/v1'}", "provider name 'a/b' cannot be used"),
        ("openai: {}, OpenAI: {}", "differ only in case"),
        ("openai: {dialect: french}", "dialect is 'french'. Known: openai, anthropic, native"),
        ("openai: {credential: password}", "credential is 'password'"),
        ("openai: {models: [{a: 1}]}", "models contains a mapping"),
        ("openai: {stream_usage: 'yes'}", "stream_usage is text instead of true or false"),
        ("openai: {timeout: {}}", "unknown field 'timeout'. Did you mean 'timeouts'?"),
        ("openai: {timeouts: {connect: 5}}", "provider openai: timeouts: connect is '5'"),
        ("openai: {timeouts: {connect: 0s}}", "connect is '0s'"),
        ("openai: {timeouts: {connect: 31d}}", "connect is '31d'"),
        ("openai: {timeouts: {read: 5s}}", "provider openai: timeouts has an unknown field 'read'"),
        ("openai: {retries: {attempts: 0}}", "attempts is 0"),
        ("openai: {retries: {attempts: 1.5}}", "attempts is 1.5. Write a whole number"),
        ("openai: {retries: {backoff: 10s}}", "backoff is longer than max_backoff"),
        ("openai: {concurrency: {limit: 0}}", "limit is 0"),
        ("openai: {circuit: 5}", "provider openai: circuit is a whole number instead of a mapping"),
        ("openai: {tls: {ca_file: none.pem}}", "ca_file none.pem does not exist"),
        ("openai: {proxy: 'socks5://host:1'}", "proxy is no address of an HTTP proxy"),
        ("openai: {headers: {Host: evil.example}}", "Host is not for a configuration to set"),
        ("openai: {headers: {Transfer-Encoding: chunked}}", "Transfer-Encoding is not for a configuration to set"),
        ('openai: {headers: {x-a: "b\\r\\nx-c: d"}}', "'x-a' cannot be sent"),
        ("openai: {headers: {'x a': b}}", "'x a' cannot be sent"),
        ("openai: {headers: {x-count: 5}}", "'x-count' cannot be sent"),
        ("ollama: {credential: none, api_key_env: KEY}", "api_key_env has no use with `credential: none`"),
        ("a: {base_url: 'https://host', credential: aws}", "region is missing"),
        ("openai: 7", "provider openai is a whole number instead of a mapping"),
    ],
)
def test_a_fault_of_a_provider_names_line_field_and_remedy(tmp_path: Path, text: str, expected: str) -> None:
    """What cannot work is refused where it stands, with what to write instead."""
    found = faults(tmp_path, f"providers: {{{text}}}")
    assert any(expected in one for one in found), found
    assert all(one.startswith("breakeven.yaml:1: ") for one in found)


@pytest.mark.parametrize(
    "text",
    [
        f"api_key: {SECRET}",
        f"api_key_env: '{SECRET}-4-{SECRET}'",
        f"base_url: 'https://me:{SECRET}@host/v1'",
        f"base_url: 'https://host/v1?key={SECRET}'",
        f"base_url: '{SECRET}'",
        f"proxy: 'http://me:{SECRET}@proxy:3128'",
        f"headers: {{Authorization: Bearer {SECRET}}}",
        f"headers: {{x-api-key: {SECRET}}}",
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_repeated(tmp_path: Path, text: str) -> None:
    """Secrets stand in the environment only, and the message about one that does not keeps it to itself."""
    found = faults(tmp_path, f"providers: {{openai: {{{text}}}}}")
    assert found
    assert not any(SECRET in one for one in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: {base_url: 'http://10.0.0.7/v1'}", "provider a: calls and credentials travel unencrypted"),
        ("openai: {tls: {verify: false}}", "provider openai: certificates are not verified"),
    ],
)
def test_what_works_and_is_seldom_meant_is_warned_of(tmp_path: Path, text: str, expected: str) -> None:
    """Plain HTTP to another machine and unverified certificates are possible, and said aloud."""
    assert [warning.what for warning in load(tmp_path, f"providers: {{{text}}}").warnings] == [expected]


@given(st.integers(1, 10**6), st.sampled_from(["ms", "s", "m"]), st.sampled_from(["", " "]))
def test_a_duration_is_its_number_times_its_unit(
    tmp_path_factory: pytest.TempPathFactory, number: int, unit: str, space: str
) -> None:
    """Whatever the unit, a duration up to 30 days is read exactly, and a longer one is refused."""
    length = number * {"ms": 0.001, "s": 1, "m": 60}[unit]
    text = f"providers: {{openai: {{timeouts: {{total: {number}{space}{unit}}}}}}}"
    path = tmp_path_factory.mktemp("duration")
    if length > 30 * 86_400:
        assert "at most 30 days" in faults(path, text)[0]
    else:
        found = load(path, text).gateway.providers["openai"].timeouts.total
        assert found == pytest.approx(length)


@given(st.text(max_size=30), st.sampled_from(sorted(set(PROVIDER_FIELDS) - {"vendor"})))
def test_any_text_in_any_field_is_taken_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, value: str, field: str
) -> None:
    """No text in a provider's field ends in anything but settings with a usable address, or a ConfigError."""
    path = tmp_path_factory.mktemp("any")
    quoted = "".join(f"\\U{ord(one):08x}" for one in value)
    text = f'providers: {{openai: {{{field}: "{quoted}"}}}}'
    with suppress(ConfigError):
        found = load(path, text).gateway.providers["openai"]
        assert urlsplit(found.base_url).scheme in ("http", "https")
        assert urlsplit(found.base_url).hostname
