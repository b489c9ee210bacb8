"""Virtual keys: what an application shows instead of a vendor's key. Stored as hashes, shown once.

A key is 192 random bits, so that a plain SHA-256 of it cannot be searched: there is nothing to guess that a slow hash would
protect.
Keys are looked up by that hash, and compared in constant time; the file never holds a key itself.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

import msgspec

from breakeven.errors import DataError, UsageError
from breakeven.gateway.attribution import Refusal
from breakeven.gateway.credentials import PREFIX, virtual_key_in
from breakeven.gateway.dimensions import DIMENSIONS
from breakeven.ledger.layout import write_durably

_BYTES = 24
_SHOWN = 8
_MOST_CACHED = 10_000
_UNAUTHORISED = 401
_INVALID = "invalid_api_key"


class VirtualKey(msgspec.Struct, frozen=True, eq=False):
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


class _File(msgspec.Struct):
    keys: list[VirtualKey] = []
    format: int = 1


def digest_of(secret: bytes) -> str:
    """What is stored of a key."""
    return hashlib.sha256(secret).hexdigest()


class KeyRing:
    """The keys that are in force, for looking up."""

    def __init__(self, keys: tuple[VirtualKey, ...], now: Callable[[], datetime]) -> None:
        self._by_digest = {key.digest: key for key in keys}
        self._now = now
        self._limited = {key.digest for key in keys if key.expires_at is not None or key.revoked_at is not None}
        self._known: dict[bytes, VirtualKey] = {}

    def find(self, secret: bytes) -> VirtualKey | None:
        """The key that this is, if it is one and in force."""
        key = self._known.get(secret)
        if key is None:
            digest = digest_of(secret)
            key = self._by_digest.get(digest)
            if key is None or not hmac.compare_digest(key.digest, digest):
                return None
            if len(self._known) >= _MOST_CACHED:
                self._known.clear()
            self._known[secret] = key
        return key if self.in_force(key) else None

    def in_force(self, key: VirtualKey) -> bool:
        """Whether a key that was found is still in force."""
        return key.digest not in self._limited or key.state(instant(self._now())) == "active"

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


# --- the store --------------------------------------------------------------------------------------------------------------------


def instant(at: datetime) -> str:
    """An instant as the file has it: UTC, whole seconds, sortable as text."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def load_keys(ledger: Path) -> tuple[VirtualKey, ...]:
    """The stored keys. Raises DataError where the file is damaged: nobody is let in by accident."""
    path = ledger / "keys.json"
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return ()
    try:
        return tuple(msgspec.json.decode(content, type=_File).keys)
    except msgspec.MsgspecError as error:
        raise DataError(f"{path} is damaged: {error}", "Restore it from a backup; until then no virtual key works.") from error


@contextmanager
def _changing(ledger: Path) -> Iterator[list[VirtualKey]]:
    """The keys, to be changed in place and stored at the end; one process at a time."""
    ledger.mkdir(parents=True, exist_ok=True)
    with (ledger / "keys.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        keys = list(load_keys(ledger))
        yield keys
        write_durably(ledger / "keys.json", msgspec.json.format(msgspec.json.encode(_File(keys)), indent=1))


def create_key(
    ledger: Path, name: str, now: datetime, lifetime: timedelta | None = None, **limits: object
) -> tuple[VirtualKey, str]:
    """A new key and its secret, which is told here and never again. `limits` are fields of `VirtualKey`.

    Raises UsageError where a key of that name is in force, or a dimension does not exist.
    """
    _check_dimensions(limits)
    secret = PREFIX.decode() + secrets.token_urlsafe(_BYTES)
    with _changing(ledger) as keys:
        if any(key.name == name and key.state(instant(now)) == "active" for key in keys):
            raise UsageError(f"a key named {name!r} is in force", "Choose another name, or rotate or revoke that key.")
        key = VirtualKey(
            id=secrets.token_hex(4),
            name=name,
            shown=f"{secret[:_SHOWN]}...",
            digest=digest_of(secret.encode()),
            created_at=instant(now),
            expires_at=None if lifetime is None else instant(now + lifetime),
            **limits,  # type: ignore[arg-type] # checked by the struct's own types where they are read back
        )
        keys.append(key)
    return key, secret


def rotate_key(ledger: Path, identity: str, now: datetime, grace: timedelta) -> tuple[VirtualKey, str]:
    """A new secret for a key; the old one works for `grace` longer."""
    secret = PREFIX.decode() + secrets.token_urlsafe(_BYTES)
    with _changing(ledger) as keys:
        at = _position(keys, identity, now)
        old = keys[at]
        until = instant(now + grace)
        keys[at] = msgspec.structs.replace(old, expires_at=min(until, old.expires_at or until))
        key = msgspec.structs.replace(
            old,
            id=secrets.token_hex(4),
            shown=f"{secret[:_SHOWN]}...",
            digest=digest_of(secret.encode()),
            created_at=instant(now),
            rotated_from=old.id,
        )
        keys.append(key)
    return key, secret


def revoke_key(ledger: Path, identity: str, now: datetime) -> VirtualKey:
    """End a key now."""
    with _changing(ledger) as keys:
        at = _position(keys, identity, now)
        keys[at] = msgspec.structs.replace(keys[at], revoked_at=instant(now))
        return keys[at]


def _position(keys: list[VirtualKey], identity: str, now: datetime) -> int:
    """Where the key of this id or name stands. Raises UsageError where there is none, or it is not in force."""
    found = [at for at, key in enumerate(keys) if identity in (key.id, key.name) and key.state(instant(now)) == "active"]
    if not found:
        raise UsageError(f"no key in force has the id or name {identity!r}", "See: breakeven keys list")
    return found[-1]


def _check_dimensions(limits: Mapping[str, object]) -> None:
    named = [name for field in ("locked", "defaults") for name, _ in limits.get(field, ())]  # type: ignore[attr-defined] # pairs
    named += list(limits.get("required", ()))  # type: ignore[call-overload] # names
    unknown = [name for name in named if name not in DIMENSIONS]
    if unknown:
        raise UsageError(f"there is no dimension {unknown[0]!r}", f"Dimensions: {', '.join(DIMENSIONS)}.")
