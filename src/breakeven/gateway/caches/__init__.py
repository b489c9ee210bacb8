"""Where answers of the exact cache are kept: a file that the host's workers share, or Redis."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from breakeven.accounts.address import redis_address
from breakeven.gateway.caches.port import CacheStore, Claimed, Entry, Found
from breakeven.gateway.caches.sqlite import FILE, SqliteCache
from breakeven.settings import AccountsSettings


def open_cache(
    where: AccountsSettings, ledger: Path, environment: Mapping[str, str], spawn: Callable[[Coroutine[Any, Any, None]], object]
) -> CacheStore:
    """The store for a worker. Raises ConfigError where the address of a Redis, or the library for it, is missing."""
    if not where.shared:
        return SqliteCache(ledger / FILE)
    url = redis_address(where, environment, "gateway.cache")
    from breakeven.gateway.caches.redis import RedisCache  # noqa: PLC0415 - an extra

    return RedisCache(url, where.prefix, spawn)


__all__ = ["CacheStore", "Claimed", "Entry", "Found", "SqliteCache", "open_cache"]
