"""Alerts about budgets: a threshold is crossed, or will be crossed before the period ends."""

from __future__ import annotations

from datetime import datetime

from breakeven.governance.alerts.facts import (
    Alert,
    BudgetForecast,
    BudgetStatus,
    Facts,
    Figure,
    Reading,
    Rule,
    Severity,
    State,
    crossing_id,
)
from breakeven.governance.alerts.phrases import command, instant, narrowed, percent
from breakeven.governance.budgets import BASIS_POINTS, amount_in_words, exact

REARM = 95
"""Percent of the line below which spending must fall before the same line can be crossed again within the same period."""
FILTERS = ("feature", "team", "customer", "user", "workflow", "environment", "model", "provider")


def thresholds_crossed(rule: Rule, facts: Facts, at: datetime) -> list[Reading]:
    """Shares of a budget that are spent. Formula: spent >= limit x threshold; the limit itself is always a threshold.

    Where one look finds several crossed, only the highest is told. Reservations are not spent and do not count.
    """
    return [reading for status in facts.budgets if rule.about(status) for reading in _of_budget(status, at)]


def _of_budget(status: BudgetStatus, at: datetime) -> list[Reading]:
    readings: list[Reading] = []
    for share in sorted({*status.thresholds, BASIS_POINTS}, reverse=True):
        line = status.limit * share
        state = _state(status.spent * BASIS_POINTS, line)
        known = any(reading.state == "crossed" for reading in readings)
        told = _crossed(status, share, at) if state == "crossed" and not known else None
        readings.append(Reading(_id("threshold", status, str(share)), state, told, status.resets_at))
    return readings


def _state(spent: int, line: int) -> State:
    """Crossed at the line, clear below 95% of it, in between neither. A line of nothing is crossed only by something."""
    if spent >= line and spent > 0:
        return "crossed"
    return "clear" if spent * 100 < line * REARM or spent <= 0 else "between"


def _crossed(status: BudgetStatus, share: int, at: datetime) -> Alert:
    over = share >= BASIS_POINTS
    of = f" ({percent(status.spent, status.limit)})" if status.limit > 0 else ""
    what = f"{_name(status)} has spent {_words(status, status.spent)} of {_words(status, status.limit)}{of}"
    what += ", all of it" if over else f", past its threshold of {_share(share)}"
    return _alert("threshold", status, "critical" if over else "warning", f"{what}{_resets(status)}.", str(share), at, {
        "threshold": share / BASIS_POINTS,
    })  # fmt: skip


def forecast_to_cross(rule: Rule, facts: Facts, at: datetime) -> list[Reading]:
    """Budgets that are not spent yet and will be before they reset. Formula: spent + projected rest of the period >= limit.

    Unknown projections neither open nor close a crossing; what has been spent already is told by its threshold.
    """
    return [_ahead(one, at) for one in facts.forecasts if rule.about(one.status)]


def _ahead(forecast: BudgetForecast, at: datetime) -> Reading:
    status, projected = forecast.status, forecast.projected
    crossing = _id("forecast", status)
    if projected is None or status.spent >= status.limit:
        return Reading(crossing, "between", ends=status.resets_at)
    state = _state(projected.spent, status.limit)
    if state != "crossed":
        return Reading(crossing, state, ends=status.resets_at)
    when = projected.reaches_limit_at
    reached = f" It reaches its limit around {instant(when)}." if when is not None else ""
    what = (
        f"{_name(status)} is expected to have spent {_words(status, projected.spent)} of {_words(status, status.limit)}"
        f" when it resets ({projected.method}); {_words(status, status.spent)} is spent now.{reached}"
    )
    figures: dict[str, Figure] = {
        "projected": exact(status.measure, projected.spent),
        "reaches_limit_at": None if when is None else when.isoformat(timespec="seconds") + "Z",
        "method": projected.method,
    }
    return Reading(crossing, "crossed", _alert("forecast", status, "warning", what, "", at, figures), status.resets_at)


def _alert(  # noqa: PLR0917 - each is one fact of the alert
    kind: str, status: BudgetStatus, severity: Severity, what: str, part: str, at: datetime, figures: dict[str, Figure]
) -> Alert:
    subject = f"{status.budget} ({status.subject})" if status.per else status.budget
    crossing = _id(kind, status, *([part] if part else []))
    return Alert(kind, subject, severity, what, _next(status, at), status.owner, crossing, at, {**_figures(status), **figures})


def _figures(status: BudgetStatus) -> dict[str, Figure]:
    return {
        "budget": status.budget,
        "account": status.subject,
        "unit": status.measure,
        "limit": exact(status.measure, status.limit),
        "spent": exact(status.measure, status.spent),
        "reserved": exact(status.measure, status.reserved),
        "starts": _iso(status.starts),
        "resets_at": _iso(status.resets_at),
    }


def _next(status: BudgetStatus, at: datetime) -> str:
    since = status.starts or at.replace(day=1)
    period = f"{since:%Y-%m-%d}..{at:%Y-%m-%d}"
    by = "model" if "feature" in status.dimensions else "feature,model"
    look = command("pnl", period=period, by=by, **narrowed(status.dimensions, FILTERS))
    where = f" at {status.place}" if status.place else ""
    return f"See what spends it: {look}. To allow more for a while, add an entry under `raises` of this budget{where}."


def _id(kind: str, status: BudgetStatus, *parts: str) -> str:
    period = "" if status.starts is None else status.starts.isoformat(timespec="minutes")
    values = [f"{name}={value}" for name, value in status.per]
    return crossing_id(kind, status.budget, *values, period, *parts)


def _name(status: BudgetStatus) -> str:
    return f"Budget {status.budget} of {status.subject}" if status.per else f"Budget {status.budget}"


def _words(status: BudgetStatus, amount: int) -> str:
    return amount_in_words(status.measure, amount)


def _share(share: int) -> str:
    return f"{share / 100:g}%"


def _resets(status: BudgetStatus) -> str:
    return f"; it resets at {instant(status.resets_at)}" if status.resets_at is not None else ""


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds") + "Z"
