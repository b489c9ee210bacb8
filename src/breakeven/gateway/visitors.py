"""Who visits the gateway's own paths: by a token of `breakeven access`, or because a trusted reverse proxy says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from breakeven.governance.access import Access, Person
from breakeven.ledger.tokens import PREFIX, Token, person_of


@dataclass(frozen=True, slots=True)
class Visitors:
    """The people and tokens of one configuration."""

    access: Access = field(default_factory=Access)
    tokens: tuple[Token, ...] = ()

    def person(self, peer: str, headers: Mapping[bytes, bytes]) -> Person | None:
        """Who sends a request from this address; None where neither a token of ours nor a trusted proxy says it."""
        shown = headers.get(b"authorization", b"").removeprefix(b"Bearer ").strip().decode("ascii", "replace")
        if shown.startswith(PREFIX):
            name = person_of(self.tokens, shown, datetime.now(UTC).replace(tzinfo=None))
            return Person("nobody", "viewer") if name is None else self.access.person(name)
        header = self.access.user_header
        said = headers.get(header.encode()) if header is not None else None
        return self.access.by_proxy(peer, said.decode("utf-8", "replace") if said else None)
