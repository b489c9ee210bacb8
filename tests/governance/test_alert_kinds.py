"""Each kind of alert: where its line lies, what it says, and where it re-arms."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.economics.money import ATTO
from breakeven.governance.alerts import (
    ALERTS,
    BudgetForecast,
    BudgetStatus,
    Coverage,
    CustomerCost,
    Facts,
    FeatureMargin,
    MeteringGap,
    Projected,
    Reading,
    Rule,
    UnpricedModel,
    run_rate,
)
from breakeven.governance.alerts.phrases import percent

AT = datetime(2026, 10, 20, 12)
MONTH = BudgetStatus(
    budget="contracts",
    subject="customer Acme",
    measure="usd",
    limit=100 * ATTO,
    spent=0,
    owner="back-office",
    starts=datetime(2026, 10, 1),
    resets_at=datetime(2026, 11, 1),
    thresholds=(5_000, 8_000),
    per=(("customer", "Acme"),),
    scope=(("feature", ("Contract extraction",)),),
    place="breakeven.yaml:7",
)
KINDS = {kind.name: kind for kind in ALERTS}


def readings(kind: str, facts: Facts, rule: Rule | None = None) -> list[Reading]:
    return list(KINDS[kind].evaluate(rule or Rule(kind, days=KINDS[kind].days), facts, AT))


def told(kind: str, facts: Facts, rule: Rule | None = None) -> list[str]:
    return [one.alert.what for one in readings(kind, facts, rule) if one.alert is not None]


def thresholds(spent: int, status: BudgetStatus = MONTH) -> dict[str, str]:
    found = readings("threshold", Facts(budgets=(replace(status, spent=spent),)))
    return {one.crossing.rpartition("|")[2]: one.state for one in found}


def test_a_threshold_says_who_spent_how_much_of_what() -> None:
    """The sentence has every figure, and the next step is a command and the place of the budget."""
    [alert] = [one.alert for one in readings("threshold", Facts(budgets=(replace(MONTH, spent=80 * ATTO),))) if one.alert]
    assert alert.what == (
        "Budget contracts of customer Acme has spent $80.00 of $100.00 (80.0%), past its threshold of 80%;"
        " it resets at 2026-11-01 00:00 UTC."
    )
    assert (
        "breakeven pnl --period 2026-10-01..2026-10-20 --by model --feature 'Contract extraction' --customer Acme"
        in alert.next_step
    )
    assert "breakeven.yaml:7" in alert.next_step
    assert (alert.owner, alert.severity, alert.figures["spent"], alert.figures["limit"]) == ("back-office", "warning", "80", "100")


def test_of_several_thresholds_only_the_highest_is_told() -> None:
    """A budget that jumps past all of its thresholds is one message; the limit itself is always one of them, and critical."""
    found = readings("threshold", Facts(budgets=(replace(MONTH, spent=100 * ATTO),)))
    assert [one.state for one in found] == ["crossed"] * 3
    assert [one.alert.severity for one in found if one.alert] == ["critical"]


def test_a_threshold_is_exact_and_rearms_below_95_percent_of_itself() -> None:
    """One attodollar decides at the line; in between nothing changes."""
    assert thresholds(80 * ATTO)["8000"] == "crossed"
    assert thresholds(80 * ATTO - 1)["8000"] == "between"
    assert thresholds(76 * ATTO)["8000"] == "between"
    assert thresholds(76 * ATTO - 1)["8000"] == "clear"


def test_nothing_spent_is_no_alert_even_where_nothing_may_be_spent() -> None:
    """A limit of 0 is crossed by the first attodollar, not by nothing."""
    nothing = replace(MONTH, limit=0)
    assert set(thresholds(0, nothing).values()) == {"clear"}
    assert set(thresholds(1, nothing).values()) == {"crossed"}


def test_the_same_threshold_of_the_next_period_is_another_crossing() -> None:
    """November is told anew; a rolling budget has one crossing until it clears."""
    november = replace(MONTH, starts=datetime(2026, 11, 1), resets_at=datetime(2026, 12, 1))
    ids = {one.crossing for status in (MONTH, november) for one in readings("threshold", Facts(budgets=(status,)))}
    assert len(ids) == 6
    rolling = replace(MONTH, starts=None, resets_at=None)
    assert {one.ends for one in readings("threshold", Facts(budgets=(rolling,)))} == {None}


def test_a_rule_names_whom_it_is_about() -> None:
    """Filters by budget, feature and customer all have to fit."""
    facts = Facts(budgets=(replace(MONTH, spent=90 * ATTO),))
    fitting = Rule("threshold", budgets=("contracts",), features=("Contract extraction", "Other"), customers=("Acme",))
    assert told("threshold", facts, fitting)
    for wrong in (replace(fitting, budgets=("b",)), replace(fitting, features=("Other",)), replace(fitting, customers=("Bolt",))):
        assert told("threshold", facts, wrong) == []


def test_a_forecast_tells_when_the_limit_is_reached() -> None:
    """Not spent yet, and expected to be: the day stands in the sentence."""
    status = replace(MONTH, spent=70 * ATTO)
    ahead = Projected(110 * ATTO, datetime(2026, 10, 28, 6), "average of the days so far")
    [what] = told("forecast", Facts(forecasts=(BudgetForecast(status, ahead),)))
    assert what == (
        "Budget contracts of customer Acme is expected to have spent $110.00 of $100.00 when it resets"
        " (average of the days so far); $70.00 is spent now. It reaches its limit around 2026-10-28 06:00 UTC."
    )


@pytest.mark.parametrize(
    ("spent", "projected", "state"),
    [(70, 100, "crossed"), (70, 96, "between"), (70, 94, "clear"), (100, 150, "between"), (70, None, "between")],
)
def test_a_forecast_is_told_only_while_it_is_one(spent: int, projected: int | None, state: str) -> None:
    """What is spent already is its threshold's; what cannot be projected changes nothing."""
    ahead = None if projected is None else Projected(projected * ATTO, None, "x")
    [one] = readings("forecast", Facts(forecasts=(BudgetForecast(replace(MONTH, spent=spent * ATTO), ahead),)))
    assert one.state == state


