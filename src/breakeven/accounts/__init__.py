"""What has been drawn on every budget: which store holds it, as the configuration says."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from breakeven.accounts.address import redis_address
from breakeven.accounts.port import AccountStore, Books
from breakeven.accounts.sqlite import FILE, SqliteAccounts
from breakeven.settings import AccountsSettings

JOURNALS = "accounts-*.journal"
Spawn = Callable[[Coroutine[Any, Any, None]], object]


def open_store(where: AccountsSettings, ledger: Path, environment: Mapping[str, str], spawn: Spawn) -> AccountStore:
    """The accounts for a worker. Raises ConfigError where the address of a Redis, or the library for it, is missing."""
    if not where.shared:
        return SqliteAccounts(ledger / FILE)
    url = redis_address(where, environment, "gateway.accounts")
    from breakeven.accounts.redis import RedisAccounts  # noqa: PLC0415 - an extra

    return RedisAccounts(url, where.prefix, spawn)


def open_books(where: AccountsSettings, ledger: Path, environment: Mapping[str, str]) -> Books:
    """The accounts for the bookkeeper and for reports. Raises as `open_store` does."""
    if not where.shared:
        return SqliteAccounts(ledger / FILE)
    url = redis_address(where, environment, "gateway.accounts")
    from breakeven.accounts.redis import RedisBooks  # noqa: PLC0415 - an extra

    return RedisBooks(url, where.prefix)


__all__ = ["JOURNALS", "AccountStore", "Books", "open_books", "open_store"]
