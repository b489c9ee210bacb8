"""An answer may have at most so many tokens. A call that sets no limit is not bounded by anything, and does not pass.

>>> from breakeven.governance.policy import CallFacts, Setting
>>> test = RULE.compiled({"at_most": 2000}, Setting())
>>> test(CallFacts(max_output_tokens=2000)) is None
True
>>> test(CallFacts(max_output_tokens=2001, feature="search")).reason
'feature search asks for up to 2,001 output tokens; at most 2,000 are allowed'
>>> test(CallFacts()).reason
'a call without a feature sets no limit of output tokens; at most 2,000 are allowed'
"""

from __future__ import annotations

from breakeven.governance.policy import Bounds, CallFacts, Objection, Rule, Setting, Term, Terms, Test, who


def _compiled(terms: Terms, setting: Setting) -> Test:
    del setting
    most: int = terms["at_most"]
    remedy = f"Set max_tokens (max_output_tokens, max_completion_tokens) to at most {most}."

    def test(facts: CallFacts) -> Objection | None:
        asked = facts.max_output_tokens
        if asked is not None and asked <= most:
            return None
        what = "sets no limit of output tokens" if asked is None else f"asks for up to {asked:,} output tokens"
        return Objection(f"{who(facts)} {what}; at most {most:,} are allowed", remedy)

    return test


RULE = Rule(
    name="cap_output_tokens",
    summary="The most tokens that an answer may have.",
    terms=(Term("at_most", "count", required=True),),
    compiled=_compiled,
    words=lambda terms: f"answers of more than {terms['at_most']:,} tokens",
    reads=lambda _terms: ("max_output_tokens",),
    bounds=lambda terms: Bounds(output_tokens=(terms["at_most"],)),
    of_history="what an answer was allowed to have is not recorded: the tokens that it had are taken, which are at most those",
)
