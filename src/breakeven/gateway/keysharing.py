"""Virtual keys of many hosts: one copy in Redis, and on every host the file that its gateways read.

Redis has the whole of `keys.json`. Whoever changes keys takes the newest copy first and puts the changed one back only where nobody
else has changed it meanwhile. Hosts copy it to their own file every second; while Redis is away the last copy holds: known keys go
on, and end when they expire, but a revocation does not arrive, and no key can be changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from breakeven.accounts.address import redis_address
from breakeven.errors import DataError, Unreachable
from breakeven.ledger.layout import write_durably
from breakeven.settings import AccountsSettings

TIMEOUT_SECONDS = 2.0
_FILE = "keys.json"
_SWAP = """
local there = redis.call('GET', KEYS[1])
if (there or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
"""


class SharedKeys:
    """The copy in Redis. Raises Unreachable where Redis does not answer, ConfigError where its address or library is missing."""

    def __init__(self, where: AccountsSettings, environment: Mapping[str, str]) -> None:
        url = redis_address(where, environment, "gateway.shared_keys")
        import redis  # noqa: PLC0415 - an extra

        self._faults: type[Exception] = redis.RedisError
        self._client: Any = redis.Redis.from_url(url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS)
        self._name = f"{where.prefix}:keys"

    def pull(self, ledger: Path) -> bool:
        """Copy Redis' keys to the host's file; whether that changed it. Nothing is there yet: the file stays."""
        found = self._ask("get", self._name)
        path = ledger / _FILE
        if found is None or (path.is_file() and path.read_bytes() == found):
            return False
        try:
            msgspec.json.decode(found, type=dict[str, Any])
        except msgspec.MsgspecError as error:
            raise DataError(
                f"the keys in Redis ({self._name}) are damaged", "Remove that entry; the next change of a key puts it back."
            ) from error
        write_durably(path, found)
        return True

    def push(self, ledger: Path, before: bytes) -> bool:
        """Put the host's file in the place of `before`; False where Redis has something else by now."""
        return bool(self._ask("eval", _SWAP, 1, self._name, before, (ledger / _FILE).read_bytes()))

    def content(self) -> bytes:
        """What Redis has; nothing where there is nothing."""
        found = self._ask("get", self._name)
        return found if isinstance(found, bytes) else b""

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def _ask(self, command: str, *given: object) -> Any:  # noqa: ANN401 - whatever Redis answers
        try:
            return getattr(self._client, command)(*given)
        except (self._faults, OSError) as error:
            raise Unreachable(
                f"the shared keys cannot be reached: {error}", "Known keys go on; try again when Redis answers."
            ) from error


@contextmanager
def changing_shared(where: AccountsSettings, ledger: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Change the host's key file inside; the change holds on every host afterwards, or not at all."""
    if not where.shared:
        yield
        return
    shared = SharedKeys(where, environment)
    try:
        ledger.mkdir(parents=True, exist_ok=True)
        shared.pull(ledger)
        before = shared.content()
        yield
        if not shared.push(ledger, before):
            shared.pull(ledger)
            raise Unreachable("somebody else changed keys at the same moment", "Nothing was changed; run the command again.")
    finally:
        shared.close()
