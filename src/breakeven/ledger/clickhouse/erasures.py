"""Erasures reach the copy: whom the ledger has forgotten, ClickHouse forgets, by the salted hash of the name.

No sum changes, and rollups know no users, so a mutation of the facts is all there is to do. It may be repeated. One is noted as
done only when it is old enough that no file from before it can still be on its way.
"""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from breakeven.governance.privacy import ERASED
from breakeven.ledger.layout import Layout
from breakeven.ledger.masking import IDENTIFYING, Erasure, forgotten

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

TABLE = "erasures"
CREATE = f"CREATE TABLE IF NOT EXISTS {TABLE} (digest String, at DateTime64(6, 'UTC')) ENGINE = ReplacingMergeTree ORDER BY digest"
UNDER_WAY = timedelta(hours=1)
"""How long after an erasure a segment that was read before it may still arrive."""
AGAIN_SECONDS = 300.0
_HEX = re.compile(r"[0-9a-f]+")


class Forgetting:
    """Brings the erasures of one ledger to one database, as often as it is asked; it asks the server only where there are any."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._done: set[Erasure] = set()
        self._tried: dict[Erasure, float] = {}

    def forget(self, layout: Layout, now: datetime) -> int:
        """Carry out what is not done yet; returns how many erasures that were. `now` is naive UTC."""
        salt, known = forgotten(layout)
        if set(known) <= self._done:
            return 0
        self._client.command(CREATE)
        self._done |= {
            Erasure(digest, at.replace(tzinfo=None).isoformat(timespec="microseconds"))
            for digest, at in self._client.query(f"SELECT digest, at FROM {TABLE} FINAL").result_rows
        }
        tick = time.monotonic()
        waiting = [
            each for each in known if each not in self._done and tick - self._tried.get(each, -AGAIN_SECONDS) >= AGAIN_SECONDS
        ]
        for each in waiting:
            self._erase(salt, each)
            self._tried[each] = tick
            if now - datetime.fromisoformat(each.at) > UNDER_WAY:
                self._client.command(f"INSERT INTO {TABLE} (digest, at) VALUES ('{each.digest}', '{_instant(each)}')")
                self._done.add(each)
        return len(waiting)

    def _erase(self, salt: str, erasure: Erasure) -> None:
        if not (_HEX.fullmatch(salt) and _HEX.fullmatch(erasure.digest)):
            raise ValueError("a digest is hexadecimal")  # it becomes part of a statement
        hashed = f"lower(hex(SHA256(concat('{salt}', ifNull(user_id, '')))))"
        for table, columns in IDENTIFYING.items():
            emptied = "".join(f", {name} = NULL" for name in columns if name != "user_id")
            self._client.command(
                f"ALTER TABLE {table} UPDATE user_id = '{ERASED}'{emptied} WHERE user_id IS NOT NULL"
                f" AND occurred_at <= toDateTime64('{_instant(erasure)}', 6, 'UTC') AND {hashed} = '{erasure.digest}'"
                " SETTINGS mutations_sync = 2"
            )


def _instant(erasure: Erasure) -> str:
    return datetime.fromisoformat(erasure.at).isoformat(sep=" ", timespec="microseconds")