def test_the_projection_knows_the_week() -> None:
    """With three weeks of history a quiet weekend is expected to be quiet: only working days cost $10."""
    history = {date(2026, 9, 28) + timedelta(days=number): (10 * ATTO if number % 7 < 5 else 0) for number in range(21)}
    status = replace(MONTH, starts=datetime(2026, 10, 1), resets_at=datetime(2026, 11, 1), spent=150 * ATTO, limit=200 * ATTO)
    ahead = run_rate(status, history, datetime(2026, 10, 19))
    assert ahead is not None
    assert ahead.spent == 250 * ATTO  # 150, and ten working days to the end of October
    assert ahead.reaches_limit_at == datetime(2026, 10, 24)


def test_a_projection_needs_something_to_go_by() -> None:
    """Two days say nothing about a month; a budget that never resets has nothing to be projected to; an early hour neither."""
    two = {date(2026, 10, 18): ATTO, date(2026, 10, 19): ATTO}
    assert run_rate(MONTH, two, AT) is None
    assert run_rate(MONTH, {}, AT) is None
    assert run_rate(replace(MONTH, starts=None, resets_at=None), two, AT) is None
    hour = replace(MONTH, starts=AT, resets_at=AT + timedelta(hours=1), spent=30 * ATTO)
    assert run_rate(hour, {}, AT + timedelta(minutes=14)) is None
    ahead = run_rate(hour, {}, AT + timedelta(minutes=15))
    assert ahead is not None
    assert (ahead.spent, ahead.reaches_limit_at) == (120 * ATTO, AT + timedelta(minutes=50))


@given(st.dictionaries(st.integers(1, 28), st.integers(0, 10**20), min_size=3), st.integers(0, 10**22))
def test_a_projection_never_expects_less_than_is_spent(days: dict[int, int], spent: int) -> None:
    """Whatever the past, a period ends with at least what is spent now."""
    history = {AT.date() - timedelta(days=back): amount for back, amount in days.items()}
    ahead = run_rate(replace(MONTH, spent=spent), history, AT)
    assert ahead is None or ahead.spent >= spent


MARGIN = FeatureMargin("Support", "support", Decimal("0.5"), 100 * ATTO, 40 * ATTO, 1000, 0, 30, "2026-09-21..2026-10-20")


