"""A single call may cost at most so much in the worst case. A call of unknown price is not known to be cheap, and does not pass.

>>> from breakeven.governance.policy import CallFacts, Setting
>>> test = RULE.compiled({"at_most": 5 * 10**17}, Setting())
>>> test(CallFacts(worst_cost_atto=5 * 10**17)) is None
True
>>> test(CallFacts(worst_cost_atto=6 * 10**17, feature="search")).reason
'feature search could cost $0.60; at most $0.50 a call is allowed'
>>> test(CallFacts(feature="search", model="new")).reason
'what feature search could cost is unknown, because new has no price; at most $0.50 a call is allowed'
"""

from __future__ import annotations

from breakeven.governance.budgets import amount_in_words
from breakeven.governance.policy import Bounds, CallFacts, Objection, Rule, Setting, Term, Terms, Test, who


def _compiled(terms: Terms, setting: Setting) -> Test:
    del setting
    most: int = terms["at_most"]
    allowed = f"at most {amount_in_words('usd', most)} a call is allowed"

    def test(facts: CallFacts) -> Objection | None:
        worst = facts.worst_cost_atto
        if worst is None:
            model = facts.model or "its model"
            reason = f"what {who(facts)} could cost is unknown, because {model} has no price; {allowed}"
            return Objection(reason, "Add the model's price to the price file.")
        if worst <= most:
            return None
        what = f"{who(facts)} could cost {amount_in_words('usd', worst)}; {allowed}"
        return Objection(what, "Send less context, ask for fewer output tokens, or call a cheaper model.")

    return test


RULE = Rule(
    name="cap_cost",
    summary="The most that one call may cost in the worst case.",
    terms=(Term("at_most", "dollars", required=True),),
    compiled=_compiled,
    words=lambda terms: f"calls that could cost more than {amount_in_words('usd', terms['at_most'])}",
    reads=lambda _terms: ("worst_cost_atto",),
    bounds=lambda terms: Bounds(cost_atto=(terms["at_most"],)),
    of_history="what a call could have cost is not recorded: what it did cost is taken, which is at most that",
)
