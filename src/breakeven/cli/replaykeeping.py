"""The answers of an audit, kept as the feature's charter says: redacted, for as long as the call that they answer again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from breakeven.gateway.meter import LARGEST_CAPTURED
from breakeven.ledger.captures import append

if TYPE_CHECKING:
    from breakeven.cli.replaying import Past, Rung
    from breakeven.ledger.layout import Layout
    from breakeven.settings import Settings

_WRITER = "audit"
_ASKED_BEFORE = b"null"


def keeper(layout: Layout, settings: Settings, feature: str, aim: Rung) -> Callable[[Past, bytes], None]:
    """Keeps what a rung answered, beside the call that it answers again; nothing where the charter lets nothing be kept now.

    What cannot be redacted is not kept, and a disk that takes no body loses no evidence.
    """
    charter = settings.features.get(feature)
    policy = None if charter is None else charter.capture

    def keep(past: Past, answer: bytes) -> None:
        if policy is None or len(answer) > LARGEST_CAPTURED:
            return
        with suppress(ValueError, OSError):
            clean, changed = policy.redacted(answer)
            before = past.exchange
            kept = replace(
                before,
                model=aim.model,
                rung=aim.name,
                request=_ASKED_BEFORE,
                response=clean,
                redacted=before.redacted or changed,
                replay=True,
            )
            append(layout, _WRITER, [kept])

    return keep