def test_a_margin_below_its_floor_is_told_with_both() -> None:
    """Value, cost, margin and floor stand in the sentence; the next step shows the models."""
    [alert] = [one.alert for one in readings("margin", Facts(margins=(MARGIN,))) if one.alert]
    assert alert.what == "Support earned $100.00 and cost $60.00 in the last 30 days: a margin of 40.0%, below its floor of 50%."
    assert "breakeven pnl --period 2026-09-21..2026-10-20 --feature Support --by model" in alert.next_step
    assert (alert.figures["margin"], alert.owner, alert.severity) == (0.4, "support", "warning")


@pytest.mark.parametrize(
    ("value", "contribution", "unknown", "state"),
    [(100, 49, 0, "crossed"), (100, 50, 0, "between"), (100, 51, 0, "between"), (100, 52, 0, "clear"), (100, 90, 5, "between"),
     (100, 40, 5, "crossed"), (None, None, 0, "between"), (0, -1, 0, "crossed"), (0, 0, 0, "clear")],
)  # fmt: skip
def test_a_margin_clears_two_points_above_its_floor_and_only_where_all_cost_is_known(
    value: int | None, contribution: int | None, unknown: int, state: str
) -> None:
    """Unknown cost can only lower a margin; unknown value is not judged; no value at all is below any floor."""
    one = replace(
        MARGIN,
        value=None if value is None else value * ATTO,
        contribution=None if contribution is None else contribution * ATTO,
        unknown_calls=unknown,
    )
    assert [reading.state for reading in readings("margin", Facts(margins=(one,)))] == [state]


def test_a_loss_is_critical_and_shows_no_margin_of_nothing() -> None:
    """A feature that earned nothing has no margin, and says so."""
    lost = replace(MARGIN, value=0, contribution=-ATTO, unknown_calls=2)
    [alert] = [one.alert for one in readings("margin", Facts(margins=(lost,))) if one.alert]
    assert alert.severity == "critical"
    assert "no margin, below its floor of 50%. The cost of 2 more calls is unknown." in alert.what
    assert alert.figures["margin"] is None


CUSTOMER = CustomerCost("Acme & Söhne", 600 * ATTO, 900, 0, "2026-10")
LINE = Rule("customer_cost", line=500 * ATTO)


def test_a_customer_past_a_line_is_told_with_both() -> None:
    """Cost and line stand in the sentence; the next step shows what they use and what they pay."""
    [alert] = [one.alert for one in readings("customer_cost", Facts(customers=(CUSTOMER,)), LINE) if one.alert]
    assert alert.what == "Customer Acme & Söhne has cost $600.00 in 2026-10, past the line of $500.00."
    assert "breakeven customers --period 2026-10 --customer 'Acme & Söhne'" in alert.next_step


@pytest.mark.parametrize(("cost", "state"), [(500, "crossed"), (499, "between"), (475, "between"), (474, "clear")])
def test_a_customers_line_rearms_below_95_percent(cost: int, state: str) -> None:
    """Exactly at the line it is crossed."""
    assert [one.state for one in readings("customer_cost", Facts(customers=(replace(CUSTOMER, cost=cost * ATTO),)), LINE)] == [
        state
    ]


def test_a_customers_line_is_about_the_customers_and_features_named() -> None:
    """A rule about one feature looks at costs of that feature only, and belongs to its owner."""
    of_support = replace(CUSTOMER, features=("Support",), unknown_calls=1)
    facts = Facts(customers=(CUSTOMER, of_support), owners={"Support": "support"})
    rule = replace(LINE, features=("Support",))
    [one] = readings("customer_cost", facts, rule)
    assert one.alert is not None
    assert one.alert.owner == "support"
    assert "with Support in 2026-10, past the line of $500.00. The cost of 1 more call is unknown." in one.alert.what
    assert readings("customer_cost", facts, replace(LINE, customers=("Bolt",))) == []


COVERAGE = Coverage(1000 * ATTO, 900 * ATTO, 77, 7, "2026-10-14..2026-10-20", 500 * ATTO, 490 * ATTO)


