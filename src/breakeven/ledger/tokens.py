"""Tokens by which people show who they are: `access.json` in the ledger's directory, as hashes. A token is shown once."""

from __future__ import annotations

import fcntl
import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from breakeven.errors import DataError, UsageError
from breakeven.ledger.layout import write_durably

PREFIX = "bet-"
FILE = "access.json"


class Token(msgspec.Struct, frozen=True):
    """One token: whose it is, what is stored of it, from when until when it works (UTC, ISO 8601)."""

    id: str
    person: str
    digest: str
    created_at: str
    expires_at: str | None = None
    revoked_at: str | None = None

    def holds(self, now: datetime) -> bool:
        """Whether it works at an instant, naive UTC."""
        ends = [each for each in (self.expires_at, self.revoked_at) if each is not None]
        return not ends or now.isoformat() < min(ends)


def load_tokens(ledger: Path) -> tuple[Token, ...]:
    """All tokens. Raises DataError where the file is damaged: nobody is let in by accident."""
    try:
        return tuple(msgspec.json.decode((ledger / FILE).read_bytes(), type=list[Token]))
    except FileNotFoundError:
        return ()
    except (OSError, msgspec.MsgspecError) as error:
        raise DataError(
            f"{ledger / FILE} cannot be read: {error}", "Restore it from a backup; until then no token works."
        ) from error


def person_of(tokens: tuple[Token, ...], secret: str, now: datetime) -> str | None:
    """Whose token this is; None where it is none that works now."""
    digest = hashlib.sha256(secret.encode()).hexdigest()
    return next((each.person for each in tokens if each.digest == digest and each.holds(now)), None)


def create_token(ledger: Path, person: str, now: datetime, days: int | None = None) -> tuple[Token, str]:
    """A new token and its secret, which is told here and never again."""
    secret = PREFIX + secrets.token_urlsafe(24)
    ends = None if days is None else (now + timedelta(days=days)).isoformat()
    token = Token(secrets.token_hex(4), person, hashlib.sha256(secret.encode()).hexdigest(), now.isoformat(), ends)
    with _changing(ledger) as tokens:
        tokens.append(token)
    return token, secret


def revoke_token(ledger: Path, identity: str, now: datetime) -> Token:
    """End a token now. Raises UsageError where no token with this id works."""
    with _changing(ledger) as tokens:
        for at, token in enumerate(tokens):
            if token.id == identity and token.holds(now):
                tokens[at] = msgspec.structs.replace(token, revoked_at=now.isoformat())
                return tokens[at]
    raise UsageError(f"no token in force has the id {identity!r}", "See: breakeven access list")


@contextmanager
def _changing(ledger: Path) -> Iterator[list[Token]]:
    with (ledger / "access.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        tokens = list(load_tokens(ledger))
        yield tokens
        write_durably(ledger / FILE, msgspec.json.format(msgspec.json.encode(tokens), indent=1))
