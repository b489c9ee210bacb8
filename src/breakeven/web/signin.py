"""Signing in and out, who one is, and links for viewers that end by themselves."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response, delete, get, post
from litestar.datastructures import Cookie
from litestar.exceptions import NotAuthorizedException
from litestar.params import JSONBody

from breakeven.governance.access import ACTIONS, Person, refusal
from breakeven.ledger.tokens import create_token
from breakeven.web.acting import acting
from breakeven.web.dependencies import AtDesk, AtDoor, Who
from breakeven.web.visitors import COOKIE, LINK, Asking, Door, Visitor

_HOUR = 3600
_LONGEST_LINK_DAYS = 90


class Credentials(msgspec.Struct, frozen=True):
    """A token of `breakeven access create`, or that of a link."""

    token: str


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks and what they may do. `guard` goes with every change in the header `x-breakeven-guard`."""

    name: str | None
    role: str | None
    features: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    guard: str = ""
    sign_in_needed: bool = False
    locale: str = "en"


class LinkAsked(msgspec.Struct, frozen=True):
    """For how many days a viewer's link shall work."""

    days: Annotated[int, msgspec.Meta(ge=1, le=_LONGEST_LINK_DAYS)] = 7


class Link(msgspec.Struct, frozen=True):
    """A link's token, told once, and the day on which it ends. Append it to any page of the dashboard as `#link=TOKEN`."""

    token: str
    expires_at: str


@post("/session", status_code=200, sync_to_thread=True, opt={"open": True})
def sign_in(request: Asking, data: JSONBody[Credentials], door: AtDoor) -> Response[Me]:
    """Sign in with a token; the answer sets the session's cookie and tells its guard."""
    door.known_host(request)
    person = door.person_of(data.token)
    if person is None:
        raise NotAuthorizedException("This token does not exist, has expired or was revoked.")
    door.sessions.end(request.cookies.get(COOKIE))
    web = door.desk.settings().web
    session = door.sessions.begin(person, web.session_hours * _HOUR)
    cookie = Cookie(
        key=COOKIE,
        value=session.id,
        max_age=web.session_hours * _HOUR,
        httponly=True,
        samesite="strict",
        secure=web.secure_cookies or request.url.scheme == "https",
        path="/",
    )
    return Response(_me(door, Visitor(person, session)), cookies=[cookie])


@delete("/session", status_code=204, sync_to_thread=False)
def sign_out(request: Asking, door: AtDoor) -> Response[None]:
    """Sign out."""
    door.sessions.end(request.cookies.get(COOKIE))
    return Response(None, status_code=204, cookies=[Cookie(key=COOKIE, value="", max_age=0, path="/")])


@get("/session", sync_to_thread=True, opt={"open": True})
def who(request: Asking, door: AtDoor) -> Me:
    """Who asks, and what they may do."""
    door.known_host(request)
    return _me(door, door.visitor(request))


@post("/links", sync_to_thread=True)
def make_link(
    data: JSONBody[LinkAsked],
    desk: AtDesk,
    visitor: Who,
) -> Link:
    """A link with which somebody may look, and nothing else, until it ends."""
    with acting(desk, visitor.person, "share links", f"link for {data.days} days") as act:
        token, secret = create_token(desk.ledger, f"{LINK}{visitor.person.name}", desk.clock(), data.days)
        act.done, act.after = True, token.expires_at
    return Link(secret, token.expires_at or "")


def _me(door: Door, visitor: Visitor | None) -> Me:
    settings = door.desk.settings()
    if visitor is None:
        return Me(name=None, role=None, sign_in_needed=True, locale=settings.web.locale)
    person = visitor.person
    return Me(
        name=person.name,
        role=person.role,
        features=person.features,
        may=tuple(action for action in ACTIONS if _may(door, person, action)),
        guard="local" if visitor.session is None else visitor.session.guard,
        locale=settings.web.locale,
    )


def _may(door: Door, person: Person, action: str) -> bool:
    features = person.features or (None,)
    return any(refusal(door.desk.settings().access, person, action, feature) is None for feature in features)
