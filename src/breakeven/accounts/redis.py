"""Accounts of many hosts: one Redis, one script, one round trip for all accounts of an exchange.

The script does what `state.exchanged` says; a conformance suite holds the two equal. Amounts have up to 30 digits and Lua counts in
floating point, so that an amount is kept as a pair of whole numbers below 10^15, which floating point has exactly. Time is Redis's.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

import redis
import redis.asyncio

from breakeven.accounts.port import (
    LEASE_SECONDS,
    REMEMBERED_SECONDS,
    SHARE,
    SHARED_OPENING_AGE_SECONDS,
    Answer,
    Balance,
    Entry,
    Grant,
)
from breakeven.errors import Unreachable
from breakeven.governance.spans import SLICES

TIMEOUT_SECONDS = 1.0
KEPT_SECONDS = 40 * 86_400
_NEVER = "none"
"""The generation of a Redis that nobody has written to since it was lost."""

_EXCHANGE = Path(__file__).with_name("exchange.lua").read_text(encoding="utf-8")


class RedisAccounts:
    """The port `AccountStore` on a Redis, for a worker's event loop."""

    def __init__(self, url: str, prefix: str, spawn: Callable[[Coroutine[Any, Any, None]], object]) -> None:
        self._client: Any = redis.asyncio.from_url(
            url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS, decode_responses=True, retry=None
        )
        self._prefix = prefix
        self._spawn = spawn
        self._script: Any = self._client.register_script(_EXCHANGE)

    def exchange(self, worker: str, generation: str, entries: Sequence[Entry], answer: Answer) -> None:
        """Take and lend in one round trip; the answer comes later."""
        self._spawn(self._exchange(worker, generation, entries, answer))

    async def _exchange(self, worker: str, generation: str, entries: Sequence[Entry], answer: Answer) -> None:
        try:
            current, *found = await self._script(keys=[], args=_arguments(self._prefix, worker, generation, entries))
        except (redis.RedisError, OSError):
            answer(None, "")
            return
        answer([_grant(each) for each in found] if len(found) == len(entries) else None, current)

    def denials(self, answer: Callable[[int | None, str], None]) -> None:
        """How often anything was denied, and which store this is."""
        self._spawn(self._denials(answer))

    async def _denials(self, answer: Callable[[int | None, str], None]) -> None:
        try:
            count, generation = await self._client.mget(f"{self._prefix}:denials", f"{self._prefix}:generation")
        except (redis.RedisError, OSError):
            answer(None, "")
            return
        answer(int(count or 0), generation or _NEVER)

    def close(self) -> None:
        """Close the connections, in the loop's own time."""
        self._spawn(self._close())

    async def _close(self) -> None:
        await self._client.aclose()


class RedisBooks:
    """What the bookkeeper and the reports do with the accounts in a Redis."""

    opening_age = SHARED_OPENING_AGE_SECONDS

    def __init__(self, url: str, prefix: str) -> None:
        self._client: Any = redis.Redis.from_url(
            url, socket_timeout=5 * TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS, decode_responses=True
        )
        self._prefix = prefix

    def workers(self) -> frozenset[str]:
        """Every worker that has ever exchanged anything with this Redis."""
        return frozenset(self._asked(lambda: self._client.smembers(f"{self._prefix}:workers")))

    def generation(self) -> tuple[str, float]:
        """Which store this is, and how old by its own clock."""

        def ask() -> tuple[str, float]:
            name, begun = self._client.mget(f"{self._prefix}:generation", f"{self._prefix}:begun")
            seconds, microseconds = self._client.time()
            return (name, seconds + microseconds / 1e6 - float(begun)) if name else ("", 0.0)

        found: tuple[str, float] = self._asked(ask)
        return found

    def opened(self) -> frozenset[str]:
        """The budgets whose accounts are open."""
        return frozenset(self._asked(lambda: self._client.smembers(f"{self._prefix}:opened")))

    def set_outside(self, ledger: str, identity: str, amounts: Mapping[str, Mapping[int, int]], *, opened: bool = True) -> None:
        """Replace what a ledger knows of a budget's accounts, and open them."""

        def write() -> None:
            with self._client.pipeline(transaction=True) as pipe:
                for name in self._names(identity):
                    old = [field for field in self._client.hkeys(name) if field.startswith(f"o:{ledger}:")]
                    if old:
                        pipe.hdel(name, *old)
                for key, slices in amounts.items():
                    for number, amount in slices.items():
                        pipe.hset(f"{self._prefix}:account:{key}", f"o:{ledger}:{number}", str(amount))
                if opened:
                    pipe.sadd(f"{self._prefix}:opened", identity)
                pipe.execute()

        self._asked(write)

    def balances(self, identity: str) -> Sequence[Balance]:
        """How the accounts of a budget stand."""
        found: list[Balance] = self._asked(lambda: [self._balance(name) for name in sorted(self._names(identity))])
        return found

    def prune(self) -> int:
        """Redis forgets by itself."""
        return 0

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _names(self, identity: str) -> list[str]:
        return [
            name for name in self._client.scan_iter(f"{self._prefix}:account:*", count=1000) if _is_of(name, self._prefix, identity)
        ]

    def _balance(self, name: str) -> Balance:
        slices: dict[int, int] = {}
        outside: dict[int, int] = {}
        leases: dict[str, int] = {}
        for field, value in self._client.hgetall(name).items():
            kind, _, rest = field.partition(":")
            if kind == "s":
                slices[int(rest)] = int(value)
            elif kind == "o":
                number = int(rest.rpartition(":")[2])
                outside[number] = outside.get(number, 0) + int(value)
            elif held := int(value.split(" ")[0]):
                leases[rest] = held
        return Balance(name.removeprefix(f"{self._prefix}:account:"), slices, outside, leases)

    def _asked(self, question: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever was asked for
        try:
            return question()
        except (redis.RedisError, OSError) as error:
            raise Unreachable(
                f"the accounts in Redis cannot be reached: {error}", "Start Redis, or check gateway.accounts."
            ) from error


def _is_of(name: str, prefix: str, identity: str) -> bool:
    return name.startswith(f"{prefix}:account:{identity}\x1f")


def _arguments(prefix: str, worker: str, generation: str, entries: Sequence[Entry]) -> list[str]:
    arguments = [prefix, worker, str(SHARE), str(LEASE_SECONDS), str(REMEMBERED_SECONDS), str(SLICES), str(KEPT_SECONDS)]
    arguments += [generation, secrets.token_hex(8)]
    for each in entries:
        flags = f"{int(each.ready)}{int(each.in_flight)}"
        arguments += [
            each.key, each.lease, str(each.number), str(max(0, each.limit)), str(each.spent), str(each.held), str(each.need),
            str(each.want), f"{each.slice} {each.since}", flags, "" if each.expires is None else f"{each.expires:.0f}",
        ]  # fmt: skip
    return arguments


def _grant(found: Sequence[Any]) -> Grant:
    granted, spent, leased, opening, frees = found
    return Grant(int(granted), int(spent), int(leased), bool(opening), int(frees) if frees != "" else None)
