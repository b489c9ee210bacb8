"""Dropping kept answers of whole spaces, from outside of a gateway. A cache is no record: what it loses is asked again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path

from breakeven.accounts.address import redis_address
from breakeven.errors import Unreachable
from breakeven.gateway.caches.sqlite import FILE
from breakeven.settings import AccountsSettings

_PATIENCE_SECONDS = 10.0


def drop_spaces(where: AccountsSettings, ledger: Path, environment: Mapping[str, str], spaces: Iterable[str]) -> int:
    """Remove every entry of these spaces; returns how many. Raises Unreachable or ConfigError where the store cannot be asked."""
    named = sorted(set(spaces))
    return _in_redis(where, environment, named) if where.shared else _in_file(ledger / FILE, named)


def _in_file(path: Path, spaces: list[str]) -> int:
    if not path.is_file():
        return 0
    try:
        with closing(sqlite3.connect(path, timeout=_PATIENCE_SECONDS, isolation_level=None)) as connection:
            connection.execute("PRAGMA secure_delete = ON")
            count = sum(connection.execute("DELETE FROM entries WHERE space = ?", (space,)).rowcount for space in spaces)
            if count:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return count
    except sqlite3.Error as error:
        raise Unreachable(f"{path} cannot be changed: {error}", "Try again, or remove the file: it is no record.") from error


def _in_redis(where: AccountsSettings, environment: Mapping[str, str], spaces: list[str]) -> int:
    url = redis_address(where, environment, "gateway.cache")
    import redis  # noqa: PLC0415 - an extra

    count = 0
    try:
        with redis.Redis.from_url(url) as client:
            for space in spaces:
                prefix = f"{where.prefix}:cache:{{{space}}}:"
                names = [name for name in client.scan_iter(count=1000) if name.startswith(prefix.encode())]
                count += sum(b":entry:" in name for name in names)
                for start in range(0, len(names), 1000):
                    client.unlink(*names[start : start + 1000])
    except redis.RedisError as error:
        raise Unreachable(f"the cache in Redis cannot be reached: {error}", "Try again when it answers.") from error
    return count
