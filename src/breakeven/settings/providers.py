"""The section `providers:`: one vendor account each, with address, credential, patience and limits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from breakeven.settings.quantities import flag, inner, seconds, whole
from breakeven.settings.vendors import (
    CREDENTIALS,
    DIALECTS,
    VENDOR_DEFAULTS,
    Credential,
    Dialect,
    VendorDefaults,
    defaults_at,
    defaults_named,
)
from breakeven.yamlfields import Fields, Problems, entries
from breakeven.yamlfile import Node

PROVIDER_FIELDS = (
    "vendor", "dialect", "base_url", "api_key_env", "credential", "region", "project", "headers", "models", "stream_usage",
    "timeouts", "retries", "concurrency", "circuit", "tls", "proxy",
)  # fmt: skip
RESERVED_NAMES = frozenset({"v1", "v1beta", "v1beta1", "v1alpha", "health", "metrics", "model", "openai-deployments", "admin"})
_UNUSABLE = "http://127.0.0.1:9"  # stands in a faulty provider until the faults are told; nothing is ever sent there
_MOST = 1_000_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_PLACE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\Z")
_URL = re.compile(r"https?://[!-~]+\Z", re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?\Z|[0-9a-f:.]+\Z", re.IGNORECASE)
_FRAMING = frozenset(
    {
        "connection", "content-length", "expect", "host", "keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade",
    }
)  # fmt: skip
_SECRET_HEADERS = frozenset({"authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie"})


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a vendor may take, in seconds: to connect, to its first byte, between two pieces of an answer, altogether."""

    connect: float = 5.0
    first_byte: float = 300.0
    between_chunks: float = 120.0
    total: float = 1800.0


@dataclass(frozen=True, slots=True)
class Retries:
    """How often one target is tried, and how long is waited between: exponential from `backoff` to `max_backoff`, with jitter."""

    attempts: int = 3
    backoff: float = 0.25
    max_backoff: float = 8.0


@dataclass(frozen=True, slots=True)
class Concurrency:
    """Calls at once, calls that may wait, and for how long."""

    limit: int = 500
    queue: int = 1000
    queue_timeout: float = 10.0


@dataclass(frozen=True, slots=True)
class Circuit:
    """After `failures` in a row within `window` the vendor is left alone for `open`."""

    failures: int = 10
    window: float = 30.0
    open: float = 15.0


@dataclass(frozen=True, slots=True)
class Tls:
    """Whom to trust: the system's authorities, or those of `ca_file`. `verify: false` is for tests."""

    ca_file: Path | None = None
    verify: bool = True


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """One vendor account that calls can go to.

    `vendor` is the name that prices and usage readers know. Without an `api_key_env` the caller's own credential is forwarded;
    `key_expected` says that the file itself names the variable, so that an unset one is a fault and not a silent fallback.
    """

    name: str
    vendor: str
    dialect: Dialect
    base_url: str
    api_key_env: str = ""
    key_expected: bool = False
    credential: Credential = "bearer"
    region: str = ""
    project: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    models: tuple[str, ...] = ()
    stream_usage: bool = True
    timeouts: Timeouts = Timeouts()
    retries: Retries = Retries()
    concurrency: Concurrency = Concurrency()
    circuit: Circuit = Circuit()
    tls: Tls = Tls()
    proxy: str | None = None


def default_providers() -> dict[str, ProviderSettings]:
    """What is served where nothing is configured: OpenAI and Anthropic, with the callers' own credentials and no key of ours."""
    return {name: _plain(name, VENDOR_DEFAULTS[name]) for name in ("openai", "anthropic")}


def providers_of(node: Node | None, config: Path, problems: Problems, warnings: Problems) -> dict[str, ProviderSettings]:
    """The declared providers in their order, or the default ones where none is declared; faults go to `problems`."""
    declared = entries(node, "providers", problems)
    lowered: dict[str, str] = {}
    for name, each in declared.items():
        if (twin := lowered.setdefault(name.lower(), name)) != name:
            problems.add(each, f"providers {twin!r} and {name!r} differ only in case", "Give them names that differ.")
    return {name: _provider(name, each, config, problems, warnings) for name, each in declared.items()} or default_providers()


def _plain(name: str, defaults: VendorDefaults) -> ProviderSettings:
    return ProviderSettings(
        name=name,
        vendor=defaults.vendor,
        dialect=defaults.dialect,
        base_url=defaults.base_url,
        credential=defaults.credential,
        stream_usage=defaults.stream_usage,
    )


