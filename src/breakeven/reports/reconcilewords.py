"""What a reconciliation says in words, and the remedy of each cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from types import MappingProxyType

from breakeven.economics.money import ATTO, digits
from breakeven.economics.periods import Period
from breakeven.economics.reconciliation import InvoiceLine, Part, Reconciliation, plainest
from breakeven.economics.usage import CLASS_BY_NAME
from breakeven.reports.owners import quoted
from breakeven.reports.words import count, dollars

_FLAGS = {"input": "--input", "output": "--output", "cache_read": "--cache-read", "cache_write_5m": "--cache-write"}
_EXACT = Context(prec=76, rounding=ROUND_HALF_EVEN)
_PLACES = Decimal("0.000001")
_RATE = Context(prec=7, rounding=ROUND_HALF_EVEN)


def sentence(found: Reconciliation, posted: int, remaining: int, tolerance: Decimal, *, within: bool, explained: bool) -> str:
    """Whether it ties, by how much not, and how much of that has no cause."""
    most = f"{tolerance * 100:f}".rstrip("0").rstrip(".") if tolerance else "0"
    before = f"{dollars(found.metered)} was metered" + (f", {dollars(posted)} adjusted" if posted else "")
    said = f"{before} and {dollars(found.invoiced)} invoiced"
    tax = sum(part.amount for part in found.parts if part.cause == "tax")
    taxed = f", {dollars(tax)} of it tax" if tax else ""
    if not remaining:
        return f"{said}{taxed}: they tie."
    open_ = f", {dollars(found.unexplained)} unexplained" if found.unexplained else ", all of it explained"
    judged = "within" if within else "outside"
    causes = count(len({part.cause for part in found.parts}), "cause")
    last = "" if within or not explained else " Post the causes to close it."
    return f"{said}{taxed}: {dollars(remaining)} remains, {judged} the tolerance of {most}%; {causes}{open_}.{last}"


def remedy(
    parts: Sequence[Part],
    lines: Sequence[InvoiceLine],
    period: Period,
    given: str,
    rates: Mapping[str, Decimal] = MappingProxyType({}),
) -> str:
    """A command, or where no command can mend it, what to do. `given` and `rates`: how this reconciliation was asked.

    Calls that are in the ledger stay as they came, so what their tier costs is posted, and the tier is recorded from now on.
    """
    part = parts[0]
    provider, model = part.cell.provider, part.cell.model
    again = f"breakeven reconcile {given}{_rates(rates)}"
    narrowed = "" if model is None else f" model:{quoted(model)}"
    asked = f"breakeven calls provider:{quoted(provider)}{narrowed} --period {quoted(period.name)}"
    known = {
        "unseen key": f"breakeven import aggregates USAGE.csv --provider {quoted(provider)}  (the usage of key {part.detail})",
        "not metered": f"breakeven import aggregates USAGE.csv --provider {quoted(provider)}  (calls that passed the gateway by)",
        "disconnects": f"breakeven unpriced --period {quoted(period.name)}",
        "batch": f"{again} --post  (and from now on import or send such calls with processing=batch)",
        "served tier": f"{again} --post  (and from now on import or send such calls with service_tier)",
        "cache class": asked,
        "output class": asked,
        "discount": f"breakeven prices list --provider {quoted(provider)}  (declare it as a discount in the price file)",
        "credit": f"{again} --post",
        "tax": "book it as tax: it is no cost of a feature, and is not posted",
        "fee": f"{again} --post",
        "currency": f"breakeven reconcile {given}{_rates(_fitting(part, lines, rates))}{'' if part.quantity else ' --post'}",
        "rounding": f"{again} --post",
        "time zone": f"{again} --post  (the next period has the other side)",
        "unexplained": asked,
    }
    if part.cause in ("price", "unpriced"):
        return _price(parts, lines, period) or asked
    return known[part.cause]


def _rates(rates: Mapping[str, Decimal]) -> str:
    return "".join(f" --rate {name}={rate:f}" for name, rate in sorted(rates.items()))


def _fitting(part: Part, lines: Sequence[InvoiceLine], rates: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
    """The rates at which the prices would agree; those of the books, where the difference is the invoice's own exchange."""
    foreign = {line.currency for line in lines if line.provider == part.cell.provider and line.foreign} & set(rates)
    ratio = Decimal(part.detail.split()[0]) if part.cause == "currency" and part.quantity else Decimal(1)
    return {name: _RATE.divide(rate, ratio) if name in foreign and ratio != 1 else rate for name, rate in rates.items()}


def _quoted_price(lines: Sequence[InvoiceLine], priced_per: int) -> str:
    """The plainest price of `priced_per` units at which all these lines come out as they are rounded, else the mean."""
    known = [(line.amount, line.quantum, line.quantity) for line in lines if line.quantity]
    unit = Fraction(priced_per, ATTO)
    low = max((amount - Fraction(quantum, 2)) / quantity for amount, quantum, quantity in known) * unit
    high = min((amount + Fraction(quantum, 2)) / quantity for amount, quantum, quantity in known) * unit
    found = plainest(low, high, 10**6)
    if found is not None:
        return digits((Decimal(found.numerator) / Decimal(found.denominator)).quantize(_PLACES, context=_EXACT)) or "0"
    mean = Decimal(sum(amount for amount, _, _ in known)) / Decimal(sum(quantity for _, _, quantity in known))
    return digits((mean * priced_per / Decimal(ATTO)).quantize(_PLACES, context=_EXACT)) or "0"


def _price(parts: Sequence[Part], lines: Sequence[InvoiceLine], period: Period) -> str | None:
    """The command that enters the price which the invoice shows."""
    cell = parts[0].cell
    if cell.model is None or cell.usage_class is None:
        return None
    days = {part.cell.day for part in parts}
    of_cell = [
        line
        for line in lines
        if (line.provider, line.model, line.usage_class) == (cell.provider, cell.model, cell.usage_class)
        and line.quantity
        and line.tier == (None if cell.tier in (None, "standard") else cell.tier)
    ]
    alike = [line for line in of_cell if None in days or line.day in days]
    if not alike:
        return None
    known = CLASS_BY_NAME.get(cell.usage_class)
    priced_per = 1_000_000 if known is None else known.priced_per
    text = _quoted_price(alike, priced_per)
    flag = _FLAGS.get(cell.usage_class)
    price = f"{flag} {text}" if flag else f"--unit {cell.usage_class}={text}"
    since = min((day for day in days if day is not None), default=period.start.date())
    until = _until(of_cell, days, Fraction(text) / priced_per)
    ends = "" if until is None else f" --to {until}T00:00:00Z"
    named = f"{quoted(cell.provider)} {quoted(cell.model)}"
    return f"breakeven prices add {named} --from {since}T00:00:00Z{ends} {price} --source invoice"


def _until(lines: Sequence[InvoiceLine], days: AbstractSet[date | None], price: Fraction) -> date | None:
    """The first day after these that is billed at another price for one unit; None where the price goes on."""
    last = max((day for day in days if day is not None), default=None)
    if last is None:
        return None
    others = [
        line.day
        for line in lines
        if line.day is not None and line.day > last and abs(line.amount - price * ATTO * (line.quantity or 0)) > line.quantum
    ]
    return min(others, default=None)
