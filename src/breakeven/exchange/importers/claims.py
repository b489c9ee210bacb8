"""What a source says its calls cost, held against the price book: told by model where they differ, and never taken in silence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from breakeven.errors import Problem
from breakeven.exchange.importers.request import ImportReport, ImportRequest, Target

_TOLERATED = Decimal("0.01")
_DISCOUNT = Decimal("0.5")


def _differs(theirs: Decimal, ours: Decimal) -> bool:
    """By more than a hundredth of the greater."""
    return abs(theirs - ours) > _TOLERATED * max(theirs, ours)


def _no_bill(theirs: Decimal, ours: Decimal) -> bool:
    """Dearer than list by more than a hundredth, or cheaper than any usual discount makes it."""
    return theirs > ours * (1 + _TOLERATED) or theirs < ours * _DISCOUNT


@dataclass(frozen=True, slots=True)
class Claim:
    """Where a source's own figure lies (SQL over a call), how it is told, and from which difference on.

    `state`: of the calls that are compared; `worth_telling` gets both figures of a model, theirs first.
    """

    figure: str
    said: str
    remedy: str = "The price book's figure counts; compare prices with `breakeven prices show`."
    places: int = 6
    state: str = "metered"
    worth_telling: Callable[[Decimal, Decimal], bool] = _differs


EMITTED = Claim("TRY_CAST(json_extract_string(tags, '$.emitter_cost') AS DECIMAL(38,18))", "the source says")
"""What instrumentation writes beside a call."""
STATED = Claim(
    "stated_cost",
    "the table states",
    "The stated figure counts, as what the vendor bills. If it is not that, import the table anew without this column.",
    state="stated",
    worth_telling=_no_bill,
)
"""What a table states as the vendor's own figure: it is believed, so that only what can hardly be a bill is told."""


def compared(report: ImportReport, request: ImportRequest, target: Target, importer: str, claim: Claim | None) -> ImportReport:
    """The report of an import with what its source's claim differs by; as it is where nothing is claimed, or was written."""
    if claim is None or request.dry_run:
        return report
    return report.with_problems(_differences(request, target, importer, claim))


def _differences(request: ImportRequest, target: Target, importer: str, claim: Claim) -> list[Problem]:
    """Per model: what the source says that the calls just imported cost, where the price book's list says otherwise."""
    imported = f"source = $source AND recorded_at = $now AND state = '{claim.state}' AND {claim.figure} IS NOT NULL"
    asked = {"now": request.now, "source": f"import:{importer}"}
    if not target.ledger.query(f"SELECT 1 FROM calls WHERE {imported} LIMIT 1", asked):
        return []
    rows = target.ledger.query(
        f"""
        WITH listed AS (
            SELECT call_id, attempt, sum(cost) AS cost FROM cost_lines WHERE recorded_at = $now AND kind <> 'stated'
            GROUP BY ALL HAVING count(*) = count(cost)
        )
        SELECT coalesce(provider, '?'), coalesce(model, '?'), count(*), sum(cost)::DECIMAL(38,18) AS ours,
            sum({claim.figure})::DECIMAL(38,18) AS theirs
        FROM calls JOIN listed USING (call_id, attempt)
        WHERE {imported}
        GROUP BY ALL ORDER BY abs(theirs - ours) DESC""",
        asked,
    )
    return [
        Problem(f"{provider} {model}", _told(claim, theirs, ours, count), claim.remedy)
        for provider, model, count, ours, theirs in rows
        if claim.worth_telling(theirs, ours)
    ]


def _told(claim: Claim, theirs: Decimal, ours: Decimal, count: int) -> str:
    calls = f"{count:,} {'call' if count == 1 else 'calls'}"
    return f"{claim.said} ${theirs:,.{claim.places}f} for {calls}, the price book says ${ours:,.{claim.places}f}"
