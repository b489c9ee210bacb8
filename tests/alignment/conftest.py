"""Invented past examples: invoices of a few vendors, support tickets, and names to be rewritten."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from breakeven.cli.main import run

Example = dict[str, Any]
Examples = Callable[[int], list[Example]]
Written = Callable[[Sequence[Example]], Path]
Run = Callable[..., tuple[int, str, str]]

FIRST = ("Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Frances", "Tony", "John", "Margaret")
LAST = ("Lovelace", "Hopper", "Turing", "Dijkstra", "Liskov", "Knuth", "Allen", "Hoare", "Backus", "Hamilton")
GOODS = ("paper", "ink", "desk lamp", "chair", "cable", "folder")
TICKETS = {
    "billing": ("I was charged twice for {0}", "Please refund invoice {1}", "The invoice {1} shows a wrong amount"),
    "access": ("I cannot log in to {0}", "My account {1} is locked", "I forgot my password"),
    "bug": ("{0} crashes when I open the report", "I get error {1} when saving", "The page stays blank in {0}"),
}


@pytest.fixture
def invoices() -> Examples:
    """Makes so many invoices of three vendors, each with its layout; the answers are vendor, date (as ISO) and total (a number)."""
    return lambda count: _many(count, _invoice)


@pytest.fixture
def tickets() -> Examples:
    """Makes so many support tickets with a constant prompt; the answer is a label."""
    return lambda count: _many(count, _ticket)


@pytest.fixture
def names() -> Examples:
    """Makes so many names written last name first; the answer turns them round."""
    return lambda count: _many(count, _name)


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Writes examples to a file, one JSON object a line."""

    def write(examples: Sequence[Example]) -> Path:
        path = tmp_path / "examples.jsonl"
        path.write_text("".join(json.dumps(one) + "\n" for one in examples), encoding="utf-8")
        return path

    return write


@pytest.fixture
def breakeven(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line; returns its exit code, what it printed and what it said on stderr."""

    def runner(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return runner


def _many(count: int, make: Callable[[Random], Example]) -> list[Example]:
    random = Random(7)
    return [make(random) for _ in range(count)]


def _invoice(random: Random) -> Example:
    """Vendor and total stand where this vendor prints them; the tax line and the sum are a check."""
    day, month, year = random.randrange(1, 29), random.randrange(1, 13), random.randrange(2019, 2026)
    lines = [(random.choice(GOODS), random.randrange(100, 90_000)) for _ in range(random.randrange(1, 4))]
    net = sum(price for _, price in lines)
    tax = net * 8 // 100
    vendor, text = random.choice((_plain, _boxed, _dotted))(lines, net, tax, (day, month, year))
    return {"input": text, "output": {"vendor": vendor, "date": f"{year}-{month:02}-{day:02}", "total": (net + tax) / 100}}


def _money(hundredths: int) -> str:
    return f"{hundredths / 100:,.2f}"


def _plain(lines: Sequence[tuple[str, int]], net: int, tax: int, date: tuple[int, int, int]) -> tuple[str, str]:
    rows = [f"{good}   {_money(price)}" for good, price in lines]
    head = ["Northwind Traders Ltd", "12 Harbour Road", f"Date: {date[0]:02}/{date[1]:02}/{date[2]}", "Item   Price"]
    return "Northwind Traders Ltd", "\n".join(
        [*head, *rows, f"Net   {_money(net)}", f"VAT   {_money(tax)}", f"Total   {_money(net + tax)}"]
    )


def _boxed(lines: Sequence[tuple[str, int]], net: int, tax: int, date: tuple[int, int, int]) -> tuple[str, str]:
    rows = [f"  {_money(price)}\t{good}" for good, price in lines]
    foot = [f"Sum before tax\t{_money(net)}", f"Tax 8 %\t{_money(tax)}", f"Amount due USD\t{_money(net + tax)}"]
    return "Contoso GmbH", "\n".join(["INVOICE", *rows, *foot, "Contoso GmbH", f"issued {date[0]}.{date[1]}.{date[2]} in Bonn"])


def _dotted(lines: Sequence[tuple[str, int]], net: int, tax: int, date: tuple[int, int, int]) -> tuple[str, str]:
    rows = [f"* {good}  EUR {_money(price)}" for good, price in lines]
    foot = [f"To pay  EUR {_money(net + tax)}", f"of which tax  EUR {_money(tax)}", "Adventure Works SA, Lyon"]
    return "Adventure Works SA", "\n".join(["Adventure Works SA", f"{date[0]:02}/{date[1]:02}/{date[2]}", *rows, *foot])


def _ticket(random: Random) -> Example:
    label = random.choice(sorted(TICKETS))
    text = random.choice(TICKETS[label]).format(random.choice(("Atlas", "Borealis")), random.randrange(100, 9999))
    return {"input": f"Classify this support ticket as billing, access or bug.\nTicket: {text}.", "output": label}


def _name(random: Random) -> Example:
    first, last = random.choice(FIRST), random.choice(LAST)
    return {"input": f"{last}, {first}", "output": f"{first} {last.upper()}"}
