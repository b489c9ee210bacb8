"""The forecast of a ledger: known days, days to come, known prices, limits, and what cannot be said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from breakeven.economics.money import ATTO
from breakeven.economics.periods import parse_period
from breakeven.errors import UsageError
from breakeven.pricebook import PricingKey, Quote
from breakeven.pricebook.rating import QuoteLine
from breakeven.reports.forecast import Asked, forecast
from breakeven.reports.forecastrows import Forecast
from breakeven.reports.question import Question
from breakeven.settings import Settings

Build = Callable[[str], Any]
Read = Callable[[str], Settings]
FIRST = datetime(2026, 8, 3)  # a Monday
WEEK = (10, 11, 12, 11, 10, 4, 3)
PRICED = "features: {support: {value: {kind: unit_price, price: '15', grade: B}}}"


def days(count: int, cost: Mapping[str, float], *, outcomes: bool = False, start: datetime = FIRST) -> str:
    """A ledger of so many days with one call of each feature a day, in the rhythm of a week."""
    lines = ["time  feature  model  cost"]
    for day in range(count):
        at = start + timedelta(days=day)
        lines += [f"{at:%Y-%m-%d} 09:00  {name}  gpt-4o  {WEEK[at.weekday()] * each:.2f}" for name, each in cost.items()]
    if outcomes:
        lines += ["", "outcomes", "time  feature  succeeded"]
        lines += [f"{start + timedelta(days=day):%Y-%m-%d} 10:00  support  true" for day in range(count)]
    return "\n".join(lines)


@pytest.fixture
def ask(ledger_from_text: Build, settings_from_text: Read) -> Callable[..., Forecast]:
    """Builds a ledger and forecasts a period of it."""

    def report(text: str, period: str, now: datetime, config: str = "{}", book: Any = None, **more: Any) -> Forecast:
        by = more.pop("by", ("feature",))
        question = Question(parse_period(period, now), by=by)
        return forecast(ledger_from_text(text), settings_from_text(config), question, Asked(now, **more), book)

    return report


def test_a_period_end_is_what_is_known_plus_what_is_to_come(ask: Callable[..., Forecast]) -> None:
    """Ten days into October the known part is exact, the rest a repetition of the week, and the parts sum to the total."""
    text = days(69, {"support": 1, "extract": 2})
    found = ask(text, "2026-10", datetime(2026, 10, 11, 8))
    october = [WEEK[(datetime(2026, 10, 1) + timedelta(days=day)).weekday()] for day in range(31)]
    by_label = {row.label: row for row in found.rows}
    support = by_label["support"]
    assert support.cost_so_far == str(sum(october[:10]))
    assert support.cost is not None
    assert float(support.cost.point) == pytest.approx(sum(october), rel=0.01)
    assert found.origin == "2026-10-11"
    assert found.total is not None
    assert found.total.cost is not None
    points = [float(row.cost.point) for row in found.rows if row.cost is not None]
    assert float(found.total.cost.point) == pytest.approx(sum(points), abs=1e-5)
    assert Decimal(found.total.cost_so_far) == 3 * sum(october[:10])


def test_today_is_not_over(ask: Callable[..., Forecast]) -> None:
    """A day with facts that is not over is forecast whole, and never below what it has brought already."""
    text = days(69, {"support": 1}) + "\n2026-10-11 07:00  support  gpt-4o  500"
    found = ask(text, "2026-10-11", datetime(2026, 10, 11, 8))
    assert found.total is not None
    assert found.total.cost is not None
    assert float(found.total.cost.point) >= 500


def test_value_and_margin_are_forecast_where_value_is_known(ask: Callable[..., Forecast]) -> None:
    """A document a day at 15 dollars against a known rhythm of cost gives value, contribution and a margin with its interval."""
    found = ask(days(80, {"support": 1}, outcomes=True), "2026-11", datetime(2026, 10, 22), PRICED)
    row = found.rows[0]
    assert row.value is not None
    assert float(row.value.point) == pytest.approx(30 * 15, rel=0.02)
    assert row.margin is not None
    assert row.margin.low is not None
    assert row.margin.low <= row.margin.point <= (row.margin.high or 0)
    assert "earn about" in found.sentence


class HalvedBook:
    """A price book in which gpt-4o's input halves on 2026-11-16."""

    def quote(self, key: PricingKey, /) -> Quote:
        """One class, one price."""
        price = 500 if key.at >= datetime(2026, 11, 16) else 1000
        return Quote(key.model, {"input": (QuoteLine("input", "list", price, "v"),)}, "v")


def test_known_price_changes_are_applied(ask: Callable[..., Forecast]) -> None:
    """A price that halves in the middle of November takes a quarter of the month's forecast away, and the report says so."""
    text = days(90, {"support": 1})
    plain, changed = (ask(text, "2026-11", datetime(2026, 11, 1), book=book) for book in (None, HalvedBook()))
    assert plain.total is not None
    assert changed.total is not None
    assert plain.total.cost is not None
    assert changed.total.cost is not None
    assert float(changed.total.cost.point) / float(plain.total.cost.point) == pytest.approx(0.75, abs=0.02)
    assert changed.total.price_effect == pytest.approx(-0.25, abs=0.02)
    assert [(change.day, change.factor) for change in changed.price_changes] == [("2026-11-16", 0.5)]
    assert "1 known price change from 2026-11-16 on lowers it by" in changed.sentence


