"""Figures of an answer that must agree with each other: a sum with its parts, a product with its factors.

sum:      Σ parts  =  is  (± within)                 product:  Π factors  =  is  (± within), for each line where `each` names a list
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal, DecimalException

from breakeven.alignment.checks.options import Options
from breakeven.alignment.checks.port import Kind
from breakeven.alignment.checks.stated import NOTHING, each_at, number_of, value_of
from breakeven.alignment.task import Reply, Task

WITHIN = Decimal("0.01")
_EXACT = Context(prec=60)
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class TotalCheck:
    """What `of` names adds up (or multiplies) to what `is` names; an item of `of` that is a number stands for itself."""

    of: tuple[str | Decimal, ...]
    equals: str
    within: Decimal = WITHIN
    each: str = ""
    kind: str = "sum"

    def fault(self, task: Task, reply: Reply) -> str | None:
        """The first total that does not hold."""
        del task
        value = value_of(reply)
        scopes = list(each_at(value, f"{self.each}[]")) if self.each else [("", value)]
        if len(scopes) > _MOST:
            return f"{self.each} has more than {_MOST:,} items"
        return next((why for where, scope in scopes if (why := self._fault(where, scope)) is not None), None)

    def _fault(self, where: str, scope: object) -> str | None:
        parts: list[Decimal] = []
        at = f" in {where}" if where else ""
        for one in self.of:
            for path, found in [("", one)] if isinstance(one, Decimal) else each_at(scope, one):
                number = number_of(found)
                if number is None:
                    return _no_number(path, found) + at
                parts.append(number)
        found = next(iter(each_at(scope, self.equals)))[1]
        stated = number_of(found)
        if stated is None:
            return _no_number(self.equals, found) + at
        try:
            total = self._total(parts)
            holds = abs(_EXACT.subtract(total, stated)) <= self.within
        except DecimalException:
            return f"{self.equals} is out of all proportion{at}"
        return None if holds else f"{self._said()} is {total:f}, but {self.equals} says {stated:f}{at}"

    def _total(self, parts: list[Decimal]) -> Decimal:
        total = Decimal(0) if self.kind == "sum" else Decimal(1)
        for part in parts:
            total = _EXACT.add(total, part) if self.kind == "sum" else _EXACT.multiply(total, part)
        return total

    def _said(self) -> str:
        return (" + " if self.kind == "sum" else " × ").join(str(one) for one in self.of)


def _no_number(path: str, found: object) -> str:
    return f"{path} is not there" if found is NOTHING else f"{path} is no number: {str(found)[:40]!r}"


def _make(kind: str, options: object) -> TotalCheck:
    given = Options(options, kind, ("of", "is", "within", "each"))
    raw = given.value("of")
    parts: list[object] = list(raw) if isinstance(raw, list | tuple) else [raw]
    if not all(isinstance(one, str | int | Decimal) and not isinstance(one, bool) and one != "" for one in parts):
        raise given.fault("of", "of names no fields", f"Write `{kind}: {{of: [net, tax], is: total}}` or `of: lines[].amount`.")
    of = tuple(one if isinstance(one, str) else Decimal(str(one)) for one in parts)
    within = given.number("within", WITHIN) or Decimal(0)
    if within < 0:
        raise given.fault("within", f"within is {within}", "Write 0 or more.")
    equals = given.text("is")
    if "[]" in equals:
        raise given.fault("is", "is names several values", "Name one value; use `each: LIST` to look at every line of a list.")
    return TotalCheck(of, equals, within, given.text("each", "") if "each" in given else "", kind)


SUM = Kind("sum", lambda options: _make("sum", options))
PRODUCT = Kind("product", lambda options: _make("product", options))
