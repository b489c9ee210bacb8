"""What the engagement report says: who carries the cost, which decile loses, and what would mend it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from breakeven.economics.concentration import DECILES, FEWEST
from breakeven.economics.money import atto
from breakeven.reports.engagementrows import Decile, Loser, Section
from breakeven.reports.words import count, dollars, percent

FORMULA: Mapping[str, str] = {
    "decile": "customers or users ordered by calls and cut into ten groups of equal number; 10 is the keenest",
    "keeps": "earned - cost; margin = keeps / earned",
    "gini": "n/(n-1) x (2 sum(i x) / (n sum(x)) - (n+1)/n) of known cost; 95% percentile bootstrap; none below 30",
    "whale": "cumulated profit from the most profitable on: peak, and what is left after those who lose",
    "price_that_mends": "cost / (1 - wanted margin)",
    "calls_that_are_paid": "calls x earned x (1 - wanted margin) / cost",
    "cost_on_cheapest_rungs": "sum of min(cost, calls x cost per call on the feature's cheapest rung): quality not judged",
}
_CONCENTRATION = ("top 5%", "top 10%")


def section_sentence(section: Section, label: str) -> str:
    """The deciles that lose, how many are served at a loss, and concentration."""
    plural = f"{section.by}s"
    if not section.subjects:
        return f"No {section.by} is known for any call in {label}."
    # First what is asked: whether those who use it most are those who are dear.
    parts = [_losing_deciles(section, label), _losing(section), _shares(section, label), _gini(section)]
    if section.unpriced_subjects:
        parts.append(f"What {count(section.unpriced_subjects, section.by)} cost is unknown: none of their calls has a known cost.")
    unknown = sum(one.unpriced_calls for one in section.deciles)
    calls = sum(one.calls for one in section.deciles)
    if unknown:
        parts.append(f"The cost of {percent(unknown / calls)} of the {plural}' calls is unknown and not in these figures.")
    return " ".join(part for part in parts if part)


def loser_sentence(row: Loser, by: str) -> str:
    """What one loser costs and earns, and the three ways to mend it."""
    rung = (
        f"on each feature's cheapest rung its calls would cost about {dollars(atto(row.cost_on_cheapest_rungs))}, which "
        + ("would do, if the tasks allow it" if row.cheapest_rungs_are_enough else "would not do either")
        if row.cost_on_cheapest_rungs != row.cost
        else "no cheaper rung is known for its calls"
    )
    limit = (
        "" if row.calls_that_are_paid is None else f"a limit of {count(row.calls_that_are_paid, 'call')} instead of {row.calls:,}"
    )
    whose = f"{row.name}" if by == "customer" or row.customer is None else f"{row.name} of {row.customer}"
    return (
        f"{whose} costs {dollars(atto(row.cost))} and earns {dollars(atto(row.earned))}: mended by a price of "
        f"{dollars(atto(row.price_that_mends))}{', or ' + limit if limit else ''}; {rung}."
    )


def _shares(section: Section, label: str) -> str:
    named = {part.who: part for part in section.dearest}
    number = count(section.subjects, section.by)
    if not named:
        return f"What {number} cost in {label} is unknown or nothing."
    if section.subjects < DECILES:
        first = named["the dearest one"]
        return f"Of {number} in {label} the dearest one, {first.name}, is {percent(first.share_of_cost)} of cost."
    said = []
    for who in _CONCENTRATION:
        part = named[who]
        pays = "" if part.share_of_earned is None else f" and {percent(part.share_of_earned)} of what is earned"
        said.append(f"the dearest {who.removeprefix('top ')} are {percent(part.share_of_cost)} of cost{pays}")
    first = named["the dearest one"]
    return f"Of {number} in {label} {', '.join(said)}; the dearest one, {first.name}, is {percent(first.share_of_cost)}."


def _gini(section: Section) -> str:
    if section.gini is None:
        few = section.subjects - section.unpriced_subjects < FEWEST
        return f"Fewer than {FEWEST} of known cost have no Gini worth saying." if few else ""
    found = section.gini
    return f"The Gini of their cost is {found.estimate:.2f} (95%: {found.low:.2f} to {found.high:.2f})."


def _losing_deciles(section: Section, label: str) -> str:
    if section.earned_is is None:
        return f"What a {section.by} earns is unknown, so that nobody can be said to be served at a loss."
    known = [one for one in section.deciles if one.keeps is not None]
    losing = [one for one in known if atto(one.keeps or "0") < 0]
    if len(section.deciles) < DECILES or not known:
        return ""
    if not losing:
        return f"By calls in {label} no decile of {section.by}s costs more than it earns."
    if len(losing) == 1:
        return f"By calls in {label} {_decile(losing[0])} of {section.by}s alone loses: {_figures(losing[0])}."
    return f"By calls in {label} {_listed([_decile(one) for one in losing])} of {section.by}s lose."


def _decile(one: Decile) -> str:
    return "the keenest decile" if one.decile == DECILES else f"decile {one.decile}"


def _figures(one: Decile) -> str:
    return f"it costs {dollars(atto(one.cost or '0'))} and earns {dollars(atto(one.earned or '0'))}"


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _losing(section: Section) -> str:
    if section.earned_is is None:
        return ""
    basis = f" (earned: {section.earned_is})"
    if not section.losing:
        return f"No {section.by} costs more than it earns{basis}."
    who = f"{section.losing:,} of {count(section.subjects, section.by)}"
    verb = "costs more than it earns" if section.losing == 1 else "cost more than they earn"
    peak = f" of the {dollars(atto(section.whale.peak))} that the others keep" if section.whale else ""
    return f"{who} {verb}, {dollars(atto(section.losing_cost or '0'))}{peak}{basis}."
