"""What one response says about its usage, and the faults found while reading it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Context, Decimal
from types import MappingProxyType
from typing import Any, Literal

from breakeven.economics.money import SCALE, atto
from breakeven.economics.usage import UsagePart
from breakeven.errors import Problem

ReadingState = Literal["metered", "usage_missing", "not_billed"]
Node = Mapping[str, Any]
NOTHING: Node = MappingProxyType({})

LARGEST_COUNT = 10**15
"""No vendor serves this many tokens in one response; a larger figure is a fault, not a quantity."""

_SHOWN = 40
NO_USAGE = "the response has no usage"
_ASK_AGAIN = "Take the usage from the vendor's usage report, or record it as unknown."
_CHECK = "Compare with the vendor's usage report."


@dataclass(frozen=True, slots=True)
class Reading:
    """What one response says.

    `state`: *metered* (the parts are what the vendor counted, possibly nothing), *usage_missing* (the call may cost something, the
    body does not say what: never zero), *not_billed* (an error answer: exactly zero). `stated_cost` and `stated_upstream_cost` are
    atto-dollars that the vendor itself put into the body; the second is what the upstream vendor bills on the customer's own key.
    """

    provider: str
    api: str
    model: str
    model_requested: str
    parts: tuple[UsagePart, ...]
    state: ReadingState
    context: Mapping[str, str]
    stated_cost: int | None = None
    stated_upstream_cost: int | None = None
    response_id: str = ""
    problems: tuple[Problem, ...] = ()
    http_status: int | None = None


@dataclass(frozen=True, slots=True)
class Metering:
    """What a body of one API says, before the provider adds what the address says. No parts: the usage is not known."""

    model: str = ""
    parts: tuple[UsagePart, ...] = ()
    context: Mapping[str, str] = field(default_factory=dict)
    stated_cost: int | None = None
    stated_upstream_cost: int | None = None
    response_id: str = ""


class Notes:
    """The faults of one body, collected while its counts are read. `impossible` is set once a count cannot be true."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.problems: list[Problem] = []
        self.impossible = False

    def doubt(self, what: str, remedy: str = _CHECK) -> None:
        """Something does not add up, but the counts themselves can be true."""
        self.problems.append(Problem(self.where, what, remedy))

    def reject(self, what: str, remedy: str = _ASK_AGAIN) -> None:
        """A count is missing or cannot be true: the usage of this body is unknown."""
        self.impossible = True
        self.problems.append(Problem(self.where, what, remedy))

    def missing(self, what: str) -> None:
        """A count that is needed is not there; nothing new where it was there and impossible."""
        if not self.impossible:
            self.reject(what)

    def count(self, node: Node, *names: str) -> int | None:
        """The first of these fields that is there, a whole non-negative number; None where none is, or it is null."""
        for name in names:
            value = node.get(name)
            if value is not None:
                return self.whole(name, value)
        return None

    def total(self, node: Node, *names: str) -> int:
        """Like `count`, and 0 where the vendor leaves the field out."""
        return self.count(node, *names) or 0

    def whole(self, name: str, value: object) -> int | None:
        """`value` if it can be a count, else a fault and None."""
        if isinstance(value, bool) or not isinstance(value, int):
            self.reject(f"{name} is {_shown(value)}, not a whole number")
            return None
        if not 0 <= value <= LARGEST_COUNT:
            self.reject(f"{name} is {_shown(value)}, which no response can have used")
            return None
        return value

    def node(self, parent: Node, *names: str) -> Node:
        """The first of these fields that is an object; empty where there is none. Anything else there is a fault."""
        for name in names:
            value = parent.get(name)
            if isinstance(value, Mapping):
                return value
            if value is not None:
                self.reject(f"{name} is {_shown(value)}, not an object")
        return NOTHING

    def nodes(self, parent: Node, name: str) -> list[Node]:
        """The objects of a list; empty where there is none. Anything else there is a fault."""
        value = parent.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
            self.reject(f"{name} is not a list of objects")
            return []
        return value

    def within(self, part: int, part_name: str, whole: int, whole_name: str) -> bool:
        """Whether a subset fits into its set; a fault where it does not."""
        if part <= whole:
            return True
        self.reject(f"{part_name} ({part}) is more than {whole_name} ({whole}) that contains it")
        return False

    def agree(self, ours: int, stated: int | None, name: str) -> None:
        """Our sum is the vendor's own total, or the difference is told."""
        if stated is not None and ours != stated:
            self.doubt(f"the counts sum to {ours}, but the vendor's {name} is {stated}")

    def money(self, node: Node, name: str) -> int | None:
        """A stated amount in atto-dollars; None where there is none or it is no amount."""
        value = node.get(name)
        if value is None:
            return None
        try:
            return stated_atto(value)
        except ValueError:
            self.doubt(f"{name} is {_shown(value)}, not an amount of money")
            return None


def stated_atto(value: object) -> int:
    """Atto-dollars of an amount written in a body.

    Vendors compute it in binary floating point, so it may have more than 18 decimals; those are rounded half-even.
    Raises ValueError where it is not a finite, non-negative number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError(f"{value!r} is not an amount")  # noqa: TRY004 - callers of JSON values catch one kind of fault
    amount = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not amount.is_finite() or amount < 0 or amount.adjusted() > SCALE:
        raise ValueError(f"{value!r} is not an amount")
    return atto(amount.quantize(Decimal(1).scaleb(-SCALE), context=Context(prec=76, rounding=ROUND_HALF_EVEN)))


def text(node: Node, *names: str) -> str:
    """The first of these fields that is a text with something in it; what cannot be printed is escaped."""
    for name in names:
        value = node.get(name)
        if isinstance(value, str) and value:
            return value if value.isprintable() else ascii(value)[1:-1]
    return ""


def objects(node: Node, name: str) -> list[Node]:
    """The objects of a list that says nothing about quantities; what is no object there is passed over."""
    value = node.get(name)
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def facts(**found: str) -> dict[str, str]:
    """A pricing context without the facts that are not known."""
    return {name: value for name, value in found.items() if value}


def nonzero(usage: Mapping[str, int]) -> dict[str, int]:
    """The usage without its zero classes."""
    return {name: quantity for name, quantity in usage.items() if quantity}


def _shown(value: object) -> str:
    if isinstance(value, Mapping | list):
        return "an object" if isinstance(value, Mapping) else "a list"
    if isinstance(value, int) and abs(value) > LARGEST_COUNT**2:
        return "a number of many digits"
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 3]}..."
