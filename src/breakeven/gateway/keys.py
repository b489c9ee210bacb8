"""Virtual keys: what an application shows instead of a vendor's key, what its calls are attributed to, and what they may use.

A key is 192 random bits, so that a plain SHA-256 of it cannot be searched: there is nothing to guess that a slow hash or a pepper
would protect. Keys are looked up by that hash: what can be learned from how long a look-up takes is about hashes, and whoever knew
a hash still had no key. How keys are stored: `keystore.py`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Literal

import msgspec

from breakeven.gateway.attribution import Refusal
from breakeven.gateway.credentials import virtual_key_in

_UNAUTHORISED = 401
_INVALID = "invalid_api_key"


class VirtualKey(msgspec.Struct, frozen=True, eq=False, forbid_unknown_fields=True):
    """One key as it is stored. `locked` dimensions cannot be overridden by a call, `defaults` can; instants are UTC, ISO 8601."""

    id: str
    name: str
    shown: str
    digest: str
    created_at: str
    locked: tuple[tuple[str, str], ...] = ()
    defaults: tuple[tuple[str, str], ...] = ()
    required: tuple[str, ...] = ()
    on_missing: Literal["refuse", "quarantine"] = "refuse"
    models: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    expires_at: str | None = None
    revoked_at: str | None = None
    rotated_from: str | None = None

    def allows_model(self, model: str | None) -> bool:
        """Whether the key may be used for this model; a call that names none is let through only by a key for all models."""
        return not self.models or (model is not None and any(fnmatchcase(model, pattern) for pattern in self.models))

    def allows_feature(self, feature: str | None) -> bool:
        """Whether the key may be used for this feature."""
        return not self.features or feature in self.features

    def state(self, now: str) -> str:
        """`active`, `expired` or `revoked` at an instant."""
        if self.revoked_at is not None and self.revoked_at <= now:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "active"

    def ends(self) -> datetime | None:
        """From when on the key is not in force; None where no end is set. Raises ValueError where a stored instant is none."""
        return min((instant_of(each) for each in (self.expires_at, self.revoked_at) if each is not None), default=None)


def instant(at: datetime) -> str:
    """An instant as keys have it: UTC, whole seconds, sortable as text."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def instant_of(text: str) -> datetime:
    """The instant that `instant` wrote. Raises ValueError for anything else."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def digest_of(secret: bytes) -> str:
    """What is stored of a key."""
    return hashlib.sha256(secret).hexdigest()


class KeyRing:
    """The keys that are in force, for looking up. It holds no key that it has not been shown."""

    def __init__(self, keys: Iterable[VirtualKey], now: Callable[[], datetime]) -> None:
        self._by_digest = {key.digest: key for key in keys}
        self._now = now
        self._ends = {key.digest: end for key in self._by_digest.values() if (end := key.ends()) is not None}
        self._known: dict[bytes, VirtualKey] = {}

    def find(self, secret: bytes) -> VirtualKey | None:
        """The key that this is, if it is one and in force."""
        key = self._known.get(secret)
        if key is None:
            digest = digest_of(secret)
            key = self._by_digest.get(digest)
            if key is None or not hmac.compare_digest(key.digest, digest):
                return None
            self._known[secret] = key  # only keys that exist, so that strangers cannot fill it
        return key if self.in_force(key) else None

    def in_force(self, key: VirtualKey) -> bool:
        """Whether a key that was found is still in force."""
        end = self._ends.get(key.digest)
        return end is None or self._now() < end

    def identify(self, headers: Mapping[bytes, bytes], *, required: bool) -> VirtualKey | Refusal | None:
        """The virtual key of a request, from its headers by lower-cased name; None where it needs none and has none."""
        secret = virtual_key_in(headers)
        if secret is not None:
            return self.find(secret) or Refusal(
                _UNAUTHORISED, _INVALID, "This virtual key does not exist, has expired or was revoked."
            )
        if required:
            told = "This gateway needs a virtual key (bek-...) in place of the vendor's; see `breakeven keys`."
            return Refusal(_UNAUTHORISED, _INVALID, told)
        return None