def _provider(name: str, node: Node, config: Path, problems: Problems, warnings: Problems) -> ProviderSettings:
    fields = Fields(node, f"provider {name}", PROVIDER_FIELDS, problems)
    if not _NAME.match(name) or name.lower() in RESERVED_NAMES:
        problems.add(
            node, f"provider name {name!r} cannot be used", "Use letters, digits, dots and dashes, and no path of the gateway."
        )
    defaults = _defaults(name, fields)
    region, project = _place(fields, "region"), _place(fields, "project")
    own_key = variable(fields, "api_key_env")
    credential = fields.choice(
        "credential", CREDENTIALS, "bearer" if own_key and defaults.credential == "none" else defaults.credential
    )
    _check_credential(fields, credential, own_key, region)
    provider = ProviderSettings(
        name=name,
        vendor=defaults.vendor,
        dialect=fields.choice("dialect", DIALECTS, defaults.dialect),
        base_url=_base_url(fields, defaults, region, project),
        api_key_env=own_key or (defaults.api_key_env if credential not in ("aws", "google", "none") else ""),
        key_expected=bool(own_key),
        credential=credential,
        region=region,
        project=project,
        headers=_headers(fields, problems),
        models=fields.words("models"),
        stream_usage=flag(fields, "stream_usage", default=defaults.stream_usage),
        timeouts=_timeouts(fields, problems),
        retries=_retries(fields, problems),
        concurrency=_concurrency(fields, problems),
        circuit=_circuit(fields, problems),
        tls=_tls(fields, config, problems),
        proxy=_proxy(fields),
    )
    _warn(provider, node, warnings)
    return provider


def _defaults(name: str, fields: Fields) -> VendorDefaults:
    """The vendor as it is named, else as the provider is called, else as its host tells; else an OpenAI-shaped one of that name."""
    given, dialect, base_url = fields.text("vendor"), fields.text("dialect"), fields.text("base_url")
    if given is not None:
        return defaults_named(given, dialect) or VendorDefaults(given.lower())
    known = defaults_named(name, dialect)
    if known is not None:
        return known
    at = defaults_at(base_url) if base_url else None
    if at is not None:
        return (defaults_named(at.vendor, dialect) or at) if dialect else at
    return VendorDefaults(name.lower())


# --- the address ------------------------------------------------------------------------------------------------------------------


def _base_url(fields: Fields, defaults: VendorDefaults, region: str, project: str) -> str:
    text = fields.text("base_url") or defaults.base_url
    if not text:
        fields.fault(
            "base_url", "base_url is missing", "Add the address, such as `base_url: https://host/v1`, or name a known `vendor:`."
        )
        return _UNUSABLE
    for name, value in (("region", region), ("project", project)):
        if f"{{{name}}}" in text and not value:
            if name not in fields:
                fields.fault(name, f"{name} is missing", f"Add `{name}: ...`, or a whole `base_url`.")
            return _UNUSABLE
    if region == "global":
        text = text.replace("{region}-aiplatform", "aiplatform")  # Vertex's global endpoint has no region in its host
    text = text.replace("{region}", region).replace("{project}", project)
    problem = _url_fault(text)
    if problem:
        fields.fault("base_url", f"base_url {problem}", "Write http:// or https://, a host, and a path if there is one.")
        return _UNUSABLE
    return text.rstrip("/")


def _url_fault(text: str) -> str:
    """What is wrong with an address, in words that do not repeat it: it may hold a password."""
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname
    except ValueError:
        return "is no address"
    if not _URL.match(text) or not host or not _HOST.match(host):
        return "is no http or https address of a host"
    if "@" in parts.netloc or "?" in text or "#" in text:
        return "has a user, a query or a fragment"
    path = unquote(parts.path)
    if "\\" in text or "%" in path or "//" in path or any(part in (".", "..") for part in path.split("/")):
        return "has a path that does not stand for itself"
    return "has the port 0" if port == 0 else ""


def _proxy(fields: Fields) -> str | None:
    text = fields.text("proxy")
    if text is None or text == "none":
        return text
    try:
        parts = urlsplit(text)
        usable = parts.scheme == "http" and bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        usable = False
    if not usable or parts.path.strip("/") or parts.query or parts.fragment:
        fields.fault(
            "proxy",
            "proxy is no address of an HTTP proxy",
            "Write http://HOST:PORT, or `none`; left out, HTTPS_PROXY and NO_PROXY decide, and only they may hold a password.",
        )
        return None
    return text


def _place(fields: Fields, name: str) -> str:
    """A region or project: it becomes part of an address, so that it may only be a plain label."""
    text = fields.text(name)
    if text is not None and not _PLACE.match(text):
        fields.fault(name, f"{name} is {text[:80]!r}", "Write small letters, digits and dashes.")
        return ""
    return text or ""


