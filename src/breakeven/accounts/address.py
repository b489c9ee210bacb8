"""Where the Redis is that several hosts share: one reading of its address for budgets, kept answers and keys."""

from __future__ import annotations

from collections.abc import Mapping

from breakeven.errors import ConfigError
from breakeven.settings import AccountsSettings


def redis_address(where: AccountsSettings, environment: Mapping[str, str], section: str) -> str:
    """The address that `section` of the configuration declares or names a variable for.

    Raises ConfigError where the library for Redis is missing, or the variable is not set.
    """
    try:
        import redis  # noqa: F401, PLC0415 - an extra: is it installed?
    except ImportError as error:
        raise ConfigError(f"{section} needs the library redis", "Install it: pip install 'breakeven[redis]'.") from error
    url = where.url or environment.get(where.url_env or "", "")
    if not url:
        raise ConfigError(f"{section}: the variable {where.url_env} is not set", "Set it to the address of Redis.")
    return url
