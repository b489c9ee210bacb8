"""The dashboard's files, from the package; every page of it is the same file, because its address is its state."""

from __future__ import annotations

import asyncio
import mimetypes
from pathlib import Path

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

STATIC = Path(__file__).parent / "static"
_FOR_EVER = "public, max-age=31536000, immutable"
_MISSING = (
    "<!doctype html><meta charset=utf-8><title>Breakeven</title><p>The dashboard was not built into this installation. "
    "Build it with <code>make web</code>; the API is at <a href=/api/v1/openapi.json>/api/v1/openapi.json</a>."
)


@get("/assets/{name:str}", opt={"open": True}, include_in_schema=False)
async def asset(name: FromPath[str]) -> Response[bytes]:
    """A script or style; its name holds a hash of its content, so that it never changes."""
    path = STATIC / "assets" / name
    if path.parent != STATIC / "assets" or not path.is_file():
        raise NotFoundException(f"There is no file {name!r}.")
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    content = await asyncio.to_thread(path.read_bytes)
    return Response(content, media_type=kind, headers={"cache-control": _FOR_EVER})


@get(["/", "/{screen:str}", "/{screen:str}/{item:str}"], opt={"open": True}, include_in_schema=False)
async def page(screen: FromPath[str] = "", item: FromPath[str] = "") -> Response[str]:
    """The dashboard; the address after the host is read by the page itself."""
    del item
    if screen in ("api", "v1", "health"):
        raise NotFoundException("There is nothing here; see /api/v1/openapi.json.")
    index = STATIC / "index.html"
    text = await asyncio.to_thread(index.read_text, "utf-8") if index.is_file() else _MISSING
    return Response(text, media_type="text/html", headers={"cache-control": "no-cache"})


PAGES = (asset, page)
