"""Where callers put credentials, and which of them are virtual keys: those are ours and never go on to a vendor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

PREFIX = b"bek-"
"""How every virtual key begins."""

CREDENTIALS = frozenset({b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key", b"x-amz-security-token"})
"""Headers in which vendors take a credential."""

_CARRIERS = (b"breakeven-key", b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key")
_BEARER = b"bearer "


def secret_in(value: bytes) -> bytes:
    """The credential in a header's value, with or without `Bearer`."""
    return value[len(_BEARER) :].strip() if value[: len(_BEARER)].lower() == _BEARER else value.strip()


def virtual_key_in(headers: Mapping[bytes, bytes]) -> bytes | None:
    """The virtual key among headers by lower-cased name: what stands in `breakeven-key`, or begins like one."""
    for name in _CARRIERS:
        value = headers.get(name)
        if value is not None and (name == b"breakeven-key" or secret_in(value).startswith(PREFIX)):
            return secret_in(value)
    return None


_OTHER_TOOLS = frozenset(
    {b"helicone-auth", b"x-portkey-api-key", b"x-portkey-virtual-key", b"cf-aig-authorization", b"x-litellm-api-key"}
)
"""Secrets of tools that an application used before: no vendor should see them."""


def without_virtual_keys(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers without those that carry a virtual key or another tool's secret."""
    return [pair for pair in headers if not _is_secret_of_ours(*pair)]


def _is_secret_of_ours(name: bytes, value: bytes) -> bool:
    lowered = name.lower()
    return lowered in _OTHER_TOOLS or (lowered in CREDENTIALS and secret_in(value).startswith(PREFIX))
