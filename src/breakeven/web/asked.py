"""What a request asks, in the words of the command line: period, comparison, grouping, filters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from litestar.params import FromQuery, QueryParameter

from breakeven.economics.periods import Period
from breakeven.reports.asking import instant_of, period_of, question_of
from breakeven.reports.question import Facts, Question

PERIOD = "2026-10, 2026-Q4, month-1, week, 'day-30 - day', A..B or all. Without it: this month, or the latest that has calls."
VERSUS = "`previous`, or any period, to compare with."
BY = "Dimensions to group by: feature, team, customer, user, workflow, environment, model, provider, rung, day, month."


@dataclass(frozen=True, slots=True)
class Asked:
    """One request's question."""

    period: str | None
    vs: str | None
    by: str
    as_of: str | None
    filters: tuple[tuple[str, str | None], ...]

    def period_in(self, ledger: Facts, now: datetime) -> Period:
        """The period that is meant."""
        return period_of(ledger, self.period, now)

    def question(self, ledger: Facts, now: datetime, by: str | None = None) -> Question:
        """The question as reports take it. Raises UsageError where a word is not understood."""
        period = self.period_in(ledger, now)
        return question_of(period, now, vs=self.vs, by=by or self.by, filters=dict(self.filters), as_of=self.as_of)

    @property
    def instant(self) -> datetime | None:
        """The instant of which the ledger's knowledge is asked for."""
        return instant_of(self.as_of)


def asked(  # noqa: PLR0913 - one argument per parameter of the address
    *,
    period: Annotated[str | None, QueryParameter(description=PERIOD)] = None,
    vs: Annotated[str | None, QueryParameter(description=VERSUS)] = None,
    by: Annotated[str, QueryParameter(description=BY)] = "feature",
    as_of: Annotated[str | None, QueryParameter(description="What the ledger knew then.")] = None,
    feature: FromQuery[str | None] = None,
    team: FromQuery[str | None] = None,
    customer: FromQuery[str | None] = None,
    user: FromQuery[str | None] = None,
    workflow: FromQuery[str | None] = None,
    environment: FromQuery[str | None] = None,
    model: FromQuery[str | None] = None,
    provider: FromQuery[str | None] = None,
    rung: FromQuery[str | None] = None,
) -> Asked:
    """The question of a request; each filter takes a name, or `none` for what is not known."""
    filters = (
        ("feature", feature), ("team", team), ("customer", customer), ("user", user), ("workflow", workflow),
        ("environment", environment), ("model", model), ("provider", provider), ("rung", rung),
    )  # fmt: skip
    return Asked(period, vs, by, as_of, tuple((name, value) for name, value in filters if value is not None))
