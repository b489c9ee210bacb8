"""Invented supplier invoices in a handful of layouts, as a back office sends them to a model, with the frontier model's answers.

Six suppliers write most invoices, each in its own layout; the rest come from one-off suppliers in layouts that are not seen again,
so that whoever learns from them should decline. Everything is invented; the same seed makes the same documents.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from breakeven.sample.company import customer_name
from breakeven.sample.truth import CUSTOMERS, DOCUMENTS

FEATURE = DOCUMENTS
MODEL = "gpt-5.4"
SYSTEM = (
    "You read supplier invoices for a back office. Take every value from the invoice itself and guess nothing. "
    "The supplier is the company that sends the invoice, not the one that pays it. Give the invoice's number as it is printed. "
    "Give the date of the invoice, not the day on which it is due or was delivered, as YYYY-MM-DD. "
    "Give the amount that has to be paid in all, tax included, as a number with two decimals and without a currency sign. "
    "Answer with one JSON object and nothing else."
)
BEFORE = "Read this invoice and give its supplier, number, date and total.\n\nINVOICE\n"
AFTER = '\nEND OF INVOICE\n\nAnswer as {"supplier": "...", "number": "...", "date": "YYYY-MM-DD", "total": "0.00"}.'
ONE_OFF = 0.12
"""Share of invoices from suppliers that write once."""
_GOODS = (
    "paper A4", "toner black", "desk lamp", "office chair", "folder blue", "cable 2 m", "ink cyan", "whiteboard", "marker set",
    "cleaning service", "fruit basket", "parking permit", "hosting small", "translation", "courier",
)  # fmt: skip
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
_FIRST = ("Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Gorse", "Hazel", "Ivy", "Juniper", "Larch", "Maple", "Nettle", "Oak")
_SECOND = ("Trading", "Supplies", "Works", "Logistics", "Print", "Services", "Partners", "Studio")
_FORMS = ("Ltd", "Inc", "LLC", "GmbH", "plc")


@dataclass(frozen=True, slots=True)
class Layout:
    """How one supplier prints: its head, what it calls number, date and total, how it writes dates and money."""

    supplier: str
    head: tuple[str, ...]
    number: str
    number_form: str
    date: str
    date_form: str
    net: str
    tax: str
    total: str
    money: str
    tax_percent: int
    due: str


LAYOUTS = (
    Layout("Alder Paper Ltd", ("14 Mill Lane, Invented Town", "VAT IN 301 2291"), "Invoice No.", "AP-{:05d}", "Invoice date",
           "%d/%m/%Y", "Subtotal", "VAT 20 %", "Total due", "GBP {}", 20, "Payable by"),
    Layout("Borealis Cloud Inc", ("500 Nowhere Avenue, Suite 9",), "Statement", "{:08d}", "Issued",
           "%B %-d, %Y", "Charges", "Sales tax", "Amount due", "${}", 8, "Due"),
    Layout("Kessel & Sohn GmbH", ("Erfundene Str. 7, 00000 Nirgendwo", "USt-IdNr. DE000000000"), "Rechnung Nr.", "R{:06d}",
           "Datum", "%d.%m.%Y", "Netto", "MwSt 19 %", "Gesamtbetrag", "{} EUR", 19, "Zahlbar bis"),
    Layout("Maple Office Supply LLC", ("1 Imaginary Road",), "INVOICE #", "{:04d}-M", "DATE",
           "%Y-%m-%d", "NET", "TAX", "GRAND TOTAL", "USD {}", 7, "TERMS UNTIL"),
    Layout("Quick Courier plc", ("Depot 3, Fictional Park", "Reg. 0000-77"), "Consignment invoice", "QC{:07d}", "Date of invoice",
           "%d %b %Y", "Carriage", "VAT", "To pay", "£{}", 20, "Pay before"),
    Layout("Tilde Translations", ("invented@example.com",), "Ref", "T/{:04d}", "Dated",
           "%m/%d/%Y", "Words and pages", "Tax", "Sum total", "{} USD", 0, "Kindly settle by"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class InventedInvoice:
    """One invoice as text, the answer to it, whose it is, and whether its supplier writes often."""

    number: int
    text: str
    answer: str
    customer: str
    repeated: bool

    @property
    def body(self) -> bytes:
        """The request that the back office sends about it, in the OpenAI dialect."""
        messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": f"{BEFORE}{self.text}{AFTER}"}]
        return json.dumps({"model": MODEL, "messages": messages}, ensure_ascii=False).encode()


def invented_invoices(seed: int) -> Iterator[InventedInvoice]:
    """Invoices without end, as they arrive."""
    chance = Random(seed)  # noqa: S311 - invented documents
    number = 0
    while True:
        repeated = chance.random() >= ONE_OFF
        layout = chance.choice(LAYOUTS) if repeated else _one_off(chance)
        text, fields = _printed(layout, chance)
        yield InventedInvoice(number, text, json.dumps(fields), customer_name(chance.randrange(CUSTOMERS)), repeated)
        number += 1


def truth_of(invoices: list[InventedInvoice]) -> dict[str, str]:
    """The recorded answer by the text of the request's last message: what a scripted vendor plays."""
    return {f"{BEFORE}{one.text}{AFTER}": one.answer for one in invoices}


