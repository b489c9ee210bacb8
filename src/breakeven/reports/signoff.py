"""Signing a month off: what must hold first, and the statement that goes to the disk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec

from breakeven.economics.periods import Period, month_of, parse_period
from breakeven.errors import PolicyFailed, UsageError
from breakeven.governance.access import Person
from breakeven.governance.decisions import GENESIS
from breakeven.ledger.closing import Close, closes, digest, write_close
from breakeven.ledger.layout import Layout
from breakeven.reports.closing import Statement, readable, statement_of
from breakeven.reports.question import Facts
from breakeven.reports.reconciled import not_held
from breakeven.settings import Settings

ACTION = "close periods"


@dataclass(frozen=True, slots=True)
class SignOff:
    """Who closes a month, when and why, and whether also where some of its cost was held against no invoice."""

    person: Person
    now: datetime
    why: str | None = None
    unreconciled: bool = False


def month_to_close(name: str, now: datetime, layout: Layout) -> Period:
    """The month that `name` means. Raises UsageError where it is none or not over, PolicyFailed where it is closed already."""
    period = parse_period(name, now)
    if not period.whole_month:
        raise UsageError(f"{name!r} is not a month", "Close one month at a time, such as: breakeven close 2026-10.")
    month = month_of(period.start)
    if month.end > now:
        raise UsageError(f"{month.label} is not over", "Close it when its last day has passed and its invoices are here.")
    if any(each.period == month.name for each in closes(layout)):
        raise PolicyFailed(f"{month.label} is closed already", f"See it: breakeven close {month.name} --show.")
    return month


def signed_off(ledger: Facts, settings: Settings, layout: Layout, month: Period, by: SignOff) -> tuple[Close, Statement]:
    """Close a month: its statement as the ledger has it now, on the disk. Nobody may write to the ledger meanwhile.

    Raises PolicyFailed where some of its cost was held against no invoice, UsageError where it has none.
    """
    statement = statement_of(ledger, settings, month)
    _check(statement, unreconciled=by.unreconciled)
    before = closes(layout)
    made = Close(
        period=month.name,
        start=month.start.isoformat(),
        end=month.end.isoformat(),
        closed_at=f"{by.now.isoformat(timespec='seconds')}Z",
        by=by.person.name,
        role=by.person.role,
        why=by.why,
        previous=digest(max(before, key=lambda each: each.closed_at)) if before else GENESIS,
        statement=msgspec.json.decode(msgspec.json.encode(statement)),
    )
    write_close(layout, made, readable(made, statement))
    return made, statement


def _check(statement: Statement, *, unreconciled: bool) -> None:
    if not statement.lines:
        raise UsageError(f"there is no cost in {statement.label}", "Check the period and the ledger.")
    share = statement.pnl.shares.reconciled
    if share != 1 and not unreconciled:
        raise PolicyFailed(
            f"{statement.label} was not closed: {not_held(share)}",
            "Post the invoices (breakeven reconcile INVOICE --post), or close it all the same with --unreconciled.",
        )
