"""Where virtual keys are kept: `keys.json` in the ledger's directory, as hashes. A secret is told once, to whoever makes the key.

Every change goes through `_changing`: one process at a time, and after a crash the file is the old one or the new one.
"""

from __future__ import annotations

import fcntl
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import msgspec

from breakeven.errors import DataError, UsageError
from breakeven.gateway.credentials import PREFIX
from breakeven.gateway.dimensions import DIMENSIONS, clean
from breakeven.gateway.keys import VirtualKey, digest_of, instant
from breakeven.ledger.layout import write_durably

_BYTES = 24
_SHOWN = 8


class _File(msgspec.Struct, forbid_unknown_fields=True):
    keys: list[VirtualKey] = []
    format: Literal[1] = 1


def load_keys(ledger: Path) -> tuple[VirtualKey, ...]:
    """The stored keys. Raises DataError where the file cannot be read or understood: nobody is let in by accident."""
    path = ledger / "keys.json"
    try:
        keys = msgspec.json.decode(path.read_bytes(), type=_File).keys
        for key in keys:
            key.ends()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}", "Make it readable; until then no virtual key works.") from error
    except (msgspec.MsgspecError, ValueError) as error:
        remedy = "Restore it from a backup, or use the version of Breakeven that wrote it; until then no virtual key works."
        raise DataError(f"{path} is damaged: {error}", remedy) from error
    return tuple(keys)


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

    Raises UsageError where a key of that name is in force, or where the key could never do what is asked of it.
    """
    _check_no_secret(name)
    _check_text("a key's name", name)
    secret = _secret()
    said = {
        **limits,
        **_secret_fields(secret),
        "name": name,
        "created_at": instant(now),
        "expires_at": None if lifetime is None else _end(now, lifetime),
    }
    try:
        key = msgspec.convert(said, VirtualKey)
    except msgspec.ValidationError as error:
        raise UsageError(f"a key cannot be made like this: {error}", "See: breakeven keys create --help") from error
    _check(key)
    with _changing(ledger) as keys:
        if any(each.name == name and each.state(instant(now)) == "active" for each in keys):
            raise UsageError(f"a key named {name!r} is in force", "Choose another name, or rotate or revoke that key.")
        keys.append(key)
    return key, secret


def rotate_key(
    ledger: Path, identity: str, now: datetime, grace: timedelta, lifetime: timedelta | None = None
) -> tuple[VirtualKey, str]:
    """A new secret for a key; the old one works for `grace` longer. The new one ends when the old one would have, unless told.

    Raises UsageError where no such key is in force, or where it has been rotated already.
    """
    secret = _secret()
    until = _end(now, grace) if grace else instant(now)
    with _changing(ledger) as keys:
        old = _in_force(keys, identity, now)[-1]
        if any(key.rotated_from == old.id for key in keys):
            raise UsageError(f"the key {identity} has been rotated already", f"Rotate the newest by its name: {old.name}.")
        ends = old.expires_at if lifetime is None else _end(now, lifetime)
        made = {"created_at": instant(now), "expires_at": ends, "rotated_from": old.id}
        key = msgspec.structs.replace(old, **_secret_fields(secret), **made)
        keys[keys.index(old)] = msgspec.structs.replace(old, expires_at=min(until, old.expires_at or until))
        keys.append(key)
    return key, secret


def revoke_key(ledger: Path, identity: str, now: datetime) -> tuple[VirtualKey, ...]:
    """End a key now: the one of this id, or all of this name, with those that a rotation left working for a while."""
    ended: list[VirtualKey] = []
    with _changing(ledger) as keys:
        for old in _in_force(keys, identity, now):
            ended.append(msgspec.structs.replace(old, revoked_at=instant(now)))
            keys[keys.index(old)] = ended[-1]
    return tuple(ended)


def _secret() -> str:
    return PREFIX.decode() + secrets.token_urlsafe(_BYTES)


def _secret_fields(secret: str) -> dict[str, str]:
    return {"id": secrets.token_hex(4), "shown": f"{secret[:_SHOWN]}...", "digest": digest_of(secret.encode())}


def _end(now: datetime, lifetime: timedelta) -> str:
    if lifetime <= timedelta(0):
        raise UsageError("a key cannot end before it begins", "Give it a time to live, such as 30d.")
    try:
        return instant(now + lifetime)
    except OverflowError as error:
        raise UsageError("a key cannot live that long", "Leave the duration out: it then works until it is revoked.") from error


def _in_force(keys: list[VirtualKey], identity: str, now: datetime) -> list[VirtualKey]:
    """The keys in force of this id, or else of this name, the newest last. Raises UsageError where there is none."""
    _check_no_secret(identity)
    active = [key for key in keys if key.state(instant(now)) == "active"]
    found = [key for key in active if key.id == identity] or [key for key in active if key.name == identity]
    if not found:
        raise UsageError(f"no key in force has the id or name {identity!r}", "See: breakeven keys list")
    return found


def _check(key: VirtualKey) -> None:
    """Whether calls can be made with the key at all. Raises UsageError."""
    valued = (*key.locked, *key.defaults)
    named = [*(name for name, _ in valued), *key.required]
    unknown = next((name for name in named if name not in DIMENSIONS), None)
    if unknown is not None:
        raise UsageError(f"there is no dimension {unknown!r}", f"Dimensions: {', '.join(DIMENSIONS)}.")
    for name, value in valued:
        _check_text(name, value)
    _check_texts("a model", key.models)
    _check_texts("a feature", key.features)
    feature = dict(key.locked).get("feature")
    if feature is not None and not key.allows_feature(feature):
        raise UsageError(
            f"the key's own feature {feature!r} is none that it may be used for", f"Add it: --allow-feature {feature}."
        )


def _check_no_secret(name: str) -> None:
    """A key itself, pasted in the place of its name, must end neither in the file nor in a message."""
    if name.startswith(PREFIX.decode()):
        raise UsageError("this is a key, not a key's name", "`breakeven keys list` shows how each key begins, its id and its name.")


def _check_texts(what: str, values: Iterable[str]) -> None:
    for value in values:
        _check_text(what, value)


def _check_text(what: str, value: str) -> None:
    if clean(value) != value:
        remedy = "Write 1 to 256 characters that can be seen, without space around them."
        raise UsageError(f"{what} cannot be {value[:40]!r}", remedy)
