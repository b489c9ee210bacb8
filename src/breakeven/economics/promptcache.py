"""What a vendor's prompt cache saves: reads are cheaper than input, writes are dearer, and only usage tells which wins.

saving = reads x (input price - read price) - writes x (write price - input price)
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CachePrices:
    """Atto-dollars per token: uncached input, a read from the cache, a write into it."""

    input: int
    read: int
    write: int


@dataclass(frozen=True, slots=True)
class Reuse:
    """Input tokens of calls: all of them; those in a prefix that could be read; those of it that had expired; the rest, new.

    `input` = `readable` + `expired` + `new`, without calls too short to be cached, which are in `input` alone.
    """

    input: int
    readable: int
    expired: int
    new: int

    @property
    def potential(self) -> int:
        """What could be read if nothing ever expired."""
        return self.readable + self.expired


def saving(reads: int, writes: int, prices: CachePrices) -> int:
    """What reads saved less what writes cost more, in atto-dollars; negative where caching loses money."""
    return reads * (prices.input - prices.read) - writes * (prices.write - prices.input)


def bounds(reuse: Reuse, prices: CachePrices) -> tuple[int, int]:
    """The saving if everything that is not read is written, and if nothing had to be paid for writing: it lies between them."""
    return saving(reuse.readable, reuse.expired + reuse.new, prices), saving(reuse.readable, 0, prices)


def break_even_share(prices: CachePrices) -> float | None:
    """The share of cached input that must be reads so that caching pays: premium / (premium + discount). None: it never does."""
    premium, discount = max(0, prices.write - prices.input), prices.input - prices.read
    return premium / (premium + discount) if discount > 0 else None


def verdict(measured: int | None, *, on: bool, reads: int, writes: int, potential: int | None) -> str:
    """What to do: `switch off` where it lost money, `switch on` where it would save some, else `keep`; `unknown` without prices."""
    if on or reads or writes:
        return "unknown" if measured is None else "switch off" if measured < 0 else "keep"
    if potential is None:
        return "unknown"
    return "switch on" if potential > 0 else "keep"
