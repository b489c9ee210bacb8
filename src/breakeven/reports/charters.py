"""Do the charters hold together? Each against itself, the others, what is served, and the traffic of the last full month."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from breakeven.governance.crosscheck import Finding, Surroundings, findings
from breakeven.pricebook import PricingKey, RateCard
from breakeven.reports.question import Facts, Question, ask
from breakeven.reports.recorded import month_before, rungs_of_models
from breakeven.reports.words import count
from breakeven.settings import Settings


class FindingRow(msgspec.Struct, frozen=True):
    """One finding: where it is, what does not hold, and what to do."""

    feature: str | None
    where: str
    what: str
    remedy: str


class CharterCheck(msgspec.Struct, frozen=True, kw_only=True):
    """The report. `faults` make the check fail; `period` is whose traffic the charters were held against."""

    charters: int
    policies: int
    budgets: int
    period: str | None
    faults: Sequence[FindingRow]
    warnings: Sequence[FindingRow]
    sentence: str


def check_charters(ledger: Facts | None, settings: Settings, card: RateCard, at: datetime) -> CharterCheck:
    """Hold every charter of a configuration against everything that is known."""
    span = None if ledger is None else month_before(ledger, at)
    traffic: dict[str, int] | None = None
    if ledger is not None and span is not None:
        rows = ask(ledger, "calls", Question(span.period), ("feature",))
        traffic = {row[0]: row[1] for row in rows if row[0] is not None}
    recorded = (
        set() if ledger is None or span is None else {row[0] for row in ask(ledger, "calls", Question(span.period), ("model",))}
    )
    configured = server(settings, card, at)
    home = settings.config.parent if settings.config is not None else Path()
    around = Surroundings(
        file=str(settings.config or "breakeven.yaml"),
        traffic=traffic,
        rung_of={} if ledger is None else rungs_of_models(ledger),
        serves=lambda model: model in recorded or configured(model),
        prompt_exists=lambda path: (home / path).is_file(),
        scopes=_scopes(settings),
    )
    found = findings([feature.charter for feature in settings.features.values()], around)
    faults = [_row(one) for one in found if one.severity == "fault"]
    warnings = [_row(one) for one in found if one.severity == "warning"]
    return CharterCheck(
        charters=len(settings.features),
        policies=len(settings.policies),
        budgets=len(settings.budgets),
        period=span.period.name if span is not None else None,
        faults=faults,
        warnings=warnings,
        sentence=_sentence(len(settings.features), faults, warnings),
    )


def server(settings: Settings, card: RateCard, at: datetime) -> Callable[[str], bool]:
    """Whether a model is served: by a route, or by a provider that takes any model and whose vendor the price book knows it of."""

    def serves(name: str) -> bool:
        if any(fnmatchcase(name, route.model) for route in settings.gateway.routes):
            return True
        vendor, _, rest = name.partition("/")
        for provider in settings.gateway.providers.values():
            model = rest if rest and vendor in (provider.name, provider.vendor) else name
            if any(fnmatchcase(model, pattern) for pattern in provider.models):
                return True
            if not provider.models and card.quote(PricingKey(provider.vendor, model, at)).problem is None:
                return True
        return False

    return serves


def _scopes(settings: Settings) -> list[tuple[str, str, str]]:
    """Features that budgets and policies are about: what names it, the feature, and where."""
    found = [
        (f"budget {budget.id}", value, budget.place)
        for budget in settings.budgets
        for dimension, values in budget.scope
        if dimension == "feature"
        for value in values
    ]
    return found + [
        (f"policy {policy.name}", value, policy.place)
        for policy in settings.policies
        for value in sorted(policy.when.get("feature", ()))
    ]


def _row(finding: Finding) -> FindingRow:
    return FindingRow(finding.feature, finding.problem.where, finding.problem.what, finding.problem.remedy)


def _sentence(charters: int, faults: Sequence[FindingRow], warnings: Sequence[FindingRow]) -> str:
    if not faults:
        more = f"; {count(len(warnings), 'warning')}" if warnings else ""
        return f"{count(charters, 'charter')} hold{'s' if charters == 1 else ''} together{more}."
    rest = f" {count(len(faults) - 1, 'more fault')}." if len(faults) > 1 else ""
    return f"{faults[0].what}.{rest}"