class DoubledBook:
    """A price book in which gpt-4o's input doubled on 2026-10-16."""

    def quote(self, key: PricingKey, /) -> Quote:
        """One class, one price."""
        price = 2000 if key.at >= datetime(2026, 10, 16) else 1000
        return Quote(key.model, {"input": (QuoteLine("input", "list", price, "v"),)}, "v")


def test_a_past_price_change_is_not_taken_for_growth(ask: Callable[..., Forecast]) -> None:
    """When a price doubled two weeks ago, the month ahead is forecast at the new price, without a trend, within 2%."""
    text = days(74, {"support": 1}) + "\n" + "\n".join(days(16, {"support": 2}, start=datetime(2026, 10, 16)).splitlines()[1:])
    found = ask(text, "2026-11", datetime(2026, 11, 1), book=DoubledBook())
    november = 2 * sum(WEEK[(datetime(2026, 11, 1) + timedelta(days=day)).weekday()] for day in range(30))
    assert found.total is not None
    assert found.total.cost is not None
    assert float(found.total.cost.point) == pytest.approx(november, rel=0.02)
    assert found.price_changes == ()


def test_a_limit_has_a_date(ask: Callable[..., Forecast]) -> None:
    """Half of what October will cost is reached near its middle; a limit beyond its end is not reached; one below is already."""
    text = days(69, {"support": 1})
    now = datetime(2026, 10, 11, 8)
    half, beyond, below = (ask(text, "2026-10", now, limit=limit * ATTO).run_out for limit in (140, 1000, 50))
    assert half is not None
    assert half.expected in {"2026-10-15", "2026-10-16"}
    assert beyond is not None
    assert beyond.expected is None
    assert below is not None
    assert below.already


def test_a_year_has_its_months(ask: Callable[..., Forecast]) -> None:
    """Twelve months are forecast month by month; months sum to the period, and far ones without a useful interval say so."""
    found = ask(days(90, {"support": 1, "extract": 2}), "2026-11..2027-10", datetime(2026, 11, 1))
    months = [row for row in found.spans if row.kind == "total"]
    assert [row.start for row in months][:2] == ["2026-11-01", "2026-12-01"]
    assert len(months) == 12
    assert found.total is not None
    assert found.total.cost is not None
    assert sum(float(row.cost.point) for row in months if row.cost) == pytest.approx(float(found.total.cost.point), rel=1e-6)


def test_a_backtest_compares_with_naive_methods(ask: Callable[..., Forecast]) -> None:
    """--backtest gives error and coverage by horizon for each row and the total, and says the total's in the sentence."""
    found = ask(days(90, {"support": 1}), "2026-11", datetime(2026, 11, 1), backtest=True)
    assert found.backtest is not None
    assert {row.label for row in found.backtest} == {"support", "Total"}
    assert all(
        row.error is not None and row.error_run_rate is not None and row.error <= row.error_run_rate + 1e-6
        for row in found.backtest
    )
    assert "Tried on the past" in found.sentence


@pytest.mark.parametrize(
    ("text", "period", "said"),
    [
        ("time  feature  cost", "2026-10", "no whole day with calls yet"),
        (days(1, {"support": 1}), "2026-08", "Nothing can be forecast"),
        (days(3, {"support": 1}), "2026-08", "No interval is given"),
        (days(69, {"support": 1}), "2026-09", "September 2026 is over"),
        (
            "time  feature  cost\n2026-10-01 09:00  support  ?\n2026-10-02 09:00  support  ?",
            "2026-10",
            "100.0% of past calls is unknown",
        ),
    ],
)
def test_what_cannot_be_said_is_said(ask: Callable[..., Forecast], text: str, period: str, said: str) -> None:
    """An empty ledger, one day, three days, a month that is over, calls without price: a sentence, and never NaN."""
    found = ask(text, period, datetime(2026, 10, 11, 8))
    assert said in found.sentence
    assert "nan" not in repr(found).lower()


def test_more_groups_than_a_table_holds_are_told_together(ask: Callable[..., Forecast]) -> None:
    """Of twenty features twelve are rows, eight are `All others`, and the total is of all."""
    found = ask(days(30, {f"f{at:02}": at + 1 for at in range(20)}), "2026-09", datetime(2026, 9, 2))
    assert len(found.rows) == 13
    assert found.rows[-1].label == "All others"
    assert found.total is not None
    assert found.total.cost is not None
    assert sum(float(row.cost.point) for row in found.rows if row.cost) == pytest.approx(float(found.total.cost.point), rel=1e-6)


def test_too_far_is_refused(ask: Callable[..., Forecast]) -> None:
    """More than 400 days ahead is a usage error that names the bound."""
    with pytest.raises(UsageError, match="too far"):
        ask(days(30, {"support": 1}), "2029", datetime(2026, 9, 2))
