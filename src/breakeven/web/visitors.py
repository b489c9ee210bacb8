"""Who asks: a person by token, session or trusted reverse proxy, or whoever sits at this machine where no roles are declared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException

from breakeven.governance.access import Access, Person
from breakeven.ledger.tokens import PREFIX, load_tokens, person_of
from breakeven.web.desk import Desk
from breakeven.web.sessions import Session, Sessions

COOKIE = "breakeven_session"
GUARD = "x-breakeven-guard"
LINK = "link:"
"""Before the name of whoever made a link: whoever follows it may look and nothing else."""
Connection = ASGIConnection[Any, Any, Any, Any]
Asking = Request[Any, Any, Any]
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Visitor:
    """The person who asks, and the session that says so."""

    person: Person
    session: Session | None = None


@dataclass(frozen=True, slots=True)
class Door:
    """Decides who comes in, and keeps other pages' requests out."""

    desk: Desk
    sessions: Sessions
    host: str
    clock: Callable[[], datetime]

    def visitor(self, connection: Connection) -> Visitor | None:
        """Who asks; None where it cannot be told although it must be."""
        access = self.desk.settings().access
        shown = connection.headers.get("authorization", "").removeprefix("Bearer ").strip()
        if shown.startswith(PREFIX):
            person = self.person_of(shown)
            return None if person is None else Visitor(person)
        session = self.sessions.find(connection.cookies.get(COOKIE))
        if session is not None:
            return Visitor(session.person, session)
        by_proxy = _by_proxy(access, connection)
        if by_proxy is not None:
            return Visitor(by_proxy)
        return None if access.declared else Visitor(access.person("local"))

    def person_of(self, secret: str) -> Person | None:
        """Whose token this is."""
        name = person_of(load_tokens(self.desk.ledger), secret, self.clock())
        if name is None:
            return None
        return Person(name, "viewer") if name.startswith(LINK) else self.desk.settings().access.person(name)

    def admit(self, connection: Connection) -> None:
        """Let a request in, or raise: a foreign host name, a change without the guard, nobody where somebody must be."""
        self.known_host(connection)
        visitor = self.visitor(connection)
        if visitor is None:
            raise NotAuthorizedException("Sign in first: a token of `breakeven access create`, as bearer or on the sign-in page.")
        if connection.scope.get("method") not in _SAFE:
            self.guarded(connection, visitor)

    def known_host(self, connection: Connection) -> None:
        """Raise where a browser asks under a name that is not ours: another site's page may have pointed its name at us."""
        asked = urlsplit(f"//{connection.headers.get('host', '')}").hostname or ""
        allowed = {*_LOCAL_NAMES, self.host, *self.desk.settings().web.allowed_hosts}
        if asked.lower() not in allowed and not _is_address(asked):
            raise PermissionDeniedException(
                f"This service is not {asked!r}: add the name to `web: {{allowed_hosts: [...]}}` in breakeven.yaml."
            )

    def guarded(self, connection: Connection, visitor: Visitor) -> None:
        """Raise where a change may come from another site's page: it cannot set our header, and it says where it comes from."""
        origin = connection.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != connection.headers.get("host"):
            raise PermissionDeniedException("Changes are taken from this service's own pages only.")
        if visitor.session is not None and connection.headers.get(GUARD) != visitor.session.guard:
            raise PermissionDeniedException(f"A change needs the header {GUARD} of the session; reload the page.")
        if visitor.session is None and "authorization" not in connection.headers and GUARD not in connection.headers:
            raise PermissionDeniedException(f"A change needs the header {GUARD}, or a token as bearer.")


def _by_proxy(access: Access, connection: Connection) -> Person | None:
    if access.user_header is None or connection.client is None:
        return None
    return access.by_proxy(connection.client.host, connection.headers.get(access.user_header))


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
