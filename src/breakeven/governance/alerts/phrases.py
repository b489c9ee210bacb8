"""How alerts say figures, periods and commands, in words that finance and engineering share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from breakeven.governance.budgets import amount_in_words

MINUS = "\N{MINUS SIGN}"
_PER_MILLE = 1000


def dollars(atto: int) -> str:
    """An amount of money with cents: `$20,003.10`."""
    return amount_in_words("usd", atto)


def percent(part: int, whole: int) -> str:
    """A share with one decimal, rounded down, so that nothing reads as reached before it is: `79.9%`. `whole` is above 0."""
    tenths = abs(part) * _PER_MILLE // whole
    return f"{MINUS if part < 0 and tenths else ''}{tenths // 10:,}.{tenths % 10}%"


def counted(number: int, noun: str) -> str:
    """`1 call`, `1,234 calls`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def instant(at: datetime) -> str:
    """An instant as people read it: `2026-10-31 22:00 UTC`."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def listed(names: Sequence[str], most: int = 3) -> str:
    """At most three names and how many more there are."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def command(*words: str, **options: str | None) -> str:
    """A command line of ours that can be pasted: `breakeven pnl --feature 'Support answers'`."""
    given = [word for name, value in options.items() if value is not None for word in (f"--{name}", value)]
    return " ".join(("breakeven", *(_quoted(word) for word in (*words, *given))))


def narrowed(dimensions: Mapping[str, Sequence[str]], known: Sequence[str]) -> dict[str, str | None]:
    """The dimensions with one value that a command can filter by."""
    return {name: values[0] for name, values in dimensions.items() if name in known and len(values) == 1}


def owner_of(features: Sequence[str], owners: Mapping[str, str | None]) -> str | None:
    """Who answers for these features; None where nobody does, or several do."""
    found = {owners.get(feature) for feature in features}
    return found.pop() if len(found) == 1 else None


_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,=@%+")


def _quoted(word: str) -> str:
    """A word as a shell takes it."""
    return word if word and set(word) <= _PLAIN else "'" + word.replace("'", "'\"'\"'") + "'"