def test_coverage_is_told_with_its_trend() -> None:
    """The share, the target, the week before and what nobody owns stand in the sentence."""
    [what] = told("coverage", Facts(coverage=(COVERAGE,)))
    assert what == (
        "90.0% of the cost of the last 7 days has an owner, below the target of 95%, after 98.0% in the 7 days before:"
        " nobody answers for $100.00 in 77 calls."
    )


@pytest.mark.parametrize(
    ("attributed", "target", "state"),
    [(949, "0.95", "crossed"), (950, "0.95", "between"), (962, "0.95", "between"), (963, "0.95", "clear"), (1000, "1", "clear")],
)
def test_coverage_clears_a_quarter_of_the_way_above_its_target(attributed: int, target: str, state: str) -> None:
    """95% clears at 96.25%; a target of everything clears at everything."""
    facts = Facts(coverage=(replace(COVERAGE, owned_cost=attributed * ATTO),))
    assert [one.state for one in readings("coverage", facts, Rule("coverage", target=Decimal(target), days=7))] == [state]


def test_the_declared_target_holds_where_the_rule_has_none() -> None:
    """`attribution: {target: 0.9}` makes 90% enough; a rule's own target is stronger."""
    facts = Facts(coverage=(replace(COVERAGE, target=Decimal("0.9")),))
    assert told("coverage", facts) == []
    assert told("coverage", facts, Rule("coverage", target=Decimal("0.98"), days=7))


def test_coverage_of_nothing_is_not_known() -> None:
    """Days without cost neither tell nor clear anything; other spans are other rules' business."""
    assert [one.state for one in readings("coverage", Facts(coverage=(replace(COVERAGE, cost=0, owned_cost=0),)))] == ["between"]
    assert readings("coverage", Facts(coverage=(COVERAGE,)), Rule("coverage", days=30)) == []


def test_an_unpriced_model_says_where_to_put_its_price() -> None:
    """Provider, model, calls and features stand in the sentence; one owner of all of them is the alert's."""
    model = UnpricedModel("vllm", "m-7b", 1200, date(2026, 10, 1), date(2026, 10, 20), ("A", "B"))
    [one] = readings("unpriced", Facts(unpriced=(model,), owners={"A": "x", "B": "x"}))
    assert one.alert is not None
    assert one.alert.what == "1,200 calls to m-7b of vllm by A, B since 2026-10-01 have no price: the cost is unknown."
    assert one.alert.next_step.endswith("breakeven prices restate --from 2026-10-01")
    assert one.alert.owner == "x"
    nameless = readings("unpriced", Facts(unpriced=(replace(model, model=None, calls=1, last_day=date(2026, 10, 1)),)))[0].alert
    assert nameless is not None
    assert "1 call to a model without a name of vllm by A, B on 2026-10-01 has no price" in nameless.what
    assert "--model" in nameless.next_step
    assert nameless.owner is None


def test_a_gap_is_told_once_a_day_and_provider() -> None:
    """More gaps of the same day are the same crossing; the next day is another."""
    gap = MeteringGap("openai", date(2026, 10, 20), 12, ("A", "B", "C", "D"))
    first, more, other = (
        readings("gap", Facts(gaps=(each,)))[0] for each in (gap, replace(gap, calls=40), replace(gap, day=date(2026, 10, 21)))
    )
    assert first.crossing == more.crossing != other.crossing
    assert first.alert is not None
    assert first.alert.what.startswith("The usage of 12 calls of A, B, C and 1 more to openai on 2026-10-20 is unknown")
    assert readings("gap", Facts(gaps=(gap,)), Rule("gap", features=("Z",))) == []


@given(st.integers(0, 10**30), st.integers(1, 10**30))
def test_a_share_never_reads_as_reached_before_it_is(part: int, whole: int) -> None:
    """Shares are rounded down: below the whole at most 99.9%, and never more than a tenth of a percent too little."""
    tenths = int("".join(each for each in percent(part, whole) if each.isdigit()))
    assert (tenths >= 1000) == (part >= whole)
    assert tenths * whole <= part * 1000 < (tenths + 1) * whole


def test_every_kind_says_what_it_tells() -> None:
    """Names are unique, and what a kind requires it also understands."""
    assert len(KINDS) == len(ALERTS) == 7
    assert all(kind.summary.endswith(".") and set(kind.required) <= set(kind.fields) for kind in ALERTS)
