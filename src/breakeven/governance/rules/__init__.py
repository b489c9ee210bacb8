"""The built-in rules, one module each. Others join through the entry point group `breakeven.rules`, each a `Rule`."""

from breakeven.governance.policy import Rule
from breakeven.governance.rules import (
    cap_cost,
    cap_output_tokens,
    forbid,
    frontier_only_in,
    require,
    small_model_first,
)

RULES: tuple[Rule, ...] = (
    forbid.RULE,
    cap_output_tokens.RULE,
    cap_cost.RULE,
    require.RULE,
    small_model_first.RULE,
    frontier_only_in.RULE,
)
__all__ = ["RULES"]
