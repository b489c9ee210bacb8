"""What has been drawn on every budget: which store holds it, as the configuration says."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from breakeven.accounts.port import AccountStore, Books
from breakeven.accounts.sqlite import FILE, SqliteAccounts
from breakeven.errors import ConfigError
from breakeven.settings import AccountsSettings

JOURNALS = "accounts-*.journal"
Spawn = Callable[[Coroutine[Any, Any, None]], object]


def open_store(where: AccountsSettings, ledger: Path, environment: Mapping[str, str], spawn: Spawn) -> AccountStore:
    """The accounts for a worker. Raises ConfigError where the address of a Redis, or the library for it, is missing."""
    if not where.shared:
        return SqliteAccounts(ledger / FILE)
    url = _url(where, environment)
    from breakeven.accounts.redis import RedisAccounts  # noqa: PLC0415 - an extra

    return RedisAccounts(url, where.prefix, spawn)


def open_books(where: AccountsSettings, ledger: Path, environment: Mapping[str, str]) -> Books:
    """The accounts for the bookkeeper and for reports. Raises as `open_store` does."""
    if not where.shared:
        return SqliteAccounts(ledger / FILE)
    url = _url(where, environment)
    from breakeven.accounts.redis import RedisBooks  # noqa: PLC0415 - an extra

    return RedisBooks(url, where.prefix)


def _url(where: AccountsSettings, environment: Mapping[str, str]) -> str:
    try:
        import redis  # noqa: F401, PLC0415 - an extra: is it installed?
    except ImportError as error:
        raise ConfigError("gateway.accounts needs the library redis", "Install it: pip install 'breakeven[redis]'.") from error
    url = where.url or environment.get(where.url_env or "", "")
    if not url:
        raise ConfigError(f"gateway.accounts: the variable {where.url_env} is not set", "Set it to the address of Redis.")
    return url


__all__ = ["JOURNALS", "AccountStore", "Books", "open_books", "open_store"]