def _one_off(chance: Random) -> Layout:
    """A supplier of its own, with words and order that come together only once."""
    model = chance.choice(LAYOUTS)
    other = chance.choice(LAYOUTS)
    name = f"{chance.choice(_FIRST)} {chance.choice(_SECOND)} {chance.randrange(100, 999)} {chance.choice(_FORMS)}"
    words = chance.sample(("Document", "Our reference", "Bill", "Note", "Account", "Number"), 1)
    return Layout(
        name, (f"{chance.randrange(1, 99)} Nowhere Street",), words[0], model.number_form, other.date, other.date_form,
        model.net, other.tax, chance.choice(("All in all", "Balance", "Final amount", "Please remit")), other.money,
        model.tax_percent, other.due,
    )  # fmt: skip


def _printed(layout: Layout, chance: Random) -> tuple[str, dict[str, str]]:
    day = date(2026, 1, 1) + timedelta(days=chance.randrange(300))
    number = layout.number_form.format(chance.randrange(10 ** chance.randrange(3, 5)))
    lines = [
        (chance.choice(_GOODS), chance.randrange(1, 9), Decimal(chance.randrange(150, 30_000)) / 100)
        for _ in range(chance.randrange(1, 7))
    ]
    net = sum((count * price for _, count, price in lines), Decimal(0))
    tax = (net * layout.tax_percent / 100).quantize(Decimal("0.01"))
    due = _day(day + timedelta(days=chance.choice((14, 30, 60))), layout.date_form)

    def money(amount: Decimal) -> str:
        return layout.money.format(f"{amount:,.2f}")

    rows = [layout.supplier, *layout.head, ""]
    rows += [f"{layout.number}  {number}", f"{layout.date}  {_day(day, layout.date_form)}", f"{layout.due}  {due}", ""]
    rows.append(f"Bill to: {customer_name(chance.randrange(CUSTOMERS))}, attention of accounts")
    rows.append("")
    rows += [f"{goods:<20}  {count:>3}  {price:>10,.2f}  {count * price:>12,.2f}" for goods, count, price in lines]
    rows += ["", f"{layout.net}  {money(net)}", *([f"{layout.tax}  {money(tax)}"] if layout.tax_percent else [])]
    rows.append(f"{layout.total}  {money(net + tax)}")
    rows += ["", "Thank you. This invoice is invented."]
    return "\n".join(rows), {"supplier": layout.supplier, "number": number, "date": day.isoformat(), "total": f"{net + tax:.2f}"}


def _day(day: date, form: str) -> str:
    """A date in a form; written here, because the words must not depend on the machine's language."""
    month = _MONTHS[day.month - 1]
    form = form.replace("%B", month).replace("%b", month[:3]).replace("%-d", str(day.day))
    return form.replace("%d", f"{day.day:02d}").replace("%m", f"{day.month:02d}").replace("%Y", str(day.year))
