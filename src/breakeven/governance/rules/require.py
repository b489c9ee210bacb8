"""A call must say whose it is: some dimensions must be known, and with `owner` its feature must have one.

>>> from breakeven.governance.policy import CallFacts, Setting
>>> test = RULE.compiled({"known": ("feature", "owner", "customer")}, Setting({"search": "ann", "old": None}))
>>> test(CallFacts(feature="search", customer="acme")) is None
True
>>> test(CallFacts(feature="search")).reason
'the call does not say its customer'
>>> test(CallFacts(feature="old", customer="acme")).reason
'nobody owns feature old'
"""

from __future__ import annotations

from breakeven.governance.policy import CallFacts, Objection, Rule, Setting, Term, Terms, Test

OWNER = "owner"
DIMENSIONS = ("feature", "team", "customer", "user", "key", "workflow", "environment")


def _compiled(terms: Terms, setting: Setting) -> Test:
    known: tuple[str, ...] = terms["known"]
    remedies = {name: f"Send the header `breakeven-{name}`, or use a key that has one." for name in known}
    remedies |= {"key": "Show a virtual key: breakeven keys create NAME."}
    places = tuple((CallFacts._fields.index(name), name) for name in known if name != OWNER)
    owned = frozenset(name for name, owner in setting.owners.items() if owner)
    needs_owner = OWNER in known

    def test(facts: CallFacts) -> Objection | None:
        for place, name in places:
            if not facts[place]:
                return Objection(f"the call does not say its {name}", remedies[name])
        if needs_owner and facts.feature not in owned:
            reason = (
                f"nobody owns feature {facts.feature}" if facts.feature else "the call does not say its feature, so nobody owns it"
            )
            return Objection(reason, "Declare an owner: breakeven owner assign FEATURE OWNER.")
        return None

    return test


RULE = Rule(
    name="require",
    summary="What must be known of a call: dimensions, and an owner of its feature.",
    terms=(Term("known", "words", required=True, choices=(*DIMENSIONS, OWNER)),),
    compiled=_compiled,
    words=lambda terms: f"calls without {' or '.join(terms['known'])}",
    reads=lambda terms: tuple("feature" if name == OWNER else name for name in terms["known"]),
)
