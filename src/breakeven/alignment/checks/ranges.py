"""Fields that must be there, and figures that must be plausible."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from breakeven.alignment.checks.options import Options
from breakeven.alignment.checks.port import Kind
from breakeven.alignment.checks.stated import NOTHING, each_at, number_of, value_of
from breakeven.alignment.task import Reply, Task


@dataclass(frozen=True, slots=True)
class PresentCheck:
    """What `fields` name is there and not empty."""

    fields: tuple[str, ...]
    kind: str = "present"

    def fault(self, task: Task, reply: Reply) -> str | None:
        """The first field that is missing or empty."""
        del task
        value = value_of(reply)
        found = (pair for field in self.fields for pair in each_at(value, field))
        return next((f"{where} is missing or empty" for where, one in found if one is NOTHING or one in (None, "", [], {})), None)


@dataclass(frozen=True, slots=True)
class RangeCheck:
    """What `field` names is a number from `least` to `most`, both included."""

    field: str
    least: Decimal | None
    most: Decimal | None
    kind: str = "range"

    def fault(self, task: Task, reply: Reply) -> str | None:
        """The first figure out of bounds."""
        del task
        for where, one in each_at(value_of(reply), self.field):
            number = number_of(one)
            if number is None:
                return f"{where} is not there" if one is NOTHING else f"{where} is no number: {str(one)[:40]!r}"
            if self.least is not None and number < self.least:
                return f"{where} is {number:f}, below {self.least:f}"
            if self.most is not None and number > self.most:
                return f"{where} is {number:f}, above {self.most:f}"
        return None


def _present(options: object) -> PresentCheck:
    given = Options(options, "present", ("fields",), main="fields")
    fields = given.texts("fields")
    if not fields:
        raise given.fault("fields", "fields names none", "Write `present: [vendor, total]`.")
    return PresentCheck(fields)


def _range(options: object) -> RangeCheck:
    given = Options(options, "range", ("field", "least", "most"))
    least, most = given.number("least"), given.number("most")
    if least is None and most is None:
        raise given.fault("least", "it bounds nothing", "Write `least: 0`, `most: 100000` or both.")
    if least is not None and most is not None and most < least:
        raise given.fault("most", f"most is {most}, below least", "Write a larger number.")
    return RangeCheck(given.text("field"), least, most)


PRESENT = Kind("present", _present)
RANGE = Kind("range", _range)
