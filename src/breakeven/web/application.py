"""The web application: the API under /api/v1, what the gateway keeps, and the dashboard."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from litestar import Litestar, Router, get
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.types import Message, Scope

from breakeven import __version__
from breakeven.errors import BreakevenError
from breakeven.web import faults, signin
from breakeven.web.analyses import ANALYSES
from breakeven.web.asked import asked
from breakeven.web.audits import AUDITS
from breakeven.web.bookkeeping import BOOKKEEPING
from breakeven.web.changes import CHANGES
from breakeven.web.description import description
from breakeven.web.desk import Desk
from breakeven.web.forwarding import FORWARDED
from breakeven.web.monitoring import MONITORING
from breakeven.web.packs import pack
from breakeven.web.pages import PAGES
from breakeven.web.readings import READINGS
from breakeven.web.received import Receiver
from breakeven.web.receiving import RECEIVING
from breakeven.web.replays import REPLAYS
from breakeven.web.scenarios import SCENARIOS
from breakeven.web.sessions import Sessions
from breakeven.web.visitors import Asking, Connection, Door, Visitor

LARGEST_BODY = 32 * 1024 * 1024
_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)
_HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
)


def application(desk: Desk, host: str, monotonic: Callable[[], float] = time.monotonic) -> Litestar:
    """The application over one ledger. `host` is the address that it listens on."""
    door = Door(desk, Sessions(monotonic), host, desk.clock)
    receiver = Receiver(desk.ledger, desk.config, host)

    def guard(connection: Connection, handler: BaseRouteHandler) -> None:
        if not handler.opt.get("open"):
            door.admit(connection)

    def visitor(request: Asking) -> Visitor:
        return door.visitor(request) or Visitor(desk.settings().access.person("local"))

    @asynccontextmanager
    async def _receiving(_: Litestar) -> AsyncIterator[None]:
        ticking = asyncio.create_task(receiver.ticking())
        try:
            yield
        finally:
            ticking.cancel()
            receiver.close()

    api = Router(
        "/api/v1",
        route_handlers=[
            *READINGS,
            *MONITORING,
            *ANALYSES,
            *AUDITS,
            *REPLAYS,
            pack,
            *SCENARIOS,
            *CHANGES,
            *BOOKKEEPING,
            signin.sign_in,
            signin.sign_out,
            signin.who,
            signin.make_link,
            openapi,
        ],
        dependencies={
            "asked": Provide(asked, sync_to_thread=False),
            "visitor": Provide(visitor, sync_to_thread=True),
        },
        response_headers={"cache-control": "no-store"},
    )
    return Litestar(
        route_handlers=[api, *FORWARDED, *RECEIVING, *PAGES],
        guards=[guard],
        dependencies={
            "desk": Provide(lambda: desk, sync_to_thread=False),
            "door": Provide(lambda: door, sync_to_thread=False),
            "receiver": Provide(lambda: receiver, sync_to_thread=False),
        },
        exception_handlers={
            BreakevenError: faults.of_ours,
            HTTPException: faults.of_request,
            Exception: faults.of_nobody,
        },
        before_send=[_with_headers],
        lifespan=[_receiving],
        openapi_config=OpenAPIConfig(
            title="Breakeven",
            version=__version__,
            # One plain file, and no pages that load scripts from elsewhere; the public one is `openapi` below.
            render_plugins=[JsonRenderPlugin()],
            openapi_router=Router("/api", route_handlers=[], include_in_schema=False),
            use_handler_docstrings=True,
        ),
        request_max_body_size=LARGEST_BODY,
        debug=False,
        logging_config=None,
    )


async def _with_headers(message: Message, _: Scope) -> None:
    """What every answer says about itself, faults included."""
    if message["type"] == "http.response.start":
        message["headers"] = [*message["headers"], *_HEADERS]


@get("/openapi.json", include_in_schema=False, opt={"open": True}, sync_to_thread=False)
def openapi(request: Asking) -> dict[str, object]:
    """This API in OpenAPI's words, from which the dashboard's types are made."""
    return description(request.app)
