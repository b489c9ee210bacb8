"""The sentence of a report: what its figures say, and what cannot be said. Never a number where nothing is known."""

from __future__ import annotations

from collections.abc import Mapping

from breakeven.economics.pnl import Tally
from breakeven.economics.verdict import Verdict
from breakeven.reports.trail import Shares
from breakeven.reports.words import count, dollars, number_word, percent


def pnl_sentence(label: str, whole: Tally, shares: Shares, features: Mapping[str, Tally], verdicts: Mapping[str, Verdict]) -> str:
    """In October AI earned … and cost …: it created …; who destroys value; what has no owner or no price."""
    parts = [
        _headline(label, whole),
        _losers(features, verdicts),
        _avoided(whole),
        _fixed(whole),
        _unowned(shares, whole),
        _unpriced(whole),
    ]
    return " ".join(part for part in parts if part)


def _headline(label: str, whole: Tally) -> str:
    when = "Over all time" if label == "all time" else f"In {label}"
    calls = count(whole.calls, "call")
    if whole.value is None and whole.calls == 0 and not whole.cost:
        return f"There are no calls in {label}." if label != "all time" else "There are no calls yet."
    if whole.cost is None and whole.value is None:
        one = whole.calls == 1
        return (
            f"{when} there {_verb(whole.calls, 'was', 'were')} {calls}; what {_verb(whole.calls, 'it', 'they')} cost is unknown, "
            + ("because it has no price." if one else "because none of them has a price.")
        )
    if whole.cost is None and whole.calls == 0:
        return f"{when} AI earned {dollars(whole.value or 0)}; what it cost is unknown, because no calls are recorded."
    if whole.cost is None:
        return f"{when} AI earned {dollars(whole.value or 0)}; what it cost is unknown, because no call has a price."
    if whole.value is None:
        unknown = "what it earned is unknown: no value model with outcomes or revenue applies"
        return f"{when} AI cost {dollars(whole.cost)} over {calls}; {unknown}."
    return f"{when} AI earned {dollars(whole.value)} and cost {dollars(whole.cost)}: {_result(whole)}."


def _result(whole: Tally) -> str:
    kept = whole.contribution or 0
    margin = f" ({percent(whole.margin)})" if whole.margin is not None else ""
    if kept == 0:
        return "it broke even"
    return f"it created {dollars(kept)}{margin}" if kept > 0 else f"it destroyed {dollars(-kept)}{margin}"


def _losers(features: Mapping[str, Tally], verdicts: Mapping[str, Verdict]) -> str:
    """How many features destroy value by the verdict's rule, and how many more lose money without proof."""
    destroying = [name for name, verdict in verdicts.items() if verdict.finding == "destroys"]
    losing = [
        name
        for name, tally in features.items()
        if name not in destroying and tally.value is not None and (tally.contribution or 0) + (tally.avoided_cost or 0) < 0
    ]
    parts = []
    if destroying:
        parts.append(f"{_of(len(destroying), len(features))} {_verb(len(destroying), 'destroys', 'destroy')} value.")
    if losing:
        which = f"{number_word(len(losing)).capitalize()} more" if destroying else _of(len(losing), len(features))
        parts.append(
            f"{which} {_verb(len(losing), 'costs', 'cost')} more than {_verb(len(losing), 'it earns', 'they earn')}, unproven."
        )
    return " ".join(parts)


def _of(part: int, whole: int) -> str:
    if part == whole:
        return "The only feature" if whole == 1 else f"All {number_word(whole)} features"
    return f"{number_word(part).capitalize()} {_verb(part, 'feature', 'features')} of {number_word(whole)}"


def _verb(number: int, one: str, many: str) -> str:
    return one if number == 1 else many


def _avoided(whole: Tally) -> str:
    return f"By declared baselines it avoided {dollars(whole.avoided_cost)} besides." if whole.avoided_cost else ""


def _fixed(whole: Tally) -> str:
    return f"Fixed costs of {dollars(whole.fixed_cost)} come on top." if whole.fixed_cost else ""


def _unowned(shares: Shares, whole: Tally) -> str:
    if shares.attributed is None or shares.attributed >= 1:
        return ""
    of_what = "cost" if whole.cost else "calls"
    verb = "has" if whole.cost else "have"
    return f"{percent(1 - shares.attributed)} of {of_what} {verb} no owner."


def _unpriced(whole: Tally) -> str:
    if not whole.unknown_calls or whole.cost is None:
        return ""
    return f"The cost of {percent(whole.unknown_calls / whole.calls)} of calls is unknown and not in these figures."
