"""Request paths: which may be forwarded at all, and what they become below a provider's base address.

A path goes to the vendor byte for byte, so that what it means must be the same to every server on the way: one that is read
differently by any of them (dots, doubled or turned slashes, encoded ones of either, control characters) is refused, not repaired.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote_to_bytes

_ORIGIN_FORM = re.compile(rb"/[!-~]*\Z")
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_VIRTUAL_KEY_IN_QUERY = re.compile(rb"[?&][^&=]*=bek-")
_UPWARDS = frozenset({b".", b".."})
_MOST_DECODINGS = 3
_MODEL = re.compile(r"/(?:models|deployments)/(?P<model>[^/:?]+)")
_BEDROCK_MODEL = re.compile(r"/model/(?P<model>[^/?]+)")


def fault_of(target: bytes) -> str:
    """Why a request target cannot be forwarded; empty where it can.

    Only the origin form is accepted: one slash, printable ASCII, no fragment, no address of another host.
    """
    if not _ORIGIN_FORM.match(target) or b"#" in target or b"\\" in target:
        return "The request target must be a plain path that begins with a slash."
    if _VIRTUAL_KEY_IN_QUERY.search(target):
        return "A virtual key must not stand in the address; send it in a header."
    path = target.split(b"?", maxsplit=1)[0]
    if b"//" in path:
        return "The request target has an empty part between two slashes."
    if b"%" not in path:
        return _climbs(path)
    return _encoded_fault(path)


def _climbs(path: bytes) -> str:
    parts = path.replace(b"\\", b"/").split(b"/")
    upwards = any(part.split(b";", maxsplit=1)[0] in _UPWARDS for part in parts)
    return "The request target must not lead upwards." if upwards else ""


def _encoded_fault(path: bytes) -> str:
    """The same of an escaped path, and of what each further decoding makes of it: a server may decode once more than we expect."""
    if _BROKEN_ESCAPE.search(path):
        return "The request target has a percent sign without two hexadecimal digits."
    for _ in range(_MOST_DECODINGS):
        decoded = unquote_to_bytes(path)
        if decoded == path:
            return ""
        if _CONTROL.search(decoded):
            return "The request target has an encoded control character."
        try:
            decoded.decode("utf-8")
        except UnicodeDecodeError:
            return "The request target is not UTF-8."
        fault = _climbs(decoded)
        if fault:
            return fault
        path = decoded
    return "The request target is encoded too often."


def below(base: str, path: str, *, versioned: bool) -> str:
    """The path (with its query) at the vendor: always `base` itself or something below it.

    Where the path repeats the last parts of the base (`/v1` and `/v1/messages`) they stand once. `versioned`: the gateway's `/v1`
    stands for the base, whatever that is called at the vendor (`/v1beta/openai`, `/api/paas/v4`), as in the vendors' own clients.
    """
    bare, mark, query = path.partition("?")
    rest = bare[1:].split("/")
    held = base[1:].split("/") if base else []
    for count in range(min(len(held), len(rest)), 0, -1):
        if held[-count:] == rest[:count]:
            return "/".join((base, *rest[count:])) + mark + query
    if versioned and base and rest[0] == "v1":
        return "/".join((base, *rest[1:])) + mark + query
    return base + path


def member(path: bytes, name: str) -> bytes:
    """One member of the collection at `path`, whose query it keeps: of `/v1/responses?v=1` `r` is `/v1/responses/r?v=1`."""
    bare, mark, query = path.partition(b"?")
    return b"%b/%b%b%b" % (bare, quote(name, safe="").encode("ascii"), mark, query)


def model_in(path: str, *, bedrock: bool) -> str:
    """The model or deployment that a path names, as it stands there; empty where it names none."""
    found = (_BEDROCK_MODEL if bedrock else _MODEL).search(path)
    return found["model"] if found else ""


def with_model(path: str, model: str, *, bedrock: bool) -> str:
    """The path with another model in the place of the one that it names."""
    found = (_BEDROCK_MODEL if bedrock else _MODEL).search(path)
    return path if found is None else path[: found.start("model")] + quote(model, safe="") + path[found.end("model") :]
