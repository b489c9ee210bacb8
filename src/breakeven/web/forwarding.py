"""What the gateway keeps itself, for those who send it to the web port: value events, health, metrics."""

from __future__ import annotations

import httpx
from litestar import Response, get, post

from breakeven.errors import Unreachable
from breakeven.gateway.rundir import RunDirectory
from breakeven.web.dependencies import AtDesk
from breakeven.web.desk import Desk
from breakeven.web.visitors import Asking

_SECONDS = 10.0
_PASSED = frozenset({"authorization", "x-api-key", "content-type", "content-encoding"})


@post("/api/v1/outcomes", opt={"open": True}, include_in_schema=True)
async def outcomes(request: Asking, desk: AtDesk) -> Response[bytes]:
    """Take a batch of outcomes: `{"outcomes": [{"unit", "at", ...}]}`. The answer comes when they are on the disk."""
    return await _forward(request, desk, "/api/v1/outcomes")


@get(["/health/live", "/health/ready", "/metrics"], opt={"open": True}, include_in_schema=False)
async def condition(request: Asking, desk: AtDesk) -> Response[bytes]:
    """The gateway's own word on how it is."""
    return await _forward(request, desk, request.url.path)


async def _forward(request: Asking, desk: Desk, path: str) -> Response[bytes]:
    """The gateway decides who may send. What a reverse proxy says of its visitor is not passed on: it would look trusted."""
    serving = RunDirectory(desk.ledger).serving()
    if serving is None:
        raise Unreachable("the gateway does not run", "Start it: breakeven serve")
    headers = {name: value for name, value in request.headers.items() if name in _PASSED}
    async with httpx.AsyncClient(timeout=_SECONDS, trust_env=False) as client:
        try:
            answer = await client.request(request.method, serving.gateway + path, headers=headers, content=await request.body())
        except httpx.HTTPError as error:
            raise Unreachable("the gateway does not answer", "Try again; see the output of `breakeven serve`.") from error
    return Response(answer.content, status_code=answer.status_code, media_type=answer.headers.get("content-type", "text/plain"))


FORWARDED = (outcomes, condition)
