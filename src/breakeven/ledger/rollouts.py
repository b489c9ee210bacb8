"""How rollouts stand: `rollouts.json` in the ledger's directory, written by the bookkeeper, read by gateways and reports."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from breakeven.alignment.rollout import State
from breakeven.errors import DataError
from breakeven.ledger.layout import Layout, write_durably

FILE = "rollouts.json"


class Standing(msgspec.Struct, frozen=True):
    """One rollout: its state, up to which check it was counted (recorded at, id), and since when it runs.

    `certificate` is the one it runs under. `untested`: prompts of its class that were not tested, as far as that was noted.
    """

    state: State
    since: str
    seen_at: str | None = None
    seen_id: str | None = None
    certificate: str | None = None
    untested: tuple[str, ...] = ()


def read(layout: Layout) -> dict[str, Standing]:
    """Every rollout that was ever counted, by its id. Raises DataError where the file is damaged."""
    path = layout.root / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Standing])
    except FileNotFoundError:
        return {}
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path} is damaged: {error}",
            "Move it away: its rollouts are counted anew from their checks, and end again where they had ended.",
        ) from error


def write(layout: Layout, standings: Mapping[str, Standing]) -> None:
    """All of the new file or all of the old one."""
    write_durably(layout.root / FILE, msgspec.json.format(msgspec.json.encode(dict(standings), order="sorted"), indent=1) + b"\n")
