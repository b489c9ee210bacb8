"""Virtual keys: stored as hashes, found in constant time, ended when they should be, and never told twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from breakeven.errors import DataError, UsageError
from breakeven.gateway.attribution import Refusal
from breakeven.gateway.keys import KeyRing, VirtualKey, digest_of
from breakeven.gateway.keystore import create_key, load_keys, revoke_key, rotate_key

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        """The instant that it shows."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def ring(ledger: Path, clock: Clock) -> KeyRing:
    """What a gateway loads."""
    return KeyRing(load_keys(ledger), clock)


def found(keys: KeyRing, secret: str) -> str | None:
    """The name of the key that a secret is, asked twice: remembered or not makes no difference."""
    first, again = keys.find(secret.encode()), keys.find(secret.encode())
    assert first is again
    return first.name if first else None


def test_a_key_is_found_by_its_secret_only(tmp_path: Path, clock: Clock) -> None:
    """The secret finds its key; its hash, its shown part, its id and anything near it find nothing."""
    key, secret = create_key(tmp_path, "app", NOW)
    keys = ring(tmp_path, clock)
    assert found(keys, secret) == "app"
    for other in (key.digest, key.shown, key.id, secret[:-1], secret + "x", secret.upper(), "bek-", "", "ü"):
        assert found(keys, other) is None


def test_secrets_are_stored_nowhere(tmp_path: Path, clock: Clock) -> None:
    """No file, repr or message holds a secret; two keys never share one, and each has 192 random bits."""
    made = [create_key(tmp_path, f"app {number}", NOW) for number in range(20)]
    rotated = rotate_key(tmp_path, "app 0", NOW, HOUR)
    revoke_key(tmp_path, "app 1", NOW)
    keys = ring(tmp_path, clock)
    shown = [key.digest for key, _ in (*made, rotated)] + [repr(key) for key, _ in made] + [repr(keys)]
    written = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert len({secret for _, secret in (*made, rotated)}) == 21
    for _, secret in (*made, rotated):
        assert found(keys, secret) is not None or secret == made[1][1]
        assert len(secret) == len("bek-") + 32
        assert secret.isascii()
        assert not any(secret in text or secret[8:] in text for text in (*shown, *written, repr(keys)))


def test_expiry(tmp_path: Path, clock: Clock) -> None:
    """A key works up to its end and not at it, even where it was used a moment before."""
    _, secret = create_key(tmp_path, "app", NOW, HOUR)
    keys = ring(tmp_path, clock)
    clock.now = NOW + HOUR - timedelta(microseconds=1)
    assert found(keys, secret) == "app"
    clock.now = NOW + HOUR
    assert found(keys, secret) is None


def test_revocation(tmp_path: Path, clock: Clock) -> None:
    """A revoked key is never found again, and its name is free."""
    _, secret = create_key(tmp_path, "app", NOW)
    (ended,) = revoke_key(tmp_path, "app", NOW)
    assert ended.state("2026-10-01T12:00:00Z") == "revoked"
    _, second = create_key(tmp_path, "app", NOW)
    keys = ring(tmp_path, clock)
    assert (found(keys, secret), found(keys, second)) == (None, "app")


def test_rotation_with_grace(tmp_path: Path, clock: Clock) -> None:
    """After a rotation both secrets work until the grace is over, with the same attribution and limits; then the new one alone."""
    limits: dict[str, Any] = {"locked": (("feature", "search"),), "models": ("gpt-4o*",), "required": ("customer",)}
    old, first = create_key(tmp_path, "app", NOW, timedelta(days=30), **limits)
    new, second = rotate_key(tmp_path, "app", NOW + HOUR, HOUR)
    keys = ring(tmp_path, clock)
    clock.now = NOW + HOUR + HOUR / 2
    assert (found(keys, first), found(keys, second)) == ("app", "app")
    clock.now = NOW + 2 * HOUR
    assert (found(keys, first), found(keys, second)) == (None, "app")
    assert (new.rotated_from, new.expires_at) == (old.id, old.expires_at)
    assert (new.locked, new.models, new.required) == (old.locked, old.models, old.required)


def test_rotation_without_grace(tmp_path: Path, clock: Clock) -> None:
    """Without grace the old secret ends at once; a rotation may set another end, and grace never outlives the old key's own end."""
    _, first = create_key(tmp_path, "app", NOW, HOUR)
    new, _ = rotate_key(tmp_path, "app", NOW, timedelta(0), timedelta(days=1))
    assert found(ring(tmp_path, clock), first) is None
    assert new.expires_at == "2026-10-02T12:00:00Z"
    short, secret = create_key(tmp_path, "short", NOW, HOUR)
    rotate_key(tmp_path, short.id, NOW, timedelta(days=9))
    clock.now = NOW + HOUR
    assert found(ring(tmp_path, clock), secret) is None


