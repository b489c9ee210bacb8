"""Kept answers of many hosts: one Redis. An entry has its time to live there; one script keeps a space within its size."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
import redis
import redis.asyncio

from breakeven.gateway.caches.port import Claimed, Entry, Found, decode, encode

TIMEOUT_SECONDS = 0.05
CONNECT_SECONDS = 0.25
REST_SECONDS = 1.0
"""After a fault the store is left alone for so long, so that a Redis that is away delays no more than one call a second."""
OVERHEAD_BYTES = 128
_FIND = """
local value = redis.call('GET', KEYS[1])
if value then redis.call('ZADD', KEYS[2], 'XX', ARGV[1], ARGV[2]) end
return value
"""
_CLAIM = """
local value = redis.call('GET', KEYS[1])
if value then return {value, ''} end
local holder = redis.call('GET', KEYS[2])
if not holder or holder == ARGV[1] then
  redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
  holder = ARGV[1]
end
return {'', holder}
"""
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"
_KEEP = """
local entry, uses, sizes, total = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local prefix, name, weight, limit = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local function gone(each)
  redis.call('DECRBY', total, redis.call('HGET', sizes, each) or 0)
  redis.call('HDEL', sizes, each)
  redis.call('ZREM', uses, each)
end
if redis.call('HEXISTS', sizes, name) == 1 then gone(name) end
redis.call('SET', entry, ARGV[5], 'PX', ARGV[6])
redis.call('ZADD', uses, ARGV[7], name)
redis.call('HSET', sizes, name, weight)
redis.call('INCRBY', total, weight)
while tonumber(redis.call('GET', total)) > limit do
  local oldest = redis.call('ZRANGE', uses, 0, 0)[1]
  if not oldest then break end
  redis.call('DEL', prefix .. oldest)
  gone(oldest)
end
if ARGV[8] ~= '' and redis.call('GET', KEYS[5]) == ARGV[8] then redis.call('DEL', KEYS[5]) end
for _, each in ipairs({uses, sizes, total}) do redis.call('PEXPIRE', each, 40 * 86400000) end
return 1
"""


class RedisCache:
    """The port `CacheStore` on a Redis, for a worker's event loop; `wall` can be given for tests."""

    def __init__(
        self, url: str, prefix: str, spawn: Callable[[Coroutine[Any, Any, None]], object], wall: Callable[[], float] = time.time
    ) -> None:
        self._client: Any = redis.asyncio.from_url(
            url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=CONNECT_SECONDS, retry=None
        )
        self._prefix = f"{prefix}:cache"
        self._spawn = spawn
        self._wall = wall
        self._rests_until = 0.0
        self._find: Any = self._client.register_script(_FIND)
        self._keep: Any = self._client.register_script(_KEEP)
        self._claim: Any = self._client.register_script(_CLAIM)
        self._release: Any = self._client.register_script(_RELEASE)

    def find(self, space: str, key: bytes, then: Found) -> None:
        """One round trip; at once a miss while the store is left alone."""
        if self._wall() < self._rests_until:
            then(None)
        else:
            self._spawn(self._looked_up(space, key, then))

    async def _looked_up(self, space: str, key: bytes, then: Found) -> None:
        entry = None
        try:
            name = key.hex()
            value = await self._find(keys=[self._entry(space, name), self._own(space, "uses")], args=[self._wall(), name])
            entry = None if value is None else decode(value)
        except (redis.RedisError, OSError, msgspec.MsgspecError):
            self._rests_until = self._wall() + REST_SECONDS
        then(entry)

    def claim(self, space: str, key: bytes, owner: bytes, seconds: float, then: Claimed) -> None:
        """One round trip; at once granted while the store is left alone."""
        if self._wall() < self._rests_until:
            then(owner)
        else:
            self._spawn(self._claimed(space, key.hex(), owner, seconds, then))

    async def _claimed(self, space: str, name: str, owner: bytes, seconds: float, then: Claimed) -> None:
        found: Entry | bytes = owner
        try:
            keys = [self._entry(space, name), self._own(space, f"claim:{name}")]
            value, holder = await self._claim(keys=keys, args=[owner, round(seconds * 1000)])
            found = decode(value) if value else holder
        except (redis.RedisError, OSError, msgspec.MsgspecError):
            self._rests_until = self._wall() + REST_SECONDS
        then(found)

    def release(self, space: str, key: bytes, owner: bytes) -> None:
        """One round trip, for which nobody waits; a claim that cannot be ended lapses."""
        if self._wall() >= self._rests_until:
            self._spawn(self._released(space, key.hex(), owner))

    async def _released(self, space: str, name: str, owner: bytes) -> None:
        try:
            await self._release(keys=[self._own(space, f"claim:{name}")], args=[owner])
        except (redis.RedisError, OSError):
            self._rests_until = self._wall() + REST_SECONDS

    def keep(self, space: str, key: bytes, entry: Entry, ttl: float, size: int, owner: bytes = b"") -> None:
        """One round trip, for which nobody waits."""
        value = encode(entry)
        if len(value) + OVERHEAD_BYTES > size:
            self.release(space, key, owner)
        elif self._wall() >= self._rests_until:
            self._spawn(self._kept(space, key.hex(), value, ttl, size, owner))

    async def _kept(self, space: str, name: str, value: bytes, ttl: float, size: int, owner: bytes) -> None:
        keys = [self._entry(space, name), *(self._own(space, part) for part in ("uses", "sizes", "total", f"claim:{name}"))]
        weight, milliseconds = len(value) + OVERHEAD_BYTES, max(1, round(ttl * 1000))
        try:
            terms = [self._entry(space, ""), name, weight, size, value, milliseconds, self._wall(), owner]
            await self._keep(keys=keys, args=terms)
        except (redis.RedisError, OSError):
            self._rests_until = self._wall() + REST_SECONDS

    def tick(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """The connections close with the process's loop."""
        self._spawn(self._client.aclose())

    def _entry(self, space: str, name: str) -> str:
        return f"{self._prefix}:{{{space}}}:entry:{name}"

    def _own(self, space: str, part: str) -> str:
        return f"{self._prefix}:{{{space}}}:{part}"
