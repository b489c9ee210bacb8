"""Who may be known for how long. Pure: pseudonyms of people and customers, and how long calls keep what identifies somebody.

A pseudonym is HMAC-SHA256 under a key of the ledger's owner, so that the same person has the same pseudonym everywhere, and nobody
without the key can try names against it. It begins with `p:`; what looks like one is left as it is, so that a fact that is read
again is not disguised twice.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from breakeven.governance.capture import BUILT_IN

Person = Literal["user", "customer"]
PEOPLE: tuple[Person, ...] = ("user", "customer")
COLUMN: Mapping[Person, str] = {"user": "user_id", "customer": "customer"}
SHORTEST_KEY = 16
"""Bytes. A shorter key could be found by trying."""
ERASED = "(erased)"
"""Stands for every user that was erased: what they cost stays somebody's, and nobody knows whose."""
_SHAPE = re.compile(r"p:[0-9a-f]{32}\Z")
_SHOWN = 32
_BLOCK = 64
_INNER, _OUTER = 0x36, 0x5C


def pseudonym(key: bytes, dimension: Person, name: str) -> str:
    """`p:` and 128 bits of HMAC-SHA256(key, dimension, name). A customer called like a user is another one."""
    if _SHAPE.match(name):
        return name
    return f"p:{hmac.digest(key, f'{dimension}:{name}'.encode(), 'sha256').hex()[:_SHOWN]}"


def pads(key: bytes) -> tuple[bytes, bytes]:
    """The inner and outer key of HMAC-SHA256 (RFC 2104), for an engine that has the hash alone."""
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    return bytes(each ^ _INNER for each in block), bytes(each ^ _OUTER for each in block)


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Which dimensions are disguised, and the key."""

    dimensions: tuple[Person, ...]
    key: bytes = field(repr=False)

    def of(self, dimension: str, name: str) -> str:
        """The name as it is written down: itself, where the dimension is not disguised."""
        for each in self.dimensions:
            if each == dimension:
                return pseudonym(self.key, each, name)
        return name

    def in_tags(self, tags: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
        """Free tags without the disguised names of their call (`names`), and without addresses where users are disguised.

        A tag that is no more than a name gets its pseudonym; an e-mail address anywhere in a tag becomes `[email]`.
        """
        known = {name: self.of(dimension, name) for dimension, name in names.items() if dimension in self.dimensions}
        mail = BUILT_IN["email"].applied if "user" in self.dimensions else str
        return {key: known.get(value) or mail(value) for key, value in tags.items()}


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long a feature's calls keep what identifies somebody, and how long they stay single calls; seconds, None: for good."""

    identities: int | None = None
    calls: int | None = None


@dataclass(frozen=True, slots=True)
class Privacy:
    """The section `privacy`: disguised dimensions, the variable with the key, and how long calls are kept, by feature."""

    dimensions: tuple[Person, ...] = ()
    key_env: str | None = None
    keeping: Keeping = field(default_factory=Keeping)
    features: Mapping[str, Keeping] = field(default_factory=dict)

    @property
    def forgets(self) -> bool:
        """Whether anything ends by itself."""
        return any(each.identities or each.calls for each in (self.keeping, *self.features.values()))

    def ends(self, now: datetime) -> Ends:
        """Until which days what is forgotten, at `now` (naive UTC). Whole UTC days: daily sums must stay sums of whole days."""
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)

        def end(seconds: int | None) -> datetime | None:
            cut = None if seconds is None else now - timedelta(seconds=seconds)
            return None if cut is None else min(cut.replace(hour=0, minute=0, second=0, microsecond=0), midnight)

        return Ends(
            {name: end(each.identities) for name, each in self._all().items()},
            {name: end(each.calls) for name, each in self._all().items()},
        )

    def _all(self) -> dict[str | None, Keeping]:
        found: dict[str | None, Keeping] = {None: self.keeping}
        found.update(self.features)
        return found


@dataclass(frozen=True, slots=True)
class Ends:
    """Instants by feature, before which identities go, and before which calls become daily sums. The name None: all others."""

    identities: Mapping[str | None, datetime | None]
    calls: Mapping[str | None, datetime | None]
