"""Where a figure comes from, and what is unknown about it: every report ends with its trail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import msgspec

from breakeven.economics.pnl import Tally
from breakeven.economics.value import ValueModel
from breakeven.reports.question import Facts, Question, ask, whole
from breakeven.reports.reconciled import Tie


class Shares(msgspec.Struct, frozen=True):
    """What is known, each from 0 to 1 and null where there is nothing to share.

    `priced`: calls whose cost is wholly known / calls (the cost of the others is unknown, so that no share of cost can be given).
    `attributed`: cost of lines with a feature / cost; by calls where no cost is known. `reconciled`: cost on days of vendors that
    tie with a posted invoice / cost, null until one is posted; `reconciled_through`: the last day until which all of it does.
    """

    priced: float | None
    attributed: float | None
    reconciled: float | None = None
    reconciled_through: str | msgspec.UnsetType = msgspec.UNSET


class Rows(msgspec.Struct, frozen=True):
    """How many facts were counted."""

    calls: int
    cost_lines: int
    outcomes: int


class ModelUsed(msgspec.Struct, frozen=True):
    """A value model that the value rests on."""

    id: str
    feature: str
    kind: str
    version: str
    owner: str | None
    grade: str


class Trail(msgspec.Struct, frozen=True):
    """Formula, rows counted, price versions and unknown shares of one report. `read_from` is `rollups` or `lines`."""

    formula: Mapping[str, str]
    rows: Rows
    price_versions: Sequence[str]
    share_unpriced: float | None
    share_unattributed: float | None
    share_quantity_unpriced: float | None
    recorded_as_of: str | None
    as_recorded: bool
    read_from: str
    value_models: Sequence[ModelUsed]
    unshared_revenue: str | None
    unallocated_fixed_cost: str | None
    notes: Sequence[str]


class Prices(msgspec.Struct, frozen=True):
    """Price versions used, and the share of metered quantity (tokens, tool calls) that has no price."""

    versions: tuple[str, ...]
    quantity_unpriced: float | None


def prices(ledger: Facts, question: Question) -> Prices:
    """Which price versions the costs of a question rest on."""
    rows = ask(ledger, "price_versions", question, ())
    priced, unpriced = sum(row[1] for row in rows), sum(row[2] for row in rows)
    known = priced + unpriced
    return Prices(tuple(row[0] for row in rows if row[0]), unpriced / known if known > 0 else None)


def nobody(ledger: Facts, question: Question) -> Tally:
    """The cost and the calls of a question that no feature is known for."""
    unowned = replace(question, by=(), filters=(*question.filters, ("feature", None)))
    cost = sum(whole(row[1]) for row in ask(ledger, "costs", unowned, ()))
    return Tally(cost=cost, calls=ask(ledger, "calls", unowned, ())[0][0])


def shares(everything: Tally, unattributed: Tally, reconciled: Tie) -> Shares:
    """The honesty badges of a report from its total, its unattributed rows and the invoices that tie."""
    priced = 1 - everything.unknown_calls / everything.calls if everything.calls else None
    if everything.cost:
        attributed: float | None = 1 - (unattributed.cost or 0) / everything.cost
    else:
        attributed = 1 - unattributed.calls / everything.calls if everything.calls else None
    through = msgspec.UNSET if reconciled.through is None else reconciled.through.isoformat()
    return Shares(priced=priced, attributed=attributed, reconciled=reconciled.share, reconciled_through=through)


def complement(share: float | None) -> float | None:
    """1 − share; unknown stays unknown."""
    return None if share is None else 1 - share


def models_used(models: Sequence[ValueModel]) -> list[ModelUsed]:
    """Which value models were in force, with owner, version and grade."""
    return [ModelUsed(m.id, m.feature, type(m).__name__, m.version, m.owner, m.grade) for m in models]


def instant(at: datetime | None) -> str | None:
    """An instant as JSON shows it: ISO 8601 in UTC."""
    return None if at is None else at.isoformat(timespec="seconds") + "Z"
