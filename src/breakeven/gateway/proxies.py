"""Which HTTP proxy stands between us and a vendor: the provider's own, else what HTTPS_PROXY, HTTP_PROXY and NO_PROXY say."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from breakeven.errors import ConfigError
from breakeven.gateway.wire.upstream import Address
from breakeven.settings import ProviderSettings
from breakeven.settings.providers import is_local

_HTTPS, _HTTP = 443, 80


def address_of(provider: ProviderSettings, environment: Mapping[str, str]) -> Address:
    """Where a provider is reached, by which proxy. Raises ConfigError where the environment names a proxy that cannot be used."""
    base = urlsplit(provider.base_url)
    tls = base.scheme.lower() == "https"
    host, port = base.hostname or "", base.port or (_HTTPS if tls else _HTTP)
    proxy, user = _proxy(provider, host, "https" if tls else "http", environment)
    return Address(host, port, tls, proxy, user)


def _proxy(
    provider: ProviderSettings, host: str, scheme: str, environment: Mapping[str, str]
) -> tuple[tuple[str, int] | None, str]:
    if provider.proxy == "none":
        return None, ""
    if provider.proxy is not None:
        return _parsed(provider.proxy, f"provider {provider.name}: proxy")
    if is_local(host) or _excepted(host, _variable("no_proxy", environment)):
        return None, ""
    text = _variable(f"{scheme}_proxy", environment)
    return _parsed(text, f"{scheme.upper()}_PROXY") if text else (None, "")


def _excepted(host: str, rules: str) -> bool:
    """Whether NO_PROXY names a host, a domain above it, or everything."""
    names = (rule.strip().lower().partition(":")[0].lstrip(".") for rule in rules.split(","))
    return any(name == "*" or (name and (host == name or host.endswith(f".{name}"))) for name in names)


def _variable(name: str, environment: Mapping[str, str]) -> str:
    """By custom the small name goes before the large one."""
    return environment.get(name, environment.get(name.upper(), "")).strip()


def _parsed(text: str, where: str) -> tuple[tuple[str, int], str]:
    """Host and port of a proxy, and the user and password to show it."""
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if host is None or parts.scheme != "http":
        raise ConfigError(f"{where} is no address of an HTTP proxy", "Write http://HOST:PORT, or unset it.")
    user = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else ""
    return (host, port or _HTTP), user
