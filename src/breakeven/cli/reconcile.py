"""`breakeven reconcile`: an invoice held against what was metered, each difference named, and posted when told to."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, DecimalException
from pathlib import Path
from typing import TYPE_CHECKING

import click

from breakeven.cli.acting import acting
from breakeven.cli.context import ledger_options, load, open_facts, open_for_reading
from breakeven.cli.imports import _pairs
from breakeven.cli.reports import _output, now, output_options
from breakeven.errors import PolicyFailed, UsageError

if TYPE_CHECKING:
    from breakeven.economics.periods import Period
    from breakeven.economics.reconciliation import Reconciliation
    from breakeven.exchange.invoices import Invoice
    from breakeven.reports.reconcile import Held, Reconciled
    from breakeven.settings import Settings

TOLERANCE = "0.5%"


@click.command()
@click.argument("file", metavar="[INVOICE]", required=False, type=click.Path(path_type=Path))
@click.option("--invoice", "number", metavar="NUMBER", help="An invoice that was imported, in the place of a file.")
@click.option("--tolerance", default=TOLERANCE, show_default=True, metavar="SHARE", help="How much of the invoiced sum may remain.")
@click.option("--period", help="Which days it bills. Default: what it says itself.")
@click.option("--post", "posting", is_flag=True, help="Post the causes as adjustments and mark these days as reconciled.")
@click.option("--why", metavar="TEXT", help="The reason, for the decisions log.")
@click.option("--provider", help="Whose invoice it is, where it does not say so: openai, anthropic, ...")
@click.option("--map", "maps", multiple=True, metavar="FIELD=COLUMN", help="Take a field from this column.")
@click.option("--set", "sets", multiple=True, metavar="FIELD=VALUE", help="Give a field one value for all rows.")
@click.option(
    "--rate", "rates", multiple=True, metavar="CURRENCY=DOLLARS", help="Your books' rate of a foreign currency, as EUR=1.08."
)
@click.option(
    "--key", "keys", multiple=True, metavar="KEY", help="A key that goes through us, as the invoice writes it; repeatable."
)
@click.option(
    "--day-starts", type=click.IntRange(-14, 12), metavar="HOURS", help="When its day starts, after midnight UTC. Default: found."
)
@output_options
@ledger_options
def reconcile(  # noqa: PLR0913 - one argument per option
    *,
    file: Path | None,
    number: str | None,
    tolerance: str,
    period: str | None,
    posting: bool,
    why: str | None,
    provider: str | None,
    maps: tuple[str, ...],
    sets: tuple[str, ...],
    rates: tuple[str, ...],
    keys: tuple[str, ...],
    day_starts: int | None,
    as_json: bool,
    as_csv: bool,
    ledger_path: Path | None,
    config: Path | None,
) -> None:
    """Hold INVOICE against what was metered: per vendor, model, token class and day, with the cause of each difference.

    INVOICE is FOCUS Invoice Detail or Cost and Usage, any CSV, JSONL or Parquet with amounts, OpenAI's costs or Anthropic's cost
    report. Exit code 1 where more than the tolerance remains. The parts sum exactly to the difference; what no cause explains is a
    row of its own.

    Without INVOICE: how the period (--period, else the latest month) stands to the invoices that were posted.
    """
    if file is None and number is None:
        _stand(config, ledger_path, period, as_json=as_json, as_csv=as_csv)
        return
    from breakeven.cli.draw_reconcile import draw_reconciled
    from breakeven.exchange.invoices import Reading, read_invoice
    from breakeven.reports.owners import quoted
    from breakeven.reports.reconcile import Held, given, reconciled_with

    allowed, known = _share(tolerance), _rates(rates)
    settings, path = load(config, ledger_path)
    if file is not None and number is None:
        invoice = read_invoice(file, Reading(provider, _pairs("--map", maps), _pairs("--set", sets), known))
    elif file is None and number is not None:
        invoice = _imported(path, number)
    else:
        raise UsageError("an invoice is a file or a number", "Give INVOICE or --invoice NUMBER, not both.")
    days, whole = _days(invoice, period), invoice
    invoice = _cut(invoice, days)
    options = {
        "--tolerance": () if tolerance == TOLERANCE else (tolerance,), "--period": (period,), "--provider": (provider,),
        "--map": maps, "--set": sets, "--key": keys, "--day-starts": (day_starts,),
    }  # fmt: skip
    which = quoted(str(file)) if number is None else f"--invoice {quoted(number)}"
    held = Held(given(which, options), invoice.name, invoice.lines, days, allowed, keys, day_starts, known)
    with open_for_reading(path) as ledger:
        report, found = reconciled_with(ledger, held)
    if posting and report.explained:
        _post(settings, path, held, invoice.digest, found, why, None if file is None else (file, whole))
        with open_for_reading(path) as ledger:
            report, found = reconciled_with(ledger, held)
    _output(report, as_json=as_json, as_csv=as_csv, rows=report.rows, drawn=draw_reconciled)
    _judge(report, posting=posting)


def _imported(path: Path, number: str) -> Invoice:
    """An invoice that the ledger keeps, as it was read from its file."""
    from breakeven.exchange.invoices import Invoice
    from breakeven.ledger.invoices import stored_invoice

    with open_for_reading(path) as ledger:
        found = stored_invoice(ledger, number)
    return Invoice(found.name, found.digest, found.lines, found.start, found.end)


def _stand(config: Path | None, ledger_path: Path | None, period: str | None, *, as_json: bool, as_csv: bool) -> None:
    from breakeven.cli.draw_reconcile import draw_books
    from breakeven.cli.reports import _question
    from breakeven.ledger.closing import closes
    from breakeven.ledger.layout import Layout
    from breakeven.reports.monthbooks import books

    settings, path = load(config, ledger_path)
    with open_facts(path, settings) as ledger:
        found = books(ledger, _question(ledger, period=period), closes(Layout(path)), now())
    _output(found, as_json=as_json, as_csv=as_csv, rows=found.rows, drawn=draw_books)


def _judge(report: Reconciled, *, posting: bool) -> None:
    if posting and not report.explained:
        raise PolicyFailed(
            f"nothing was posted: more than the tolerance is unexplained in invoice {report.invoice}",
            "Explain it, or accept it with a larger --tolerance.",
        )
    if not report.within:
        raise PolicyFailed(
            f"invoice {report.invoice} does not tie within the tolerance", "Follow the remedies, or post them: --post."
        )


def _post(  # noqa: PLR0917 - what is posted, and what is kept of it
    settings: Settings,
    path: Path,
    held: Held,
    digest: str,
    found: Reconciliation,
    why: str | None,
    kept: tuple[Path, Invoice] | None,
) -> None:
    """Post under the writer's lock, as a decision of whoever runs this, and keep the lines of the invoice's file.

    Raises PolicyFailed where the role does not allow it.
    """
    from breakeven import app
    from breakeven.exchange.importers.invoice import keep
    from breakeven.ledger import open_ledger
    from breakeven.ledger.adjusting import post
    from breakeven.reports.invoicepost import adjustments, metered_days, tied_days

    with (
        acting(settings, path, "post invoices", f"invoice {held.invoice}", why=why) as act,
        open_ledger(path, write=True) as ledger,
    ):
        items = adjustments(ledger, held, found)
        done = post(ledger, held.invoice, digest, items, tied_days(held, items, metered_days(ledger, held)), now())
        if kept is not None:
            file, invoice = kept
            dated = replace(invoice, start=invoice.start or held.period.start, end=invoice.end or held.period.end)
            keep(ledger, app.quotes_for(app.rate_card(settings, path)), dated, file, now())
        act.done = done.days > 0
        act.before, act.after = (
            f"{found.metered / 10**18:.2f} metered",
            f"{found.invoiced / 10**18:.2f} invoiced, {done.lines} lines",
        )
    if not done.days:
        click.echo("breakeven: this invoice was posted before; nothing was added", err=True)
        return
    click.echo(f"breakeven: {done.lines} adjustments posted, {done.days} days of vendors marked as reconciled", err=True)
    if done.reversed_lines:
        click.echo(f"  {done.reversed_lines} lines of an earlier invoice for these days were taken back", err=True)
    if done.corrections:
        click.echo(f"  {done.corrections} of the lines concern a closed period and are booked after it", err=True)


def _days(invoice: Invoice, period: str | None) -> Period:
    from breakeven.economics.periods import parse_period
    from breakeven.exchange.invoices import billed

    if period is not None:
        return parse_period(period, now())
    found = billed(invoice, now())
    click.echo(f"breakeven: the invoice bills {found.label}", err=True)
    return found


def _cut(invoice: Invoice, period: Period) -> Invoice:
    from breakeven.exchange.invoices import within

    kept = within(invoice, period)
    left_out = len(invoice.lines) - len(kept.lines)
    if left_out:
        click.echo(f"breakeven: {left_out} lines of other days than {period.label} are left out", err=True)
    return kept


def _share(text: str) -> Decimal:
    try:
        value = Decimal(text.strip().removesuffix("%")) / (100 if text.strip().endswith("%") else 1)
    except DecimalException:
        raise UsageError(f"--tolerance {text!r} is not a share", "Write for example: --tolerance 0.5%") from None
    if not 0 <= value < 1:
        raise UsageError(f"--tolerance {text!r} is not a share", "Write for example: --tolerance 0.5%")
    return value


def _rates(texts: tuple[str, ...]) -> dict[str, Decimal]:
    from breakeven.exchange.invoices import rate

    return dict(rate("--rate", name, text) for name, text in _pairs("--rate", texts).items())
