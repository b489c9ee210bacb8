"""Who decided what: one record for each change of a limit, key, price, policy, route, owner or handler. Pure.

Records form a chain: each carries the SHA-256 of the one before, so that none can be changed or taken out unseen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from breakeven.errors import Problem

GENESIS = "0" * 64


class Decision(msgspec.Struct, frozen=True, omit_defaults=True):
    """One decision. `at` is UTC; `before` and `after` are what was and what is in force; `origin` says from where it was made."""

    at: str
    actor: str
    role: str
    action: str
    subject: str
    before: str | None = None
    after: str | None = None
    why: str | None = None
    origin: str = ""
    allowed: bool = True
    previous: str = GENESIS


def line_of(decision: Decision) -> bytes:
    """The record as one line of the log."""
    return msgspec.json.encode(decision) + b"\n"


def digest_of(line: bytes) -> str:
    """What the next record carries of this one."""
    return hashlib.sha256(line.rstrip(b"\n")).hexdigest()


def chained(lines: Iterable[bytes]) -> Iterator[tuple[int, Decision | None, Problem | None]]:
    """Each line by its number, as a record or as what is wrong with it."""
    previous = GENESIS
    for number, line in enumerate(lines, start=1):
        where = f"decisions.ndjson:{number}"
        try:
            decision = msgspec.json.decode(line, type=Decision)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            yield number, None, Problem(where, "this is no decision", "Restore the file from a backup.")
            previous = digest_of(line)
            continue
        problem = None
        if decision.previous != previous:
            problem = Problem(
                where, "the chain is broken: a decision before it was changed or taken out", "Restore the file from a backup."
            )
        previous = digest_of(line)
        yield number, decision, problem


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, str | None, str | None]]:
    """What differs between two states of what is governed: subject, text before, text after."""
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield name, _text(before.get(name)), _text(after.get(name))


def _text(value: Any) -> str | None:  # noqa: ANN401 - a plain value
    return None if value is None else value if isinstance(value, str) else msgspec.json.encode(value, order="sorted").decode()
