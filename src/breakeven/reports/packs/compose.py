"""The packs there are: for whom, and which blocks in which order on which page."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from breakeven.errors import UsageError
from breakeven.reports.packs import earning, moving, ruling, saving
from breakeven.reports.packs.sources import Maker, Sources, or_said
from breakeven.reports.packs.structure import Block, Figure, Pack
from breakeven.reports.pnl import Change, PnlRow
from breakeven.settings import CURRENCY

BRIEF_ROWS = 4
"""Rows that a table of a brief pack shows on paper."""
FORMULAS_OF_A_BLOCK = 2


class PackKind(NamedTuple):
    """One pack: its name, its title, whom it is for, the blocks of each printed page, and whether paper shows only first rows."""

    name: str
    title: str
    reader: str
    pages: tuple[tuple[Maker, ...], ...]
    brief: bool = False


PACKS: tuple[PackKind, ...] = (
    PackKind(
        "board",
        "AI unit economics: board report",
        "leadership: is AI creating or destroying value?",
        (
            (earning.features, earning.classes, moving.why_cost, ruling.owned, earning.units, earning.adoption),
            (
                moving.forecast, moving.scenarios, saving.predicted, saving.verified,
                ruling.budgets, ruling.decisions, ruling.quality,
            ),
        ),
        brief=True,
    ),
    PackKind(
        "finance",
        "AI unit economics: finance pack",
        "finance: do the figures tie to the invoices, and why did they move?",
        (
            (earning.features, moving.why_cost, moving.why_margin, earning.classes),
            (earning.models, earning.customers, earning.units, moving.forecast),
            (ruling.budgets, ruling.owned, ruling.unowned, ruling.decisions, ruling.quality),
        ),
    ),
    PackKind(
        "engineering",
        "AI unit economics: engineering pack",
        "engineering: which calls are dear, and which need not be?",
        (
            (earning.to_do, saving.predicted, saving.verified, saving.failures),
            (saving.unusual, saving.dear_calls, earning.models),
            (earning.units, earning.adoption, ruling.policies, ruling.unowned, ruling.quality),
        ),
    ),
)  # fmt: skip
"""Every pack, by name."""


def pack_kind(name: str) -> PackKind:
    """The pack of this name. Raises UsageError."""
    found = next((kind for kind in PACKS if kind.name == name), None)
    if found is None:
        raise UsageError(f"there is no report {name!r}", f"Choose one of: {', '.join(kind.name for kind in PACKS)}.")
    return found


def compose(name: str, sources: Sources) -> Pack:
    """The pack: every figure of it is one of a report's, and its trail is that report's. Raises UsageError for an unknown name."""
    kind = pack_kind(name)
    found = sources.pnl
    pages = [[_made(maker, sources, brief=kind.brief) for maker in page] for page in kind.pages]
    return Pack(
        name=kind.name,
        title=kind.title,
        reader=kind.reader,
        period=found.period,
        label=found.label,
        start=found.start,
        end=found.end,
        versus=None if sources.versus is None else sources.versus.label,
        currency=CURRENCY,
        made_at=f"{sources.now:%Y-%m-%dT%H:%M:%SZ}",
        sentence=found.sentence,
        figures=_figures(sources),
        shares=found.shares,
        pages=pages,
        methods=_methods([block for page in pages for block in page]),
    )


def _made(maker: Maker, sources: Sources, *, brief: bool) -> Block:
    block = or_said(maker, sources)
    if not brief or maker is earning.features or (block.rows_printed or 0) <= BRIEF_ROWS:
        return block
    return msgspec.structs.replace(block, rows_printed=BRIEF_ROWS)


def _figures(sources: Sources) -> list[Figure]:
    """The five figures of the front page, with their change."""
    whole = sources.pnl.total
    unowned = next((row for row in sources.pnl.rows if row.kind == "unattributed"), None)
    change = whole.change if isinstance(whole.change, Change) else Change(None, None, None, None)
    return [
        Figure("Value", "money", whole.value, change.value, "up"),
        Figure("Variable cost", "money", whole.cost, change.cost, "down"),
        Figure("Contribution", "money", whole.contribution, change.contribution, "up"),
        Figure("Margin", "share", whole.margin, None, "up"),
        Figure("Cost with no owner", "money", _cost(unowned), _change(unowned), "down"),
    ]


def _cost(row: PnlRow | None) -> str | None:
    """Without a row of nobody's, nothing has no owner."""
    return "0" if row is None else row.cost


def _change(row: PnlRow | None) -> str | None:
    return row.change.cost if row is not None and isinstance(row.change, Change) else None


def _methods(blocks: list[Block]) -> dict[str, str]:
    """The first formulas of each trail, once; a trail has all of its own."""
    found: dict[str, str] = {}
    for block in blocks:
        trail = msgspec.to_builtins(block.trail)
        formula = trail.get("formula") if isinstance(trail, dict) else None
        if isinstance(formula, dict):
            found |= {name: str(words) for name, words in list(formula.items())[:FORMULAS_OF_A_BLOCK] if name not in found}
    return found
