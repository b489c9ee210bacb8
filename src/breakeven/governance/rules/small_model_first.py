"""A task begins on a small model: these features' calls name one of the models (or rungs) to try first.

What the gateway itself escalates to, after a small model was tried, is no call of its own and is not judged.

>>> from breakeven.governance.policy import CallFacts, Setting
>>> test = RULE.compiled({"first": ("gpt-5*-mini", "small")}, Setting())
>>> test(CallFacts(model="gpt-5-mini")) is None and test(CallFacts(model="x", rung="small")) is None
True
>>> test(CallFacts(model="gpt-5.5-pro", feature="search")).reason
'feature search begins with gpt-5.5-pro instead of gpt-5*-mini, small'
"""

from __future__ import annotations

from breakeven.governance.charter import RUNGS
from breakeven.governance.policy import CallFacts, Objection, Rule, Setting, Term, Terms, Test, named, who


def _compiled(terms: Terms, setting: Setting) -> Test:
    del setting
    first: tuple[str, ...] = terms["first"]
    small, rungs = named(first), frozenset(first) & frozenset(RUNGS)
    listed = ", ".join(first)

    def test(facts: CallFacts) -> Objection | None:
        if facts.rung in rungs or small(facts.model):
            return None
        model = facts.model or "an unknown model"
        return Objection(
            f"{who(facts)} begins with {model} instead of {listed}", f"Try {listed} first, and escalate where a check fails."
        )

    return test


RULE = Rule(
    name="small_model_first",
    summary="The models or rungs that a task must begin with.",
    terms=(Term("first", "words", required=True),),
    compiled=_compiled,
    words=lambda terms: f"calls that do not begin with {', '.join(terms['first'])}",
    reads=lambda _terms: ("model", "rung"),
)
