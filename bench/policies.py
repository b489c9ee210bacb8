"""How long six policies take to let one live call pass, and to refuse it (target: 2 µs for a handful).

Run: python bench/policies.py
"""

from __future__ import annotations

import timeit

from breakeven.governance.policy import CallFacts, Policy, PolicyBook, Setting
from breakeven.governance.rules import RULES

ROUNDS, CALLS = 5, 200_000
RULE = {rule.name: rule for rule in RULES}
BOOK = PolicyBook(
    [
        Policy("forbid", RULE["forbid"], {"models": ("gpt-5*-pro",), "providers": ("deepseek",)}),
        Policy("tokens", RULE["cap_output_tokens"], {"at_most": 4000}, {"feature": frozenset({"search"})}),
        Policy("cost", RULE["cap_cost"], {"at_most": 10**18}),
        Policy("owner", RULE["require"], {"known": ("feature", "owner", "team")}),
        Policy("small", RULE["small_model_first"], {"first": ("small",)}, {"feature": frozenset({"invoices"})}, "warn"),
        Policy("frontier", RULE["frontier_only_in"], {"environments": ("production",), "models": ("gpt-5*-pro",)}),
    ],
    Setting({"search": "ann"}),
)
PASSES = CallFacts("search", "care", "acme", "u1", "k1", None, "production", "openai", "gpt-5.4", 1000, 10**15, "mid")
REFUSED = PASSES._replace(worst_cost_atto=2 * 10**18)


def main() -> None:
    """Print the best of five rounds for either call."""
    for title, facts in (("six policies, the call passes", PASSES), ("six policies, the third refuses it", REFUSED)):
        taken = min(timeit.repeat(lambda facts=facts: BOOK.verdict(facts), number=CALLS, repeat=ROUNDS)) / CALLS  # type: ignore[misc]
        print(f"{title:<47}{taken * 1e6:8.2f} µs")


if __name__ == "__main__":
    main()
