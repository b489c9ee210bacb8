"""Does a change of prompts, models, prices or limits break a charter? Two revisions, priced on recorded traffic or assumptions.

    cost after = recorded cost + Σ steps (prices, model, prompt: `governance/change.py`)
    value      = by the value models of each revision, on the recorded outcomes
    margin     = (value − cost) / value, held against margin_floor; cost / outcomes against unit_cost_ceiling

Without recorded traffic the declared assumptions stand in: calls × (input tokens × price + output tokens × price).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from breakeven.economics.money import ATTO, amount, digits
from breakeven.economics.pnl import Tally, per, total
from breakeven.governance.change import CHARACTERS_PER_TOKEN, Prices, Ratio, Step, Traffic, steps
from breakeven.governance.limits import Breach, Month, broken, over_budget
from breakeven.pricebook import RateCard
from breakeven.reports.changes import Change, characters, declared_changes
from breakeven.reports.checkrows import BreachRow, ChangeRow, Check, CheckTrail, FeatureRow, Side
from breakeven.reports.checkwords import breach_sentence, headline, remedy, unjudged
from breakeven.reports.planned import Planned, moves, planned_tally, unit_prices
from breakeven.reports.question import Facts, Remembering
from breakeven.reports.recorded import Span, learned_ratios, month_before, months, rungs_of_models, traffic
from breakeven.settings import CURRENCY
from breakeven.settings.revision import Revision

FORMULA = {
    "cost_after": "recorded cost + prices + model + prompt; recorded tokens stay as they are, except those of a changed prompt",
    "model": "sum(tokens by class x unit price of the new model) - recorded cost",
    "prompt": "requests x change in characters x tokens per character x unit price, by the recorded mix of input classes",
    "margin": "(value - cost) / value",
}


@dataclass(frozen=True, slots=True)
class Compared:
    """Both revisions, each with its price book, and the instant whose prices hold."""

    base: Revision
    head: Revision
    base_card: RateCard
    head_card: RateCard
    at: datetime


class _Subject(NamedTuple):
    """One feature on the way to its row."""

    feature: str | None
    before: Month | None
    after: Month | None
    basis: str
    steps: Sequence[Step]
    changes: Sequence[Change]


def check(ledger: Facts | None, compared: Compared, sides: tuple[Side, Side], asked: Span | None = None) -> Check:
    """Hold a change against the charters of the revision it leads to."""
    facts = None if ledger is None else Remembering(ledger)
    span = asked or (None if facts is None else month_before(facts, compared.at))
    recorded = _Recorded(facts, span, compared)
    subjects = [subject for name in recorded.names if (subject := _subject(name, recorded, compared)) is not None]
    return _report(subjects, recorded, compared, sides)


class _Recorded:
    """What the ledger says: months by either configuration, traffic of the features whose price changes, ratios, rungs."""

    def __init__(self, facts: Facts | None, span: Span | None, compared: Compared) -> None:
        base, head = compared.base.settings, compared.head.settings
        self.span = span
        self.before: dict[str | None, Tally] = {}
        self.after: dict[str | None, Tally] = {}
        self.traffic: dict[str | None, Traffic] = {}
        self.rungs: Mapping[str, str] = {}
        self.ratios: dict[tuple[str, str], Ratio] = {}
        self._learned: Callable[[str, str], Ratio] | None = None
        if facts is not None and span is not None:
            self.before, self.after = months(facts, base, span), months(facts, head, span)
        declared = dict.fromkeys([*head.features, *base.features])
        self.names: list[str | None] = [
            *declared,
            *(name for name in self.before if name is not None and name not in declared),
            None,
        ]
        if facts is not None and span is not None:
            known = [name for name in self.names if name in self.before and _touched(name, compared)]
            self.traffic = traffic(facts, known, span, compared.head_card.thresholds) if known else {}
            self.rungs = rungs_of_models(facts)
            if any(characters(name, compared.base, compared.head) for name in known if name is not None):
                self._learned = learned_ratios(facts)

    def ratio(self, provider: str, model: str) -> Ratio:
        """Tokens per character of a model, remembered for the trail."""
        found = self._learned(provider, model) if self._learned is not None else Ratio()
        self.ratios[provider, model] = found
        return found

    def calls(self, name: str | None) -> int:
        """How many calls of a feature are recorded."""
        return self.before[name].calls if name in self.before else 0


def _touched(name: str | None, compared: Compared) -> bool:
    """Whether the change may move what this feature's calls cost."""
    base, head = compared.base, compared.head
    if base.overlays != head.overlays or base.settings.gateway.routes != head.settings.gateway.routes:
        return True
    if name is None or name not in base.settings.features or name not in head.settings.features:
        return False
    old, new = base.settings.features[name].charter, head.settings.features[name].charter
    return old.named_models != new.named_models or bool(characters(name, base, head))