def test_revoking_by_name_ends_what_a_rotation_left(tmp_path: Path, clock: Clock) -> None:
    """Revoking a name ends the old secret in its grace too; revoking an id ends that one alone."""
    _, first = create_key(tmp_path, "app", NOW)
    new, second = rotate_key(tmp_path, "app", NOW, HOUR)
    revoke_key(tmp_path, new.id, NOW)
    assert (found(ring(tmp_path, clock), first), found(ring(tmp_path, clock), second)) == ("app", None)
    _, other = create_key(tmp_path, "other", NOW)
    _, newer = rotate_key(tmp_path, "other", NOW, HOUR)
    assert len(revoke_key(tmp_path, "other", NOW)) == 2
    assert (found(ring(tmp_path, clock), other), found(ring(tmp_path, clock), newer)) == (None, None)


def test_an_old_key_is_not_rotated_again(tmp_path: Path) -> None:
    """The predecessor of a rotation cannot be rotated a second time, so that one name never grows two lines of keys."""
    old, _ = create_key(tmp_path, "app", NOW)
    rotate_key(tmp_path, "app", NOW, HOUR)
    with pytest.raises(UsageError, match="rotated already"):
        rotate_key(tmp_path, old.id, NOW, HOUR)
    rotate_key(tmp_path, "app", NOW, HOUR)
    assert len(load_keys(tmp_path)) == 3


@pytest.mark.parametrize(
    ("headers", "secret_place"),
    [
        ({}, b"authorization"),
        ({b"authorization": b"Bearer sk-vendor"}, b"breakeven-key"),
        ({b"authorization": b"Bearer sk-vendor"}, b"x-api-key"),
        ({}, b"api-key"),
        ({}, b"x-goog-api-key"),
    ],
)
def test_where_a_key_is_shown(headers: dict[bytes, bytes], secret_place: bytes, tmp_path: Path, clock: Clock) -> None:
    """A virtual key is recognised wherever an SDK puts a vendor's, with or without `Bearer`, beside a vendor's own key."""
    _, secret = create_key(tmp_path, "app", NOW)
    keys = ring(tmp_path, clock)
    for value in (secret, f"Bearer {secret}", f"bearer  {secret} "):
        key = keys.identify({**headers, secret_place: value.encode()}, required=True)
        assert isinstance(key, VirtualKey)


def test_who_is_turned_away(tmp_path: Path, clock: Clock) -> None:
    """An unknown key is refused with 401 whether one is required or not, without being repeated; a vendor's key where one is."""
    create_key(tmp_path, "app", NOW)
    keys = ring(tmp_path, clock)
    for required in (True, False):
        refused = keys.identify({b"authorization": b"Bearer bek-nobody-knows"}, required=required)
        assert isinstance(refused, Refusal)
        assert refused.status == 401
        assert "nobody" not in refused.message
    vendors = {b"authorization": b"Bearer sk-vendor"}
    assert isinstance(keys.identify(vendors, required=True), Refusal)
    assert keys.identify(vendors, required=False) is None


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({"locked": (("cost_centre", "x"),)}, "no dimension 'cost_centre'"),
        ({"required": ("nothing",)}, "no dimension 'nothing'"),
        ({"defaults": (("team", "a\nb"),)}, "team cannot be"),
        ({"locked": (("team", ""),)}, "team cannot be"),
        ({"locked": (("team", "x" * 300),)}, "team cannot be"),
        ({"models": (" gpt",)}, "a model cannot be"),
        ({"on_missing": "ignore"}, "cannot be made like this"),
        ({"models": "gpt-4o"}, "cannot be made like this"),
        ({"colour": "red"}, "cannot be made like this"),
        ({"locked": (("feature", "chat"),), "features": ("search",)}, "feature 'chat' is none"),
        ({"lifetime": timedelta(0)}, "cannot end before"),
        ({"lifetime": timedelta(days=999_999_999)}, "cannot live that long"),
    ],
)
def test_a_key_that_could_not_work(limits: dict[str, Any], told: str, tmp_path: Path) -> None:
    """What a key could never do is refused when it is made, and the keys that exist stay as they were."""
    create_key(tmp_path, "good", NOW)
    before = (tmp_path / "keys.json").read_bytes()
    with pytest.raises(UsageError, match=told):
        create_key(tmp_path, "bad", NOW, **limits)
    assert (tmp_path / "keys.json").read_bytes() == before


