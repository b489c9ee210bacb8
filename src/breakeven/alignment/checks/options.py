"""The options of a check, read by name and type; what makes no sense is a CheckFault that names the option."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TypeVar

from breakeven.alignment.checks.port import CheckFault

Word = TypeVar("Word", bound=str)


class Options:
    """The options of one check, or of one of several under it."""

    def __init__(self, value: object, kind: str, known: Sequence[str], main: str = "") -> None:
        """`main` is the option that a plain value or a list stands for: `digits: iban` is `digits: {field: iban}`."""
        if main and value is not None and not isinstance(value, Mapping):
            value = {main: value}
        if not isinstance(value, Mapping):
            raise CheckFault(f"{kind} has no options", f"Write `{kind}: {{{known[0]}: ...}}`; options: {', '.join(known)}.")
        self._kind = kind
        self._options: Mapping[str, object] = value
        for name in value:
            if name not in known:
                near = difflib.get_close_matches(str(name), known, n=1)
                hint = f"Did you mean {near[0]!r}? " if near else ""
                raise CheckFault(f"{kind} has an unknown option {name!r}", f"{hint}Options: {', '.join(known)}.", (str(name),))

    def __contains__(self, name: str) -> bool:
        return self._options.get(name) is not None

    def value(self, name: str) -> object:
        """An option as it is; None where it is absent."""
        return self._options.get(name)

    def fault(self, name: str, what: str, remedy: str) -> CheckFault:
        """What is wrong with an option, to be raised."""
        return CheckFault(f"{self._kind}: {what}", remedy, (name,) if name in self._options else ())

    def text(self, name: str, default: str | None = None) -> str:
        """A text; required where there is no default."""
        found = self._options.get(name)
        if found is None and default is not None:
            return default
        if not isinstance(found, str) or not found.strip():
            raise self.fault(name, f"{name} is {_said(found)}", f"Write `{name}: a text`.")
        return found.strip()

    def word(self, name: str, allowed: Sequence[Word], default: Word | None = None) -> Word:
        """One of these words."""
        text = self.text(name, default)
        found = next((one for one in allowed if one == text), None)
        if found is None:
            raise self.fault(name, f"{name} is {text!r}", f"Write one of: {', '.join(allowed)}.")
        return found

    def texts(self, name: str) -> tuple[str, ...]:
        """A text or a list of texts; none where it is absent."""
        found = self._options.get(name)
        each = [found] if isinstance(found, str) else found
        if each is None:
            return ()
        if not isinstance(each, Sequence) or not each or not all(isinstance(one, str) and one for one in each):
            raise self.fault(name, f"{name} is {_said(found)}", f"Write `{name}: [a, b]`, a list of texts.")
        return tuple(str(one) for one in each)

    def number(self, name: str, default: Decimal | None = None) -> Decimal | None:
        """A finite number; the default where it is absent."""
        found = self._options.get(name)
        if found is None:
            return default
        try:
            value = Decimal(found) if isinstance(found, int | str | Decimal) and not isinstance(found, bool) else None
        except ArithmeticError:
            value = None
        if value is None or not value.is_finite():
            raise self.fault(name, f"{name} is {_said(found)}", f"Write `{name}: 0.01`, a number.")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """True or false."""
        found = self._options.get(name)
        if found is None:
            return default
        if not isinstance(found, bool):
            raise self.fault(name, f"{name} is {_said(found)}", f"Write `{name}: true` or `{name}: false`.")
        return found


def _said(value: object) -> str:
    return "missing" if value is None else repr(value)[:60]