# --- the credential and headers ---------------------------------------------------------------------------------------------------


def variable(fields: Fields, name: str) -> str:
    """The name of an environment variable; what is none is not repeated in the message, because it may be the secret itself."""
    text = fields.text(name) or ""
    if text and not _VARIABLE.match(text):
        fields.fault(
            name, f"{name} is not the name of an environment variable", "Write the variable's name, never the secret itself."
        )
        return ""
    return text


def _check_credential(fields: Fields, credential: Credential, own_key: str, region: str) -> None:
    if own_key and credential in ("aws", "google", "none"):
        fields.fault("api_key_env", f"api_key_env has no use with `credential: {credential}`", "Leave one of the two out.")
    if credential == "aws" and not region and "region" not in fields:
        fields.fault("region", "region is missing", "Add `region: ...`: AWS signatures are made for a region.")


def _headers(fields: Fields, problems: Problems) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    what = f"{fields.what}: headers"
    for name, value in entries(fields.get("headers"), what, problems).items():
        text, lowered = value.value, name.lower()
        if lowered in _SECRET_HEADERS:
            problems.add(value, f"{what}: {name} holds a secret in clear text", "Use `credential` and `api_key_env` instead.")
        elif lowered in _FRAMING or lowered.startswith("breakeven-"):
            problems.add(value, f"{what}: {name} is not for a configuration to set", "Leave it out.")
        elif not _HEADER.match(name) or not isinstance(text, str) or not text.isascii() or not text.isprintable():
            problems.add(value, f"{what}: {name[:80]!r} cannot be sent", "Write a name and one line of plain text, in quotes.")
        else:
            found.append((name, text))
    return tuple(found)


# --- patience and limits ----------------------------------------------------------------------------------------------------------


def _timeouts(fields: Fields, problems: Problems) -> Timeouts:
    found = inner(fields, "timeouts", ("connect", "first_byte", "between_chunks", "total"), problems)
    base = Timeouts()
    return Timeouts(
        seconds(found, "connect", base.connect),
        seconds(found, "first_byte", base.first_byte),
        seconds(found, "between_chunks", base.between_chunks),
        seconds(found, "total", base.total),
    )


def _retries(fields: Fields, problems: Problems) -> Retries:
    found = inner(fields, "retries", ("attempts", "backoff", "max_backoff"), problems)
    base = Retries()
    retries = Retries(
        whole(found, "attempts", base.attempts, 1, 10),
        seconds(found, "backoff", base.backoff),
        seconds(found, "max_backoff", base.max_backoff),
    )
    if retries.backoff > retries.max_backoff:
        found.fault("backoff", "backoff is longer than max_backoff", "Write a shorter backoff, or a longer max_backoff.")
    return retries


def _concurrency(fields: Fields, problems: Problems) -> Concurrency:
    found = inner(fields, "concurrency", ("limit", "queue", "queue_timeout"), problems)
    base = Concurrency()
    return Concurrency(
        whole(found, "limit", base.limit, 1, _MOST),
        whole(found, "queue", base.queue, 0, _MOST),
        seconds(found, "queue_timeout", base.queue_timeout),
    )


def _circuit(fields: Fields, problems: Problems) -> Circuit:
    found = inner(fields, "circuit", ("failures", "window", "open"), problems)
    base = Circuit()
    return Circuit(
        whole(found, "failures", base.failures, 1, _MOST),
        seconds(found, "window", base.window),
        seconds(found, "open", base.open),
    )


def _tls(fields: Fields, config: Path, problems: Problems) -> Tls:
    found = inner(fields, "tls", ("ca_file", "verify"), problems)
    ca_file = found.text("ca_file")
    path = config.parent / Path(ca_file).expanduser() if ca_file else None
    if path is not None and not path.is_file():
        found.fault("ca_file", f"ca_file {ca_file} does not exist", "Name a file of PEM certificates, beside the configuration.")
    return Tls(path, flag(found, "verify", default=True))


def _warn(provider: ProviderSettings, node: Node, warnings: Problems) -> None:
    """What works and is seldom meant."""
    parts = urlsplit(provider.base_url)
    if parts.scheme == "http" and provider.credential != "none" and not is_local(parts.hostname or ""):
        warnings.add(node, f"provider {provider.name}: calls and credentials travel unencrypted", "Use an https:// base_url.")
    if not provider.tls.verify:
        warnings.add(node, f"provider {provider.name}: certificates are not verified", "Set `ca_file` instead of `verify: false`.")


def is_local(host: str) -> bool:
    """Whether an address stays on this machine."""
    return host.lower() == "localhost" or host == "::1" or bool(re.match(r"127(\.[0-9]{1,3}){3}\Z", host))
