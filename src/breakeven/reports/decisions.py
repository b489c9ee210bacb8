"""Who changed which limit, when and why?"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from breakeven.errors import Problem
from breakeven.governance.decisions import Decision
from breakeven.ledger.decisions import read
from breakeven.ledger.layout import Layout
from breakeven.reports.words import count


class Decisions(msgspec.Struct, frozen=True, kw_only=True):
    """The log, or a part of it, in its order."""

    rows: Sequence[Decision]
    sentence: str


def decision_list(
    layout: Layout, *, subject: str | None = None, actor: str | None = None, since: str | None = None
) -> tuple[Decisions, list[Problem]]:
    """The decisions that match, and what is wrong with the log as a whole."""
    decisions, problems = read(layout)
    rows = [
        each
        for each in decisions
        if (subject is None or subject.lower() in each.subject.lower())
        and (actor is None or each.actor == actor)
        and (since is None or each.at >= since)
    ]
    refused = sum(not each.allowed for each in rows)
    of = f" of {len(decisions):,}" if len(rows) != len(decisions) else ""
    said = f"{count(len(rows), 'decision')}{of}" + (f", {refused:,} refused" if refused else "")
    whole = "the chain is whole" if not problems else f"the chain is broken at {problems[0].where}"
    return Decisions(rows=rows, sentence=f"{said}; {whole}."), problems