def _subject(name: str | None, recorded: _Recorded, compared: Compared) -> _Subject | None:
    old = compared.base.settings.features.get(name) if name is not None else None
    new = compared.head.settings.features.get(name) if name is not None else None
    changes = declared_changes(name, compared.base, compared.head) if name is not None else []
    if recorded.calls(name) or (name in recorded.before and new is None and old is None):
        found = _steps(name, recorded, compared)
        before = Month(old.charter if old else None, recorded.before.get(name, Tally()))
        after = Month(new.charter if new else None, _stepped(recorded.after.get(name, Tally()), found))
        return _Subject(name, before, after, "recorded traffic", found, changes)
    if name is None or (old is None and new is None):
        return None
    planned_before = planned_tally(name, compared.base, compared.base_card, compared.at) if old is not None else None
    planned_after = planned_tally(name, compared.head, compared.head_card, compared.at) if new is not None else None
    said = any(one is not None and one.assumed for one in (planned_before, planned_after))
    return _Subject(
        name,
        _month(planned_before),
        _month(planned_after),
        "declared assumptions" if said else "nothing",
        (),
        changes,
    )


def _month(planned: Planned | None) -> Month | None:
    return None if planned is None else Month(planned.charter, planned.tally)


def _steps(name: str | None, recorded: _Recorded, compared: Compared) -> list[Step]:
    found = recorded.traffic.get(name)
    if found is None:
        return []
    prices = Prices(unit_prices(compared.base_card, compared.at), unit_prices(compared.head_card, compared.at))
    grown = characters(name, compared.base, compared.head) if name is not None else 0
    return steps(
        found, prices, moves(name, found, compared.base, compared.head, compared.head_card, compared.at), grown, recorded.ratio
    )


def _stepped(tally: Tally, found: Sequence[Step]) -> Tally:
    if any(step.cost is None for step in found):
        return replace(tally, cost=None)
    return replace(tally, cost=None if tally.cost is None else tally.cost + sum(step.cost or 0 for step in found))


def _report(subjects: Sequence[_Subject], recorded: _Recorded, compared: Compared, sides: tuple[Side, Side]) -> Check:
    breaches = [breach for one in subjects if one.after is not None for breach in broken(one.before, one.after, recorded.rungs.get)]
    before = {one.feature: one.before.tally for one in subjects if one.before is not None}
    after = {one.feature: one.after.tally for one in subjects if one.after is not None}
    settings = compared.head.settings
    breaches += over_budget(settings.budgets, compared.base.settings.budgets, before, after)
    unknown = [_unknown(one, compared.head) for one in subjects if _is_unknown(one)]
    blamed = {breach.feature for breach in breaches if breach.newly and breach.feature is not None}
    rows = [_row(one) for one in subjects if one.changes or _moved(one) or one.feature in blamed]
    failures = [_breach_row(breach, after, compared.head) for breach in breaches if breach.newly]
    failures += [row for row in unknown if row.allowed is not None]
    warnings = [_breach_row(breach, after, compared.head) for breach in breaches if not breach.newly]
    warnings += [row for row in unknown if row.allowed is None]
    costs = total(before.values()).cost, _known_total(after)
    change = None if costs[1] is None else costs[1] - (costs[0] or 0)
    return Check(
        base=sides[0],
        head=sides[1],
        period=recorded.span.period.name if recorded.span else None,
        label=recorded.span.period.label if recorded.span else None,
        currency=CURRENCY,
        passed=not failures,
        sentence=headline([row.sentence for row in failures], change, costs[0], len(rows)),
        cost_before=digits(costs[0]),
        cost_after=digits(costs[1]),
        cost_change=digits(change),
        features=rows,
        failures=failures,
        warnings=warnings,
        trail=_trail(subjects, recorded, compared),
    )


