"""Who the calls of this code are for: kept in a context variable, so that threads and tasks do not mix them up."""

from __future__ import annotations

import contextvars
import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

DIMENSIONS = ("feature", "team", "customer", "user", "workflow", "trace", "environment")
MOST_TAGS = 64
_SAFE = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/@+ ")
_current: contextvars.ContextVar[dict[str, Any] | None] = contextvars.ContextVar("breakeven_attribution", default=None)
Function = TypeVar("Function", bound=Callable[..., Any])


@contextmanager
def tag(*, tags: Mapping[str, object] | None = None, **dimensions: str | None) -> Iterator[None]:
    """Attribute every call made inside to these dimensions; what an outer `tag` said stays unless it is said anew.

    Dimensions: feature, team, customer, user, workflow, trace, environment; `tags` are free. None takes a dimension away.
    Raises TypeError for a dimension that does not exist.
    """
    unknown = [name for name in dimensions if name not in DIMENSIONS]
    if unknown:
        raise TypeError(f"tag() has no dimension {unknown[0]!r}; there are {', '.join(DIMENSIONS)}, and tags for the rest")
    before = _current.get() or {}
    inside = {**before, **{name: None if value is None else str(value) for name, value in dimensions.items()}}
    if tags:
        inside["tags"] = {**before.get("tags", {}), **{str(name): str(value) for name, value in tags.items()}}
    token = _current.set({name: value for name, value in inside.items() if value is not None})
    try:
        yield
    finally:
        _current.reset(token)


def tagged(*, tags: Mapping[str, object] | None = None, **dimensions: str | None) -> Callable[[Function], Function]:
    """A decorator: calls made inside the function, asynchronous or not, are attributed as `tag` would."""

    def decorate(function: Function) -> Function:
        import inspect  # noqa: PLC0415 - importing the SDK stays quick

        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def asynchronous(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever the function takes
                with tag(tags=tags, **dimensions):
                    return await function(*arguments, **named)

            return asynchronous  # type: ignore[return-value] # the same signature

        @functools.wraps(function)
        def plain(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever the function takes
            with tag(tags=tags, **dimensions):
                return function(*arguments, **named)

        return plain  # type: ignore[return-value] # the same signature

    return decorate


def attribution() -> dict[str, Any]:
    """What holds here and now: dimensions, and `tags` as a mapping."""
    current = _current.get() or {}
    return {**current, "tags": dict(current["tags"])} if "tags" in current else dict(current)


def carried(function: Function) -> Function:
    """The function with the attribution of now, for a thread or an executor: threads do not inherit it by themselves."""
    context = contextvars.copy_context()

    @functools.wraps(function)
    def inside(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever the function takes
        return context.copy().run(function, *arguments, **named)

    return inside  # type: ignore[return-value] # the same signature


def headers() -> dict[str, str]:
    """The attribution of now as HTTP headers, for any client; percent-encoded, so that no value can start another header."""
    current = _current.get()
    if not current:
        return {}
    found = {f"breakeven-{name}": _encoded(current[name]) for name in DIMENSIONS if name in current}
    tags: Mapping[str, str] = current.get("tags", {})
    if tags:
        pairs = [f"{_encoded(name)}={_encoded(value)}" for name, value in list(tags.items())[:MOST_TAGS]]
        found["breakeven-tags"] = ",".join(pairs)
    return found


def _encoded(value: str) -> str:
    """The value in plain ASCII: what is not harmless becomes %XX. It is sent whole: two long names must not become one."""
    content = value.strip().encode("utf-8", "replace")
    return "".join(chr(byte) if byte in _SAFE else f"%{byte:02X}" for byte in content)
