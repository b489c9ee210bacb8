"""The books over HTTP: how a period stands to its invoices, what an invoice file says against it, and signing a month off."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Annotated

import msgspec
from litestar import get, post
from litestar.params import JSONBody, QueryParameter, RawBody

from breakeven.economics.periods import parse_period
from breakeven.errors import UsageError
from breakeven.exchange.invoices import Reading, billed, read_invoice, within
from breakeven.exchange.invoices import rate as currency_rate
from breakeven.ledger.closing import closes, digest
from breakeven.ledger.store import transaction
from breakeven.reports.monthbooks import Books
from breakeven.reports.monthbooks import books as books_report
from breakeven.reports.owners import quoted
from breakeven.reports.question import Facts
from breakeven.reports.reconcile import Held, Reconciled, given, reconciled_with
from breakeven.reports.signoff import ACTION, SignOff, month_to_close, signed_off
from breakeven.settings import Settings
from breakeven.web.acting import acting
from breakeven.web.dependencies import AtDesk, Question, Who

TOLERANCE = 0.005
_NAME = "Its file name, which says what it is: .csv, .json, .jsonl or .parquet, also .gz."


class CloseWanted(msgspec.Struct, frozen=True):
    """A month to be signed off; `unreconciled`: also where some of its cost was held against no invoice."""

    period: str
    why: str | None = None
    unreconciled: bool = False


class SignedOff(msgspec.Struct, frozen=True):
    """The month that is closed now, and the SHA-256 of its statement, which the decisions log has too."""

    period: str
    digest: str
    sentence: str


@get("/books", sync_to_thread=True)
def books(desk: AtDesk, asked: Question) -> Books:
    """Do the books tie to the vendors' invoices, what was posted, and may the month be closed?"""
    now = desk.clock()
    closed = closes(desk.layout)

    def report(ledger: Facts, settings: Settings) -> Books:
        del settings
        return books_report(ledger, asked.question(ledger, now), closed, now)

    return desk.answer(("books", asked, tuple(map(digest, closed))), report)


@post("/invoices/check", status_code=200, sync_to_thread=True)
def check_invoice(  # noqa: PLR0917 - the parameters of a route
    desk: AtDesk,
    body: RawBody,
    name: Annotated[str, QueryParameter(description=_NAME)] = "invoice.csv",
    period: Annotated[str | None, QueryParameter(description="Which days it bills, where it does not say.")] = None,
    provider: Annotated[str | None, QueryParameter(description="Whose invoice it is, where it does not say.")] = None,
    tolerance: Annotated[float, QueryParameter(ge=0, lt=1, description="What may remain, of the invoiced sum.")] = TOLERANCE,
    rate: Annotated[
        list[str] | None, QueryParameter(description="Your books' rate of a foreign currency, as EUR=1.08; may be repeated.")
    ] = None,
) -> Reconciled:
    """Hold an invoice's file (the body) against what was metered. Posting is the command line's: `breakeven reconcile --post`."""
    if not body:
        raise UsageError("there is no invoice in the request", "Send the file as the body.")
    now = desk.clock()
    rates = dict(_rate(text) for text in rate or ())
    with tempfile.TemporaryDirectory(prefix="breakeven-invoice-") as folder:
        file = Path(folder) / ("invoice" + "".join(PurePosixPath(name.replace("\\", "/")).suffixes[-2:]))
        file.write_bytes(body)
        invoice = read_invoice(file, Reading(provider, rates=rates))
    days = parse_period(period, now) if period is not None else billed(invoice, now)
    called = name if invoice.name == file.name else invoice.name
    allowed = None if tolerance == TOLERANCE else tolerance
    options = {"--tolerance": (allowed,), "--period": (period,), "--provider": (provider,)}
    lines = within(invoice, days).lines
    held = Held(given(quoted(name), options), called, lines, days, Decimal(str(tolerance)), rates=rates)
    with desk.books.reading() as ledger:
        return reconciled_with(ledger, held)[0]


def _rate(text: str) -> tuple[str, Decimal]:
    name, mark, dollars = text.partition("=")
    if not mark or not name.strip():
        raise UsageError(f"rate {text!r} is not a rate", "Write for example: rate=EUR=1.08")
    return currency_rate("rate", name.strip(), dollars.strip())


@post("/closes", status_code=200, sync_to_thread=True)
def close_month(desk: AtDesk, visitor: Who, data: JSONBody[CloseWanted]) -> SignedOff:
    """Lock a month with its prices and sign off its statement; later corrections go to the next month."""
    now = desk.clock()
    month = month_to_close(data.period, now, desk.layout)
    with (
        acting(desk, visitor.person, ACTION, f"period {month.name}", why=data.why) as act,
        desk.books.reading() as ledger,
        transaction(ledger.connection),  # one view of the ledger, whatever is committed meanwhile
    ):
        act.done = False
        by = SignOff(visitor.person, now.replace(microsecond=0), data.why, data.unreconciled)
        made, statement = signed_off(ledger, desk.settings(), desk.layout, month, by)
        act.done, act.after = True, digest(made)
    return SignedOff(month.name, digest(made), statement.sentence)


BOOKKEEPING = (books, check_invoice, close_month)
"""The routes of this module."""
