"""What a report is asked: period, grouping, filters and knowledge date; and the SQL fragments that follow from it.

Questions over the dimensions of the daily rollups read those, so that the answer does not depend on the size of the ledger. A
question that rollups cannot answer (per user, as of a past instant, as first recorded) reads the lines themselves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, Protocol

from breakeven.economics.money import atto
from breakeven.economics.periods import Period, month_of
from breakeven.errors import UsageError
from breakeven.ledger.numbering import GENERATION


class Facts(Protocol):
    """What a report needs of a ledger: SQL in, rows out; parameters are named."""

    def query(self, sql: str, params: Mapping[str, Any] | None = None, /) -> list[tuple[Any, ...]]:
        """The rows that `sql` yields."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """One way to group. `column` is an expression over a row that has a `day`; outcomes carry it only where `of_outcomes`."""

    column: str
    title: str
    of_outcomes: bool = True
    in_rollups: bool = True
    written: str = ""  # how a date is written; dates are formatted after grouping, which is far fewer rows


DIMENSIONS: Mapping[str, Dimension] = {
    "feature": Dimension("feature", "Feature"),
    "team": Dimension("team", "Team"),
    "customer": Dimension("customer", "Customer"),
    "user": Dimension("user_id", "User", in_rollups=False),
    "workflow": Dimension("workflow", "Workflow"),
    "environment": Dimension("environment", "Environment"),
    "model": Dimension("model", "Model", of_outcomes=False),
    "provider": Dimension("provider", "Provider", of_outcomes=False),
    "rung": Dimension("rung", "Rung", of_outcomes=False),
    "day": Dimension("day", "Day", written="%Y-%m-%d"),
    "week": Dimension("date_trunc('week', day)", "Week", written="%G-W%V"),
    "month": Dimension("date_trunc('month', day)", "Month", written="%Y-%m"),
}
DATED = ("day", "week", "month")
FILTERS = tuple(name for name in DIMENSIONS if name not in DATED)
UNKNOWN_WORDS = ("none", "null", "unattributed")


@dataclass(frozen=True, slots=True)
class Question:
    """One question to the ledger.

    `filters` pairs a dimension with the value wanted (None: rows where it is not known). `as_of` hides what was recorded later;
    `as_recorded` hides every adjustment, so that costs are as first recorded.
    """

    period: Period
    by: tuple[str, ...] = ("feature",)
    filters: tuple[tuple[str, str | None], ...] = ()
    versus: Period | None = None
    as_of: datetime | None = None
    as_recorded: bool = False

    @property
    def from_lines(self) -> bool:
        """Whether the lines themselves must be read."""
        dimensions = (*self.by, *(name for name, _ in self.filters))
        return self.as_of is not None or self.as_recorded or any(not DIMENSIONS[name].in_rollups for name in dimensions)

    @property
    def divides_outcomes(self) -> bool:
        """Whether outcomes can be told apart by all dimensions asked for; they do not know which model served them."""
        return all(DIMENSIONS[name].of_outcomes for name in (*self.by, *(name for name, _ in self.filters)))

    def over(self, period: Period) -> Question:
        """The same question about another period, without comparison."""
        return replace(self, period=period, versus=None)


def default_period(ledger: Facts, now: datetime) -> Period:
    """The current month if it has calls, otherwise the latest month that has some; without any calls the current month."""
    current = month_of(now)
    latest = ledger.query(statement("latest_day"))[0][0]
    if latest is None or current.start.date() <= latest < current.end.date():
        return current
    return month_of(now.replace(year=latest.year, month=latest.month, day=1))


def grouping(text: str) -> tuple[str, ...]:
    """The dimensions of `--by feature,model`. Raises UsageError."""
    names = tuple(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))
    for name in names:
        if name not in DIMENSIONS:
            raise UsageError(f"cannot group by {name!r}", f"Group by one or more of: {', '.join(DIMENSIONS)}.")
    if not names:
        raise UsageError("nothing to group by", f"Group by one or more of: {', '.join(DIMENSIONS)}.")
    return names


def wanted(value: str) -> str | None:
    """A filter's value; `none` asks for what is not known."""
    return None if value.lower() in UNKNOWN_WORDS else value


