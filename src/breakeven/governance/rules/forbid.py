"""Some models or vendors may not be used: at all, or (`when`) for some features, customers or environments.

>>> from breakeven.governance.policy import CallFacts, Setting
>>> test = RULE.compiled({"models": ("gpt-5*-pro",), "providers": ("deepseek",)}, Setting())
>>> test(CallFacts(model="gpt-5.4", provider="openai")) is None
True
>>> test(CallFacts(model="gpt-5.5-pro", feature="search")).reason
'model gpt-5.5-pro may not be used for feature search'
"""

from __future__ import annotations

from breakeven.governance.policy import CallFacts, Objection, Rule, Setting, Term, Terms, Test, named, who


def _compiled(terms: Terms, setting: Setting) -> Test:
    del setting
    models, providers = terms.get("models", ()), frozenset(terms.get("providers", ()))
    forbidden = named(models)

    def test(facts: CallFacts) -> Objection | None:
        if forbidden(facts.model):
            return Objection(f"model {facts.model} may not be used for {who(facts)}", "Call another model.")
        if facts.provider in providers:
            return Objection(f"vendor {facts.provider} may not be used for {who(facts)}", "Call a model of another vendor.")
        return None

    return test


def _words(terms: Terms) -> str:
    parts = [("models", terms.get("models", ())), ("vendors", terms.get("providers", ()))]
    return " and ".join(f"{name} {', '.join(values)}" for name, values in parts if values)


RULE = Rule(
    name="forbid",
    summary="Models or vendors that may not be used.",
    terms=(Term("models", "words"), Term("providers", "words")),
    compiled=_compiled,
    words=_words,
    reads=lambda _terms: ("model", "provider"),
)
