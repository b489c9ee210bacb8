"""Frontier models belong where customers are: outside of the named environments they are not used.

A model is frontier by its rung, or because `models` lists it. A call whose environment is not known is outside.

>>> from breakeven.governance.policy import CallFacts, Setting
>>> test = RULE.compiled({"environments": ("production",), "models": ("gpt-5*-pro",)}, Setting())
>>> test(CallFacts(model="gpt-5.5-pro", environment="production")) is None
True
>>> test(CallFacts(model="gpt-5.5-pro", environment="staging", feature="search")).reason
'gpt-5.5-pro is a frontier model, and feature search in staging is not in production'
>>> test(CallFacts(model="x", rung="frontier")).reason
'x is a frontier model, and a call without a feature is not in production'
"""

from __future__ import annotations

from breakeven.governance.policy import CallFacts, Objection, Rule, Setting, Term, Terms, Test, named, who

FRONTIER = "frontier"


def _compiled(terms: Terms, setting: Setting) -> Test:
    del setting
    environments = frozenset(terms["environments"])
    listed = named(terms.get("models", ()))
    allowed = " or ".join(terms["environments"])

    def test(facts: CallFacts) -> Objection | None:
        if facts.environment in environments or not (facts.rung == FRONTIER or listed(facts.model)):
            return None
        model = facts.model or "the model"
        return Objection(
            f"{model} is a frontier model, and {who(facts)} is not in {allowed}", f"Use a smaller model outside of {allowed}."
        )

    return test


RULE = Rule(
    name="frontier_only_in",
    summary="The environments in which frontier models may be used.",
    terms=(Term("environments", "words", required=True), Term("models", "words")),
    compiled=_compiled,
    words=lambda terms: f"frontier models outside of {', '.join(terms['environments'])}",
    reads=lambda _terms: ("environment", "model", "rung"),
)