def ask(
    ledger: Facts,
    name: str,
    question: Question,
    keys: tuple[str, ...],
    *,
    filtered: bool = True,
    features: Sequence[str] | None = None,
    **more: object,
) -> list[tuple[Any, ...]]:
    """The rows of the statement `sql/<name>.sql` for a question, grouped by `keys`; `features`: only of these."""
    sql = statement(name)
    conditions, values = _conditions(question) if filtered else ("", {})
    if features is not None:
        conditions += " AND feature IN (SELECT unnest(CAST($features AS VARCHAR[])))"
        more["features"] = list(features)
    columns = [DIMENSIONS[key].column for key in keys]
    sql = (
        sql.replace("{keys},", "".join(f"{column} AS key_{index}, " for index, column in enumerate(columns)))
        .replace("{filters}", conditions)
        .replace("{recorded}", "AND recorded_at <= CAST($as_of AS TIMESTAMP)" if question.as_of else "")
    )
    for table in ("costs", "calls", "outcomes"):
        sql = sql.replace(f"{{{table}}}", _source(table, question))
    known = {"start": question.period.start, "end": question.period.end, "as_of": question.as_of, **values, **more}
    rows = ledger.query(sql, {key: value for key, value in known.items() if re.search(rf"\${key}\b", sql)})
    dates = [(at, DIMENSIONS[key].written) for at, key in enumerate(keys) if DIMENSIONS[key].written]
    for at, written in dates:
        names: dict[Any, str] = {day: format(day, written) for day in {row[at] for row in rows}}
        rows = [(*row[:at], names[row[at]], *row[at + 1 :]) for row in rows]
    return rows


class Remembering:
    """A ledger that answers the same question of one report only once."""

    def __init__(self, ledger: Facts) -> None:
        self._ledger = ledger
        self._answers: dict[tuple[str, str], list[tuple[Any, ...]]] = {}

    def query(self, sql: str, params: Mapping[str, Any] | None = None, /) -> list[tuple[Any, ...]]:
        """The rows that `sql` yields, from memory where it was asked before."""
        asked = (sql, repr(sorted((params or {}).items())))
        if asked not in self._answers:
            self._answers[asked] = self._ledger.query(sql, params)
        return self._answers[asked]


@cache
def statement(name: str) -> str:
    """The text of one SQL file; what several share stands in a file of its own, and is named there by `{include NAME}`."""
    text = (files("breakeven.reports") / "sql" / f"{name}.sql").read_text("utf-8")
    return re.sub(r"\{include (\w+)\}", lambda named: statement(named[1]), text)


def whole(value: Decimal | None) -> int:
    """A sum as DuckDB returns it, in atto-units; an unknown sum adds nothing."""
    return 0 if value is None else atto(value)


def _conditions(question: Question) -> tuple[str, dict[str, str]]:
    parts: list[str] = []
    values: dict[str, str] = {}
    for index, (name, value) in enumerate(question.filters):
        column = DIMENSIONS[name].column
        if value is None:
            parts.append(f" AND {column} IS NULL")
        else:
            parts.append(f" AND {column} = CAST($filter_{index} AS VARCHAR)")
            values[f"filter_{index}"] = value
    return "".join(parts), values


def _source(table: str, question: Question) -> str:
    """Where rows come from: a rollup, or the facts themselves with a `day`, cut to the period and to what was known."""
    if table != "outcomes" and not question.from_lines:
        return f"rollup_{table}"
    known = " AND recorded_at <= CAST($as_of AS TIMESTAMP)" if question.as_of else ""
    if question.as_recorded and table == "costs":
        known += f" AND adjustment_of IS NULL AND line < {GENERATION}"
    fact, columns = _FACTS[table]
    return (
        f"(SELECT {columns}, CAST(occurred_at AS DATE) AS day FROM {fact}"
        f" WHERE occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP){known})"
    )


# Counted as in the rollups: a reversal is one line less, and an attempt after the first is no call of its own.
_FACTS = {
    "costs": ("cost_lines", "*, CASE WHEN adjustment_of IS NULL THEN 1 ELSE -1 END AS line_count"),
    "calls": ("calls", "* REPLACE (CASE WHEN attempt = 0 THEN call_count ELSE 0 END AS call_count)"),
    "outcomes": ("outcomes", "*"),
}