def _known_total(months_after: Mapping[str | None, Tally]) -> int | None:
    """The cost of everything after the change; None as soon as one feature's is not known that has calls."""
    tallies = list(months_after.values())
    return None if any(one.cost is None and one.calls for one in tallies) else total(tallies).cost or 0


def _moved(subject: _Subject) -> bool:
    """Whether the change moves what the feature costs or earns."""
    if subject.before is None or subject.after is None:
        return subject.before is not subject.after and (subject.feature is not None)
    old, new = subject.before.tally, subject.after.tally
    return bool(subject.steps) or old.value != new.value or old.cost != new.cost


def _is_unknown(subject: _Subject) -> bool:
    """Whether the change leads to a cost that nobody knows, where one was known or assumed."""
    return any(step.cost is None for step in subject.steps) or (
        subject.basis == "declared assumptions" and subject.after is not None and subject.after.tally.cost is None
    )


def _unknown(subject: _Subject, head: Revision) -> BreachRow:
    charter = subject.after.charter if subject.after is not None else None
    limited = charter is not None and (charter.margin_floor is not None or charter.unit_cost_ceiling is not None)
    budgeted = any(("feature", (subject.feature,)) in budget.scope for budget in head.settings.budgets)
    models = ", ".join(step.model for step in subject.steps if step.cost is None) or ", ".join(
        charter.named_models if charter else ()
    )
    sentence, what = unjudged(subject.feature, models, limited=limited or budgeted)
    return BreachRow(
        limit="known price",
        feature=subject.feature,
        sentence=sentence,
        place=charter.at("models", "model", "rungs") if charter is not None else "",
        remedy=what,
        actual=None,
        allowed="a known price" if limited or budgeted else None,
    )


def _breach_row(breach: Breach, after: Mapping[str | None, Tally], head: Revision) -> BreachRow:
    declared = head.settings.features.get(breach.feature or "")
    tally = after.get(breach.feature, Tally())
    return BreachRow(
        limit=breach.limit_kind,
        feature=breach.feature,
        sentence=breach_sentence(breach, tally, declared),
        place=breach.place,
        remedy=remedy(breach, declared),
        actual=_figure(breach, breach.actual),
        allowed=_figure(breach, breach.limit),
    )


def _figure(breach: Breach, value: Fraction | Decimal | int) -> float | str | None:
    if breach.limit_kind == "margin floor":
        return float(value)
    if breach.limit_kind == "rungs":
        return None
    return digits(value) if isinstance(value, int) and breach.measure == "usd" else str(value)


def _row(subject: _Subject) -> FeatureRow:
    before = subject.before.tally if subject.before is not None else None
    after = subject.after.tally if subject.after is not None else None
    charter = next((month.charter for month in (subject.after, subject.before) if month is not None and month.charter), None)
    shown = after or before or Tally()
    return FeatureRow(
        feature=subject.feature,
        owner=charter.owner if charter is not None else None,
        status=_status(subject),
        basis=subject.basis,
        calls=shown.calls,
        outcomes=shown.outcomes,
        cost_before=digits(before.cost) if before else None,
        cost_after=digits(after.cost) if after else None,
        cost_change=_difference(before, after),
        value_before=digits(before.value) if before else None,
        value_after=digits(after.value) if after else None,
        margin_before=before.margin if before else None,
        margin_after=after.margin if after else None,
        cost_per_outcome_before=digits(per(before.cost, before.outcomes)) if before else None,
        cost_per_outcome_after=digits(per(after.cost, after.outcomes)) if after else None,
        changes=_change_rows(subject),
    )


def _status(subject: _Subject) -> str:
    declared = [month is not None and month.charter is not None for month in (subject.before, subject.after)]
    if declared == [False, True]:
        return "new"
    if declared == [True, False]:
        return "removed"
    return "changed" if subject.changes or _moved(subject) else "unchanged"