@pytest.mark.parametrize("name", ["", " app", "a\nb", "x" * 257, "a\x1b[31m"])
def test_a_name_that_cannot_be_shown(name: str, tmp_path: Path) -> None:
    """A key's name is text that a person can read."""
    with pytest.raises(UsageError):
        create_key(tmp_path, name, NOW)


def test_a_name_is_taken_once(tmp_path: Path) -> None:
    """Two keys in force never have one name, except during a rotation's grace."""
    create_key(tmp_path, "app", NOW, HOUR)
    with pytest.raises(UsageError, match="in force"):
        create_key(tmp_path, "app", NOW)
    create_key(tmp_path, "app", NOW + HOUR)


@pytest.mark.parametrize(
    "action",
    [
        lambda ledger, name: create_key(ledger, name, NOW),
        lambda ledger, name: rotate_key(ledger, name, NOW, HOUR),
        lambda ledger, name: revoke_key(ledger, name, NOW),
    ],
    ids=["create", "rotate", "revoke"],
)
def test_a_secret_in_the_place_of_a_name(action: Callable[[Path, str], Any], tmp_path: Path) -> None:
    """Whoever pastes a key where its name belongs is told so, and the key appears neither in the message nor in the file."""
    _, secret = create_key(tmp_path, "app", NOW)
    with pytest.raises(UsageError) as told:
        action(tmp_path, secret)
    assert secret[8:] not in f"{told.value}"
    assert secret not in (tmp_path / "keys.json").read_text()


def _change(**changes: Any) -> Any:
    def change(stored: dict[str, Any]) -> None:
        stored["keys"][0].update(changes)

    return change


@pytest.mark.parametrize(
    "change",
    [
        _change(expires_at="tomorrow"),
        _change(expires_at="2026-10-01"),
        _change(revoked_at=""),
        _change(on_missing="allow"),
        _change(budget="a limit that this version does not know"),
        _change(digest=None),
        lambda stored: stored.update(format=2),
        lambda stored: stored.update(more=1),
    ],
)
def test_a_damaged_file_lets_nobody_in(change: Any, tmp_path: Path) -> None:
    """A file with anything that is not understood, be it a limit of a newer version, opens for nobody and is never overwritten."""
    create_key(tmp_path, "app", NOW)
    path = tmp_path / "keys.json"
    stored = json.loads(path.read_bytes())
    change(stored)
    path.write_text(json.dumps(stored))
    with pytest.raises(DataError, match=r"keys\.json is damaged"):
        load_keys(tmp_path)
    with pytest.raises(DataError):
        create_key(tmp_path, "other", NOW)
    assert json.loads(path.read_bytes()) == stored


@pytest.mark.parametrize("content", [b"", b"{", b"null", b"\xff", b'{"keys":{}}'])
def test_a_torn_file_lets_nobody_in(content: bytes, tmp_path: Path) -> None:
    """A file that is no JSON of keys is told as damaged, with what to do."""
    (tmp_path / "keys.json").write_bytes(content)
    with pytest.raises(DataError, match="damaged") as told:
        load_keys(tmp_path)
    assert "backup" in told.value.remedy


def test_a_folder_in_the_place_of_the_file(tmp_path: Path) -> None:
    """A file that cannot be read is told by its path."""
    (tmp_path / "keys.json").mkdir()
    with pytest.raises(DataError, match="cannot be read"):
        load_keys(tmp_path)


def test_no_file_is_no_keys(tmp_path: Path) -> None:
    """A ledger without keys has none, which is no fault."""
    assert load_keys(tmp_path) == ()


def test_the_file_is_stable(tmp_path: Path) -> None:
    """What is stored is read back as it was: every field of every key."""
    limits: dict[str, Any] = {
        "locked": (("feature", "search"),),
        "defaults": (("team", "web"),),
        "required": ("customer",),
        "on_missing": "quarantine",
        "models": ("gpt-4o*",),
        "features": ("search",),
    }
    key, secret = create_key(tmp_path, "app", NOW, HOUR, **limits)
    (stored,) = load_keys(tmp_path)
    assert msgspec.structs.asdict(stored) == msgspec.structs.asdict(key)
    assert stored.digest == digest_of(secret.encode())
