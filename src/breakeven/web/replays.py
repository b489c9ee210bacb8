"""Both answers of an audit's replays over HTTP, for those who may read bodies."""

from __future__ import annotations

from litestar import get
from litestar.exceptions import PermissionDeniedException
from litestar.params import FromQuery

from breakeven.governance.access import refusal
from breakeven.reports.sidebyside import SideBySide, side_by_side
from breakeven.web.dependencies import AtDesk, Who


@get("/audit/replays", sync_to_thread=True)
def replays(desk: AtDesk, visitor: Who, feature: FromQuery[str], task_class: FromQuery[str]) -> SideBySide:
    """What did the dear and the cheap rung answer to the same task? Kept bodies only, disagreements first; not for every role.

    Never answered from memory: what was purged a moment ago must not be shown.
    """
    refused = refusal(desk.settings().access, visitor.person, "read captures", feature)
    if refused is not None:
        raise PermissionDeniedException(refused)
    with desk.books.reading() as ledger:
        return side_by_side(ledger, desk.layout, feature, task_class)


REPLAYS = (replays,)
"""The routes of this module."""
