"""Invented invoices: what a vendor would bill for metered usage, with planted causes of difference and their exact amounts.

For trying `breakeven reconcile` out, and for its tests. Every invoice says that it is invented.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from breakeven.economics.invoicedays import day_of
from breakeven.economics.money import ATTO, amount, atto, digits, shown
from breakeven.reports.question import Facts, statement, whole

NUMBER = "INVENTED-{provider}-{start:%Y-%m}"
STRANGE_KEY = "sk-invented-4f2"
HEADER = (
    "InvoiceIssuerName", "InvoiceId", "BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargeCategory", "Model",
    "UsageClass", "ServiceTier", "ApiKey", "Quantity", "BilledCost", "BillingCurrency", "PaymentCurrencyBilledCost",
    "PaymentCurrency", "ChargeDescription",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Billed:
    """One line of an invented invoice; `cost` in atto-dollars. `paid` is what is paid in another currency."""

    provider: str
    day: date
    model: str | None
    usage_class: str | None
    quantity: int | None
    cost: int
    tier: str = ""
    key: str = ""
    category: str = "Usage"
    paid: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """An invoice as it is made up: its lines, and what each planted cause adds to what was metered, in atto-dollars."""

    lines: tuple[Billed, ...]
    planted: tuple[tuple[str, int], ...] = ()
    used: frozenset[date] = frozenset()
    """Days on which something is planted: the next cause takes another one, so that they can be told apart."""

    def with_cause(self, cause: str, lines: Sequence[Billed], *days: date) -> Draft:
        """The invoice with other lines, whose change of sum is that cause, on these days."""
        change = sum(line.cost for line in lines) - sum(line.cost for line in self.lines)
        return Draft(tuple(lines), (*self.planted, (cause, change)), self.used | set(days))


Plant = Callable[[Draft], Draft]


def honest(ledger: Facts, provider: str, start: datetime, end: datetime, *, shift: int = 0) -> Draft:
    """What was metered of a vendor, as an invoice bills it; its day starts `shift` hours after midnight UTC."""
    margin = timedelta(days=1)
    span = {"start": start - margin, "end": end + margin, "providers": [provider]}
    cells: dict[tuple[date, str, str, str], list[int]] = {}
    utc = 0
    for _, model, usage_class, tier, hour, quantity, cost, _ in ledger.query(statement("reconcile_metered"), span):
        utc += whole(cost) if start <= hour < end else 0
        if usage_class is not None and start <= hour - timedelta(hours=shift) < end:
            cell = cells.setdefault((day_of(hour, shift), model, usage_class, tier), [0, 0])
            cell[0] += int(quantity)
            cell[1] += whole(cost)
    lines = tuple(
        Billed(provider, day, model, name, count, cost, tier) for (day, model, name, tier), (count, cost) in sorted(cells.items())
    )
    return Draft(lines, (("time zone", sum(line.cost for line in lines) - utc),) if shift else ())


def unseen_key(draft: Draft, share: int = 40) -> Draft:
    """A key that never went through us used a fraction of what the dearest line did."""
    line = _dearest(draft)
    return draft.with_cause("unseen key", (*draft.lines, replace(_part(line, share), key=STRANGE_KEY)), line.day)


def not_metered(draft: Draft, share: int = 30) -> Draft:
    """Calls passed us by, on a key that is ours."""
    line = _dearest(draft)
    return draft.with_cause("not metered", (*draft.lines, _part(line, share)), line.day)


def batch(draft: Draft, share: int = 10) -> Draft:
    """A part of the dearest line was a batch, at half the price."""
    return _at_tier(draft, share, "batch", Decimal("0.5"), "batch")


def served_tier(draft: Draft, share: int = 10) -> Draft:
    """A part of the dearest line was served with priority, at twice the price."""
    return _at_tier(draft, share, "priority", Decimal(2), "served tier")


def cache_class(draft: Draft, share: int = 5) -> Draft:
    """A part of what we count as read from the cache is billed as plain input."""
    free = [line for line in draft.lines if line.day not in draft.used and line.usage_class == "cache_read"]
    cached = max(free, key=lambda line: line.cost)
    plain = next(
        line
        for line in draft.lines
        if (line.day, line.model, line.tier, line.usage_class) == (cached.day, cached.model, cached.tier, "input")
    )
    moved = (cached.quantity or 0) // share
    rest = [line for line in draft.lines if line not in (cached, plain)]
    return draft.with_cause("cache class", [*rest, _grown(cached, -moved), _grown(plain, moved)], cached.day)


def dearer(draft: Draft, factor: str = "1.1") -> Draft:
    """One model's output costs more than our price book says."""
    top = min((line for line in draft.lines if line.usage_class == "output"), key=lambda line: line.cost).model
    return draft.with_cause(
        "price", [_times(line, factor) if (line.model, line.usage_class) == (top, "output") else line for line in draft.lines]
    )


def discount(draft: Draft, factor: str = "0.9") -> Draft:
    """The vendor grants a discount on everything that our price book does not have."""
    return draft.with_cause("discount", [_times(line, factor) for line in draft.lines])


