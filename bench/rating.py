"""How long one live call's price takes, with the quote cached and without (target: 5 µs with).

Run: python bench/rating.py
"""

from __future__ import annotations

import tempfile
import timeit
from datetime import datetime
from pathlib import Path

from breakeven.pricebook import PricingKey, open_card, rate

NOW = datetime(2026, 11, 20, 12)  # noqa: DTZ001 - times of the price book are naive UTC
USAGE = {"input": 1143, "cache_read": 8320, "output": 70, "reasoning": 512}
ROUNDS, CALLS = 5, 20_000


def main() -> None:
    """Print the best of five rounds for each step."""
    with tempfile.TemporaryDirectory() as directory:
        compiled = timeit.timeit(lambda: open_card(Path(directory), (), NOW), number=1)
        opened = min(timeit.repeat(lambda: open_card(Path(directory), (), NOW), number=1, repeat=ROUNDS))
        card = open_card(Path(directory), (), NOW)
    key = PricingKey("openai", "gpt-5-2025-08-07", NOW, (), 9463)
    quote = card.quote(key)
    quoting = min(timeit.repeat(lambda: card.quote(key), number=CALLS // 10, repeat=ROUNDS)) / (CALLS // 10)
    rating = min(timeit.repeat(lambda: rate(quote, USAGE), number=CALLS, repeat=ROUNDS)) / CALLS
    print(f"open card, first time (compiles the catalogue) {compiled:8.3f} s")
    print(f"open card from the archive                     {opened:8.3f} s")
    print(f"quote                                          {quoting * 1e6:8.2f} µs")
    print(f"rate four classes with the quote cached        {rating * 1e6:8.2f} µs")


if __name__ == "__main__":
    main()
