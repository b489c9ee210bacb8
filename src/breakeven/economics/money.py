"""Exact money.

Inside, an amount of one currency is a whole number of *atto-units* (10⁻¹⁸ of the currency unit): $0.0028 per million tokens is
2.8 nano-dollars a token, and a discount on it can need 14 digits. Sums and products with counts are then exact integer arithmetic.
At the border it is a `Decimal` with at most 18 fractional digits, or a string of exact digits. It is never a float, and it is
rounded only when shown (`shown`) or shared out (`shares`).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal, DecimalException

from breakeven.errors import UsageError

SCALE = 18
ATTO = 10**SCALE
MAX_ATTO = 10**38 - 1
INTEGER_DIGITS = 20
_EXACT = Context(prec=76, rounding=ROUND_HALF_EVEN)


def atto(amount: Decimal | str | int) -> int:
    """The whole number of 10⁻¹⁸ units in `amount`.

    Raises ValueError where the amount is not finite, needs more than 18 fractional digits, or exceeds DECIMAL(38,18).
    """
    try:
        value = amount if isinstance(amount, Decimal) else Decimal(amount)
    except DecimalException as error:
        raise ValueError(f"{amount!r} is not a decimal number") from error
    if not value.is_finite():
        raise ValueError(f"{amount!r} is not a finite amount")
    if not value:
        return 0
    # The magnitude is looked at first: an exponent of a million digits must not be expanded into an integer.
    if value.adjusted() >= INTEGER_DIGITS:
        raise ValueError(f"{amount} does not fit into DECIMAL(38,18)")
    numerator, denominator = value.as_integer_ratio() if value.adjusted() >= -SCALE else (0, ATTO * 10)
    whole: int
    whole, rest = divmod(numerator * ATTO, denominator)
    if rest or not whole:
        raise ValueError(f"{amount} needs more than {SCALE} decimal places")
    return whole


def written(text: str, name: str, example: str) -> int:
    """The atto-units of an amount that a person wrote, such as `$1,250.50`. Raises UsageError for what is no amount or below 0."""
    try:
        value = atto(text.strip().lstrip("$").replace(",", ""))
    except ValueError:
        value = -1
    if value < 0:
        raise UsageError(f"{name} {text!r} is not an amount", f"Write an amount of the ledger's currency, such as {example}.")
    return value


def amount(value: int) -> Decimal:
    """The exact `Decimal` of a whole number of 10⁻¹⁸ units."""
    return Decimal(value).scaleb(-SCALE, _EXACT)


def digits(value: Decimal | int | None) -> str | None:
    """All digits, no exponent, no idle zeros: `0.000000000000000001`, `12`, `-0.5`. None stays None; an int is atto-units."""
    if value is None:
        return None
    text = format(amount(value) if isinstance(value, int) else value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def shown(value: Decimal, places: int = 2) -> Decimal:
    """`value` rounded half-even to `places`, for display and invoices only."""
    return value.quantize(Decimal(1).scaleb(-places), context=_EXACT)


def shares(total: int, weights: Sequence[int]) -> list[int]:
    """Whole parts of `total` in proportion to `weights`, by the method of largest remainder; they sum to `total` exactly.

    Ties go to the earlier part. Weights that are all zero share evenly. Raises ValueError on a negative weight or no parts.
    """
    if not weights or min(weights) < 0:
        raise ValueError("shares need at least one weight, none of them negative")
    if sum(weights) == 0:
        weights = [1] * len(weights)
    whole = sum(weights)
    sign = -1 if total < 0 else 1
    quotas = [divmod(abs(total) * weight, whole) for weight in weights]
    parts = [quota for quota, _ in quotas]
    missing = abs(total) - sum(parts)
    for index in sorted(range(len(quotas)), key=lambda i: (-quotas[i][1], i))[:missing]:
        parts[index] += 1
    return [sign * part for part in parts]
