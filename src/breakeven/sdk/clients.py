"""Attribution on the calls of the official OpenAI and Anthropic clients, by a hook that their HTTP library documents."""

from __future__ import annotations

import sys
from typing import Any, TypeVar

from breakeven.sdk.attribution import headers

Client = TypeVar("Client")


def add_headers(request: Any) -> None:  # noqa: ANN401 - a request of httpx, whose version is the application's choice
    """A request hook for `httpx.Client(event_hooks={"request": [add_headers]})`. What a request says itself is left as it is."""
    for name, value in headers().items():
        if name not in request.headers:
            request.headers[name] = value


async def add_headers_async(request: Any) -> None:  # noqa: ANN401 - as above
    """The same for `httpx.AsyncClient`."""
    add_headers(request)


def attach(client: Client) -> Client:
    """A copy of an OpenAI or Anthropic client whose calls carry the attribution of where they are made.

    Everything that the client was configured with is kept but for an HTTP client of your own: give that one the hook
    `add_headers` yourself. Raises TypeError for anything else.
    """
    package: Any = sys.modules.get(type(client).__module__.split(".", maxsplit=1)[0])
    asynchronous = type(client).__name__.startswith("Async")
    factory = getattr(package, "DefaultAsyncHttpxClient" if asynchronous else "DefaultHttpxClient", None)
    copy = getattr(client, "copy", None)
    if factory is None or copy is None:
        raise TypeError(
            "attach() takes an OpenAI or Anthropic client; for other clients send the headers of breakeven.sdk.headers()"
        )
    hook = add_headers_async if asynchronous else add_headers
    copied: Client = copy(http_client=factory(event_hooks={"request": [hook]}))
    return copied
