"""When a vendor's day starts: the hour at which metered quantities, cut into days, agree best with those of its invoice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from breakeven.economics.reconciliation import InvoiceLine, Metered

SHIFTS = tuple(sorted(range(-14, 13), key=abs))
_MUCH_BETTER = 2
_FEWEST_DAYS = 3


def day_of(hour: datetime, shift: int) -> date:
    """The vendor's day of an hour, where its day starts `shift` hours after midnight UTC."""
    return (hour - timedelta(hours=shift)).date()


def best_shift(lines: Sequence[InvoiceLine], metered: Sequence[Metered], span: tuple[datetime, datetime]) -> int:
    """Hours by which the invoice's day starts after midnight UTC; 0 where days cannot tell, or UTC agrees nearly as well.

    Quantities are compared day by day, all classes in one sum, so that what moved between classes does not matter.
    """
    days = {line.day for line in lines}
    if len(days) < _FEWEST_DAYS or any(line.day is None or line.quantity is None for line in lines):
        return 0
    invoiced: dict[date, int] = defaultdict(int)
    for line in lines:
        if line.day is not None:
            invoiced[line.day] += line.quantity or 0
    hours: dict[datetime, int] = defaultdict(int)
    for row in metered:
        hours[row.hour] += row.quantity
    apart = {shift: _apart(invoiced, hours.items(), span, shift) for shift in SHIFTS}
    best = min(SHIFTS, key=lambda shift: apart[shift])
    return best if apart[best] * _MUCH_BETTER < apart[0] else 0


def _apart(invoiced: dict[date, int], hours: Iterable[tuple[datetime, int]], span: tuple[datetime, datetime], shift: int) -> int:
    open_: dict[date, int] = defaultdict(int, invoiced)
    for hour, quantity in hours:
        if span[0] <= hour - timedelta(hours=shift) < span[1]:
            open_[day_of(hour, shift)] -= quantity
    return sum(map(abs, open_.values()))
