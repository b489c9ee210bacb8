"""The generator by itself: planted figures that add up, token counts that cost what is planned, files that are reproducible."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest

from breakeven.cli.main import run
from breakeven.economics.money import ATTO
from breakeven.pricebook import PricingKey, RateCard
from breakeven.sample import write_configuration, write_facts
from breakeven.sample.calibration import calibrated
from breakeven.sample.company import company
from breakeven.sample.plans import CONTRACT_PLAN, PLANS, SUPPORT_PLAN, FeaturePlan
from breakeven.sample.traffic import FAILED, REFUSED, TOKEN_CLASSES, Traffic, traffic
from breakeven.sample.truth import (
    BRIDGE,
    CUSTOMERS,
    FRONTIER_SHARE,
    INCIDENT_DAYS,
    MONTHS,
    OCTOBER,
    SEPTEMBER,
    TASK_CLASSES,
    TOKENS_PER_TASK,
    UNPRICED_MONTH,
)

LONGEST_PLAIN_INPUT = 200_000
"""Above so many input tokens the first of the planted models costs more."""


def _made(plan: FeaturePlan, month: int, card: RateCard | None, seed: int = 3) -> Traffic:
    random = np.random.default_rng(seed)
    made = traffic(plan, month, company(random), random)
    return made if card is None else calibrated(made, card)


def test_the_planted_figures_add_up() -> None:
    """Task classes sum to October's calls and cost, the bridge to the change, the ladder's worth to the documented $12,520."""
    cost, documents = CONTRACT_PLAN.cost, CONTRACT_PLAN.outcomes
    assert sum(item.calls for item in TASK_CLASSES) == documents[OCTOBER]
    assert sum(item.spend for item in TASK_CLASSES) == cost[OCTOBER]
    assert sum(item.worth_per_month for item in TASK_CLASSES) == 12_520
    assert sum(BRIDGE.values()) == cost[OCTOBER] - cost[SEPTEMBER]
    assert round(cost[SEPTEMBER] * (documents[OCTOBER] / documents[SEPTEMBER] - 1), -2) == BRIDGE["volume"]
    frontier = sum(item.calls * item.frontier for item in TASK_CLASSES) / documents[OCTOBER]
    assert round(frontier, 2) == FRONTIER_SHARE[OCTOBER]


def test_every_month_of_every_plan_is_given() -> None:
    """No feature lacks a figure of any month, and shares of rungs sum to one."""
    for plan in PLANS:
        assert len(plan.cost) == len(plan.outcomes) == len(plan.calls) == MONTHS
        assert all(sum(work.mix(month)) == pytest.approx(1) for work in plan.workflows for month in range(MONTHS))


@pytest.mark.parametrize("seed", [3, 4])
@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.key)
def test_a_month_costs_its_plan_to_the_price_of_a_token(plan: FeaturePlan, seed: int, sample_card: RateCard) -> None:
    """The billed attempts of October, priced one day and model at a time by the price book, cost the planted dollars."""
    made = _made(plan, OCTOBER, sample_card, seed)
    cost, dearest = 0, 0
    for slot, entry in enumerate(plan.slots):
        for day in np.unique(made.day).tolist():
            at = datetime(2026, 10, 1, 15) + timedelta(days=day)
            rows = made.metered & (made.slot == slot) & (made.day == day)
            quote = sample_card.quote(PricingKey(entry.provider, entry.model(OCTOBER), at))
            for name, column in zip(TOKEN_CLASSES, made.tokens, strict=True):
                price = sum(line.unit_price for line in quote.lines.get(name, ()))
                cost += int(column[rows].sum()) * price
                dearest = max(dearest, price)
    groups = len(plan.workflows) * len(plan.slots)
    assert 0 <= plan.cost[OCTOBER] * ATTO - cost < dearest * groups


@pytest.mark.parametrize("month", [0, 5, SEPTEMBER, OCTOBER])
def test_tokens_per_document_are_planted(month: int, sample_card: RateCard) -> None:
    """A document of contract extraction takes the planted number of tokens, to one in a hundred, in cheap and dear months alike."""
    made = _made(CONTRACT_PLAN, month, sample_card)
    tokens = sum(int(column[made.metered].sum()) for column in made.tokens)
    assert tokens / CONTRACT_PLAN.outcomes[month] == pytest.approx(TOKENS_PER_TASK[month], rel=0.01)


def test_no_call_reaches_a_dearer_tier(sample_card: RateCard) -> None:
    """The input of every call stays below the first threshold for long contexts."""
    for plan in PLANS:
        made = _made(plan, OCTOBER, sample_card)
        assert int((made.tokens[0] + made.tokens[1] + made.tokens[2]).max()) < LONGEST_PLAIN_INPUT
        assert all(int(column.min()) >= 0 for column in made.tokens)


def test_the_incident_bills_failed_attempts() -> None:
    """On the two days in July most support answers are retried and their failed attempts billed; elsewhere failures are free."""
    july = (INCIDENT_DAYS[0].year - 2025) * 12 + INCIDENT_DAYS[0].month - 11
    made = _made(SUPPORT_PLAN, july, None)
    struck = np.isin(made.day, [day.day - 1 for day in INCIDENT_DAYS])
    failed = made.status == FAILED
    assert 0.6 < failed[struck].sum() / (struck & (made.attempt == 0)).sum() < 0.7
    assert made.billed[struck & failed].all()
    assert not made.billed[~struck & failed].any()
    assert not made.billed[made.status == REFUSED].any()


def test_customers_of_a_decile_are_planted() -> None:
    """Whatever the seed, two hundred customers hold the same number of each plan, and no user is without a customer."""
    sold = []
    for seed in (1, 2):
        firm = company(np.random.default_rng(seed))
        sold.append(np.bincount(firm.plan).tolist())
        assert set(firm.user_customer) == set(range(CUSTOMERS))
    assert sold[0] == sold[1] == [76, 68, 40, 16]


@pytest.mark.slow
def test_a_seed_decides_every_byte(tmp_path: Path, sample_card: RateCard) -> None:
    """The same seed writes the same files to the last byte; another seed writes other ones."""
    digests = []
    for number, seed in enumerate((7, 7, 8)):
        folder = tmp_path / str(number)
        write_facts(folder, sample_card, seed)
        digests.append({path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()})
    assert digests[0] == digests[1]
    assert not [name for name, digest in digests[2].items() if digest == digests[0][name]]
    assert len(digests[0]) == MONTHS + 6


@pytest.mark.slow
def test_retries_share_the_identity_of_their_call(tmp_path: Path, sample_card: RateCard) -> None:
    """Attempts of one call carry one id and one time, so that the ledger keeps them as attempts of one call."""
    files = write_facts(tmp_path, sample_card)["calls"]
    calls = [str(path) for path in files if path.suffix == ".parquet"]
    several = "SELECT count(*), count(DISTINCT occurred_at) FROM read_parquet(?) GROUP BY id HAVING count(*) > 1"
    found = duckdb.execute(several, [calls]).fetchall()
    assert found
    assert {times for _, times in found} == {1}
    assert any(path.name.startswith(f"pilot-2026-{UNPRICED_MONTH - 1:02d}") for path in files)


def test_configuration_says_that_it_is_invented(tmp_path: Path) -> None:
    """Configuration, prices and read-me are labelled as invented in their first lines."""
    write_configuration(tmp_path)
    labelled = [
        path.name for path in tmp_path.iterdir() if "invented" in "".join(path.read_text().splitlines(keepends=True)[:3]).lower()
    ]
    assert sorted(labelled) == ["README.md", "breakeven.yaml", "prices.yaml"]


def test_the_demo_leaves_other_ledgers_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder with anything else in it, or with the sample of another seed, is refused before a file of it is touched."""
    mine, other = tmp_path / "mine", tmp_path / "other"
    mine.mkdir()
    (mine / "breakeven.yaml").write_text("features: {}\n")
    write_configuration(other, seed=1)
    before = (other / "README.md").read_bytes()
    for folder in (mine, other):
        assert run(["demo", "--ledger", str(folder), "--seed", "2"]) == 2
        assert "is in use" in capsys.readouterr().err
    assert (mine / "breakeven.yaml").read_text() == "features: {}\n"
    assert [path.name for path in mine.iterdir()] == ["breakeven.yaml"]
    assert (other / "README.md").read_bytes() == before
