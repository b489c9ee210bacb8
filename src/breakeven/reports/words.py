"""How figures are said: money, counts and shares in sentences. One place, so that web, terminal and print say the same words."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal

from breakeven.economics.money import amount

MINUS = "\N{MINUS SIGN}"
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_EXACT = Context(prec=76, rounding=ROUND_HALF_EVEN)
_CENT = Decimal("0.01")
_WHOLE_DOLLARS_FROM = 100


def dollars(atto_units: int) -> str:
    """`$41,710`; below $100 with cents, below $1 to three significant digits, so that what was paid never reads as $0."""
    value = amount(atto_units)
    sign = MINUS if value < 0 else ""
    return f"{sign}${grouped(abs(value))}"


def signed_dollars(atto_units: int) -> str:
    """A change in money: `+$4,900`, `−$3`; nothing is `$0`."""
    return f"+{dollars(atto_units)}" if atto_units > 0 else dollars(atto_units)


def grouped(value: Decimal) -> str:
    """A non-negative amount with thousands separators and as many decimals as its size needs."""
    if value == 0:
        return "0"
    if value >= _WHOLE_DOLLARS_FROM:
        return f"{value.quantize(Decimal(1), context=_EXACT):,}"
    cents = value.quantize(_CENT, context=_EXACT)
    return f"{cents}" if value >= 1 or value == cents else significant(value).rstrip("0")


def significant(value: Decimal, figures: int = 3) -> str:
    """`value` to that many significant digits, without exponent: 0.146, 0.0518, 1,234."""
    if value == 0:
        return "0"
    places = figures - 1 - value.adjusted()
    rounded = value.quantize(Decimal(1).scaleb(-max(places, 0)), context=_EXACT)
    return f"{rounded:,f}".replace("-", MINUS)


def percent(share: float | None, decimals: int = 1) -> str:
    """`58.7%`; an en dash where unknown. A share that is not whole never reads as 100%, nor one above nothing as 0%."""
    if share is None:
        return "–"
    smallest = 10.0**-decimals
    value = share * 100
    if 0 < value < smallest:
        return f"under {smallest:.{decimals}f}%"
    if 100 - smallest < value < 100:  # noqa: PLR2004 - a whole, in percent
        return f"over {100 - smallest:.{decimals}f}%"
    text = f"{value:,.{decimals}f}".replace("-", MINUS)
    return f"{text}%"


def prose(*sentences: str) -> str:
    """Sentences one after another, without those that say nothing."""
    return " ".join(filter(None, sentences))


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 call`, `1,234 calls`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def number_word(number: int) -> str:
    """Small numbers as words, as in `one feature of three`."""
    return _NUMBERS[number] if 0 <= number < len(_NUMBERS) else f"{number:,}"