def _difference(before: Tally | None, after: Tally | None) -> str | None:
    if (before is not None and before.cost is None) or (after is not None and after.cost is None):
        return None
    costs = [tally.cost or 0 if tally is not None else 0 for tally in (before, after)]
    return digits(costs[1] - costs[0])


def _change_rows(subject: _Subject) -> list[ChangeRow]:
    """What was declared differently, each priced kind with its step; a step that no declaration explains is told alone."""
    costs: dict[str, int | None] = {step.kind: step.cost for step in subject.steps}
    rows = [
        ChangeRow(kind=one.kind, what=one.what, place=one.place or None, cost=digits(costs.pop(one.kind, None)))
        for one in subject.changes
    ]
    words = {"prices": "price files change unit prices", "model": "routes lead to another model", "prompt": "prompts changed"}
    rows += [ChangeRow(kind=kind, what=words[kind], cost=digits(cost)) for kind, cost in costs.items()]
    return rows


def _trail(subjects: Sequence[_Subject], recorded: _Recorded, compared: Compared) -> CheckTrail:
    counted = [one for one in subjects if one.basis == "recorded traffic" and one.after is not None]
    return CheckTrail(
        formula=FORMULA,
        traffic=recorded.span.period.label if recorded.span else "no recorded traffic: declared assumptions only",
        calls=sum(one.after.tally.calls for one in counted if one.after is not None),
        scaled_from_days=recorded.span.days or None if recorded.span else None,
        priced_at=compared.at.isoformat(timespec="seconds") + "Z",
        price_book=compared.head_card.version,
        tokens_per_character=_ratio_words(recorded.ratios),
        limits_checked=sum(_limit_count(one) for one in subjects) + len(compared.head.settings.budgets),
        notes=_notes(subjects, compared),
    )


def _ratio_words(ratios: Mapping[tuple[str, str], Ratio]) -> list[str]:
    """How the characters of changed prompts became tokens: learned per model, or by the stated fallback."""
    learned = [
        f"{model}: {amount(ratio.tokens * ATTO // ratio.characters):.3f} tokens per character, learned from metered calls"
        for (_, model), ratio in sorted(ratios.items())
        if ratio.learned
    ]
    guessed = ", ".join(sorted(model for (_, model), ratio in ratios.items() if not ratio.learned))
    fallback = f"{guessed}: 1 token per {CHARACTERS_PER_TOKEN} characters, a fallback: no metered call tells both"
    return [*learned, fallback] if guessed else learned


def _limit_count(subject: _Subject) -> int:
    charter = subject.after.charter if subject.after is not None else None
    if charter is None:
        return 0
    return sum((charter.margin_floor is not None, charter.unit_cost_ceiling is not None, bool(charter.rungs)))


def _notes(subjects: Sequence[_Subject], compared: Compared) -> list[str]:
    notes = [f"{compared.base.name} has no configuration: everything is new"] if not compared.base.present else []
    if any(step.kind == "model" for one in subjects for step in one.steps):
        notes.append(
            "another model splits the same text into other numbers of tokens; its own count may differ by tens of per cent"
        )
    if any(step.kind == "model" for one in subjects for step in one.steps):
        notes.append(
            "another model may also answer at another length and quality: `breakeven audit` measures that, this check does not"
        )
    for one in subjects:
        charter = one.after.charter if one.after is not None else None
        if charter is not None and charter.margin_floor is not None and one.after is not None and one.after.tally.value is None:
            notes.append(f"{one.feature}: the margin floor cannot be judged: no value is known ({charter.at('margin_floor')})")
        if (
            one.after is not None
            and one.before is not None
            and one.before.tally.unknown_calls
            and (one.changes or charter is not None)
        ):
            unknown, calls = one.before.tally.unknown_calls, one.before.tally.calls
            notes.append(f"{one.feature}: the cost of {unknown:,} of its {calls:,} recorded calls is unknown and in no figure here")
        if one.basis == "nothing" and charter is not None:
            notes.append(f"{one.feature}: neither traffic nor assumptions, so that nothing is priced ({charter.place})")
    return notes