def credit(draft: Draft, dollars: int = 25) -> Draft:
    """The vendor grants a credit."""
    return draft.with_cause("credit", (*draft.lines, _flat(draft, -dollars * ATTO, "Credit")))


def tax(draft: Draft, dollars: int = 40) -> Draft:
    """The invoice has a tax."""
    return draft.with_cause("tax", (*draft.lines, _flat(draft, dollars * ATTO, "Tax")))


def rounded(draft: Draft) -> Draft:
    """Each line is rounded to cents, as on paper."""
    return draft.with_cause("rounding", [replace(line, cost=atto(shown(amount(line.cost)))) for line in draft.lines])


def paid_in_euro(draft: Draft, rate: str = "0.90", books: str = "1.12") -> Draft:
    """The invoice is paid in euro at the vendor's own rate; the books have another one."""
    lines = [replace(line, paid=amount(line.cost) * Decimal(rate)) for line in draft.lines]
    by_books = sum(atto((line.paid or Decimal(0)) * Decimal(books)) for line in lines)
    change = by_books - sum(line.cost for line in lines)
    return Draft(tuple(lines), (*draft.planted, ("currency", change)), draft.used)


def cut_off(draft: Draft, day: date, model: str, quantity: int) -> Draft:
    """The vendor bills output of calls that were cut off before they told their usage."""
    line = next(line for line in draft.lines if (line.day, line.model, line.usage_class) == (day, model, "output"))
    added = replace(line, quantity=quantity, cost=line.cost * quantity // (line.quantity or 1))
    return draft.with_cause("disconnects", (*draft.lines, added))


def not_billed(draft: Draft, share: int = 20) -> Draft:
    """A part of what was metered is not on the invoice, for no reason that it tells."""
    line = _dearest(draft)
    others = [other for other in draft.lines if other is not line]
    return draft.with_cause("unexplained", [*others, _grown(line, -((line.quantity or 0) // share))], line.day)


PLANTS: Mapping[str, Plant] = {
    "unseen key": unseen_key,
    "not metered": not_metered,
    "batch": batch,
    "served tier": served_tier,
    "cache class": cache_class,
    "price": dearer,
    "discount": discount,
    "credit": credit,
    "tax": tax,
    "rounding": rounded,
    "currency": paid_in_euro,
    "unexplained": not_billed,
}
"""What can be planted on any invoice, by the cause that `reconcile` must name."""


def write_invoice(path: Path, draft: Draft, start: datetime, end: datetime) -> Path:
    """The invoice as CSV, in the columns of FOCUS."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(HEADER)
        for line in draft.lines:
            number = NUMBER.format(provider=line.provider, start=start)
            writer.writerow(
                (line.provider, number, f"{start:%Y-%m-%d}", f"{end:%Y-%m-%d}", line.day.isoformat(), line.category,
                 line.model or "",
                 line.usage_class or "", line.tier, line.key, "" if line.quantity is None else line.quantity,
                 digits(line.cost), "USD",
                 "" if line.paid is None else digits(line.paid), "EUR" if line.paid is not None else "USD", "invented sample data")
            )  # fmt: skip
    return path


def write_sample_invoice(folder: Path, ledger: Facts, provider: str, start: datetime, end: datetime) -> Path:
    """The example of the documentation: a batch metered at full price, a key that we never saw, and rounding."""
    draft = rounded(unseen_key(batch(honest(ledger, provider, start, end), 2), 1))
    return write_invoice(folder / f"invoice-{provider}-{start:%Y-%m}-invented.csv", draft, start, end)


def _dearest(draft: Draft) -> Billed:
    free = [line for line in draft.lines if line.day not in draft.used and not line.key and not line.tier]
    return max((line for line in free if line.category == "Usage"), key=lambda line: line.cost)


def _part(line: Billed, share: int) -> Billed:
    quantity = (line.quantity or 0) // share
    return replace(line, quantity=quantity, cost=line.cost * quantity // (line.quantity or 1))


def _grown(line: Billed, by: int) -> Billed:
    quantity = (line.quantity or 0) + by
    return replace(line, quantity=quantity, cost=line.cost * quantity // (line.quantity or 1))


def _times(line: Billed, factor: str) -> Billed:
    return replace(line, cost=int(line.cost * Decimal(factor))) if line.category == "Usage" else line


def _at_tier(draft: Draft, share: int, tier: str, factor: Decimal, cause: str) -> Draft:
    line = _dearest(draft)
    part = _part(line, share)
    rest = replace(line, quantity=(line.quantity or 0) - (part.quantity or 0), cost=line.cost - part.cost)
    others = [other for other in draft.lines if other is not line]
    return draft.with_cause(cause, [*others, rest, replace(part, tier=tier, cost=int(part.cost * factor))], line.day)


def _flat(draft: Draft, cost: int, category: str) -> Billed:
    last = max(line.day for line in draft.lines)
    return Billed(draft.lines[0].provider, last, None, None, None, cost, category=category)
