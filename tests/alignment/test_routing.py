"""Routes as pure functions: what is read, what a curve and a certificate say, when drift is told. All tasks are invented."""

from __future__ import annotations

import math
import subprocess
import sys
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, multinomial
from sklearn.linear_model import Ridge  # type: ignore[import-untyped]  # it ships no types

from breakeven.alignment.evidence.paired import paired_p_value
from breakeven.alignment.routing.certifying import Terms, certify_thresholds
from breakeven.alignment.routing.fitting import indicator_rows, isotonic, ridge
from breakeven.alignment.routing.pairs import Pair
from breakeven.alignment.routing.policies import curve
from breakeven.alignment.routing.reading import HEAD_CHARACTERS, SUMMARY, TAIL_CHARACTERS, clipped, form, tokens, words
from breakeven.alignment.routing.route import Route
from breakeven.alignment.routing.route_file import RouteFile, read_route, to_bytes
from breakeven.alignment.routing.training import Names, train
from breakeven.alignment.task import Task
from breakeven.errors import DataError

NAMES = Names("small", "large", "workflow")
HARD = ("prove", "derive", "integrate", "estimate", "optimise")
EASY = ("spell", "translate", "greet", "list", "name")
FILLER = ("please", "the", "report", "a", "customer", "of", "today", "with", "order", "and", "now", "for")
SCORES = st.lists(
    st.tuples(st.floats(-5, 5), st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([0.0, 1.0])), min_size=1, max_size=60
)


def invented(count: int, seed: int, *, easy: float = 0.5) -> list[Pair]:
    """So many replays of an invented workload, on whose hard tasks the weak rung fails six times out of ten."""
    random = Random(seed)
    made: list[Pair] = []
    for _ in range(count):
        hard = random.random() >= easy
        terms = [random.choice(HARD if hard else EASY), *random.choices(FILLER, k=random.randint(4, 12))]
        random.shuffle(terms)
        strong = random.random() < 0.95
        weak = random.random() < (0.4 if hard else 0.94)
        made.append(Pair(" ".join(terms), ("analysis" if hard else "desk") if random.random() < 0.8 else "other", weak, strong))
    return made


@pytest.fixture(scope="module")
def trained() -> RouteFile:
    """A route trained on 1,200 invented replays at a margin of three points."""
    return train(invented(1_200, 1), NAMES, Terms(0.03))


def test_a_route_orders_tasks_it_was_not_trained_on(trained: RouteFile) -> None:
    """On fresh tasks the route recovers most of what an oracle of hardness would, far above chance."""
    fresh = invented(2_000, 2)
    route = Route(trained, watched=False)
    points = [route.read(one.text, one.tag).points for one in fresh]
    area = curve(points, [one.weak for one in fresh], [one.strong for one in fresh]).gap_recovered()
    assert area is not None
    assert area > 0.7


def test_the_certified_route_keeps_its_promise_on_fresh_tasks(trained: RouteFile) -> None:
    """It sends tasks away and loses no more than the margin on 4,000 tasks it never saw."""
    fresh = invented(4_000, 3)
    route = Route(trained, watched=False)
    sent = [route.decide(Task(one.text, workflow=one.tag)).rung == "small" for one in fresh]
    loss = sum(one.strong - one.weak for one, away in zip(fresh, sent, strict=True) if away) / len(fresh)
    assert sum(sent) / len(fresh) > 0.2
    assert loss <= 0.03


def test_a_route_read_from_its_file_decides_as_the_one_written(trained: RouteFile) -> None:
    """Every decision of the file's route is that of the trained one."""
    again = Route(read_route(to_bytes(trained), "route.json"), watched=False)
    first = Route(trained, watched=False)
    tasks = [Task(one.text, workflow=one.tag) for one in invented(200, 4)]
    assert [again.decide(one) for one in tasks] == [first.decide(one) for one in tasks]


@pytest.mark.parametrize("content", [b"{", b"{}", b'{"format": "breakeven route 0"}'])
def test_a_file_that_is_no_route_is_refused(content: bytes) -> None:
    """What is no route is refused by name, with what to do."""
    with pytest.raises(DataError, match=r"other\.json") as error:
        read_route(content, "other.json")
    assert "route train" in error.value.remedy


def test_reasons_add_up_to_the_points(trained: RouteFile) -> None:
    """Base and all reasons of a task sum to its points, so that no part of a decision is hidden."""
    route = Route(trained, watched=False)
    for one in invented(50, 5):
        told = trained.base + math.fsum(reason.points for reason in route.explain(one.text, one.tag, 10_000))
        assert told == pytest.approx(route.read(one.text, one.tag).points, abs=1e-9)


def test_what_is_not_text_stays_on_the_strong_rung(trained: RouteFile) -> None:
    """A task with media or without a text is not judged."""
    route = Route(trained)
    assert route.decide(Task("list the order", media=True, workflow="desk")).rung == "large"
    assert route.decide(Task("", workflow="desk")).rung == "large"


def test_without_uplift_to_tell_nothing_is_certified() -> None:
    """Where the weak rung is worse on every kind of task alike, the route stays on the strong one."""
    random = Random(6)
    pairs = [Pair(" ".join(random.choices(FILLER, k=8)), None, random.random() < 0.5, 1.0) for _ in range(400)]
    file = train(pairs, Names("small", "large", None), Terms(0.02))
    assert file.certificate.threshold is None or file.certificate.share <= 0.04
    assert file.learned.gap_recovered is not None
    assert abs(file.learned.gap_recovered - 0.5) < 0.08


def test_a_gap_below_three_points_is_not_shared_out() -> None:
    """Where both rungs score much the same, the area is None and not a number without meaning."""
    file = train([Pair(one.text, one.tag, one.strong, one.strong) for one in invented(300, 7)], NAMES, Terms(0.02))
    assert file.learned.gap_recovered is None
    assert file.certificate.share == 1.0


def test_predictions_are_reliable(trained: RouteFile) -> None:
    """Foretold and seen uplift of replays that had no part in the prediction differ by less than five points on average."""
    rows = trained.reliability
    off = sum(row.rows * abs(row.predicted - row.observed) for row in rows) / sum(row.rows for row in rows)
    assert off < 0.05
    lines = [uplift for _, uplift in trained.calibration]
    assert lines == sorted(lines)


def test_the_decision_needs_no_numpy() -> None:
    """What the gateway imports of a route loads neither numpy nor scipy."""
    code = "import sys, breakeven.alignment.routing.route, breakeven.alignment.routing.route_file; print('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_drift_is_told_and_falls_back_to_the_strong_rung(trained: RouteFile) -> None:
    """Traffic of another language and tag is noticed within 400 tasks; from then on every task stays, and the reason is said."""
    route = Route(trained)
    random = Random(8)
    others = [" ".join(random.choices(("bonjour", "merci", "facture", "deux", "livraison"), k=40)) for _ in range(400)]
    decisions = [route.decide(Task(text, workflow="ventes")) for text in others]
    assert decisions[-1].rung == "large"
    assert "drifted" in decisions[-1].why
    assert route.decide(Task("list the order", workflow="desk")).rung == "large"


def test_traffic_like_the_replays_is_not_called_drift(trained: RouteFile) -> None:
    """Twenty thousand tasks like the replays ring no alarm; on average one in a million may."""
    route = Route(trained)
    for one in invented(20_000, 9):
        route.decide(Task(one.text, workflow=one.tag))
    assert route.watch is not None
    assert route.watch.why == ""
    assert route.watch.tasks == 20_000


@given(SCORES)
def test_a_curve_runs_from_all_strong_to_all_weak(rows: list[tuple[float, float, float]]) -> None:
    """Its ends are the two rungs alone, and tasks with equal points may come in any order."""
    points, weak, strong = (list(column) for column in zip(*rows, strict=True))
    found = curve(points, weak, strong)
    assert found.strong == pytest.approx(sum(strong) / len(strong))
    assert found.weak == pytest.approx(sum(weak) / len(weak))
    again = curve(points[::-1], weak[::-1], strong[::-1])
    assert found.shares == again.shares
    assert found.scores == pytest.approx(again.scores)


def test_points_that_tell_nothing_recover_half_the_gap() -> None:
    """Where all tasks have the same points, the area is 0.5 however the file is ordered."""
    assert curve([1.0] * 4, [0, 0, 0, 1], [1, 1, 1, 1]).gap_recovered() == 0.5


@given(st.integers(0, 40), st.integers(0, 40), st.integers(100, 400), st.floats(0.01, 0.2))
@settings(max_examples=25, deadline=None)
def test_more_losses_never_prove_more(lost: int, gained: int, pairs: int, margin: float) -> None:
    """One loss more, all else equal, never lowers the p-value by more than the search over the unknown share costs."""
    assert paired_p_value(lost + 1, gained, pairs, margin) >= paired_p_value(lost, gained, pairs, margin) - 1e-3


@given(st.integers(0, 30), st.integers(50, 400), st.floats(0.02, 0.3))
@settings(max_examples=25, deadline=None)
def test_without_gains_the_exact_test_is_no_bolder_than_a_binomial_test(lost: int, pairs: int, margin: float) -> None:
    """If only losses can occur, their number is binomial: the p-value for any mix of losses and gains is at least that one's."""
    assert (
        paired_p_value(lost, 0, pairs, margin) >= binomtest(lost, pairs, margin, alternative="less").pvalue - 2e-3
        or lost >= margin * pairs
    )


def test_the_exact_test_keeps_its_level() -> None:
    """At the boundary of a two-point margin with 12% of pairs discordant, at most 5% of 2,000 trials are called enough."""
    random = np.random.default_rng(10)
    lost, gained = random.multinomial(800, [0.07, 0.05, 0.88], size=2_000).T[:2]
    asked = {(int(one), int(other)) for one, other in zip(lost, gained, strict=True) if one - other < 10}
    known = {pair: paired_p_value(*pair, 800, 0.02) for pair in asked}
    wrong = sum(known.get((int(one), int(other)), 1.0) <= 0.05 for one, other in zip(lost, gained, strict=True))
    assert wrong / 2_000 <= 0.062  # 5% and three standard errors


@pytest.mark.parametrize(("pairs", "margin"), [(120, 0.03), (300, 0.01)])
@pytest.mark.parametrize("discordant", [1.0, 1.6, 5.0])
def test_the_exact_test_is_exact(pairs: int, margin: float, discordant: float) -> None:
    """Summed over all results, the probability of being called enough at the boundary is at most 5%, however many pairs differ."""
    share = discordant * margin
    chances = [(share + margin) / 2, (share - margin) / 2, 1 - share]
    most = int(pairs * share + 7 * math.sqrt(pairs * share))
    wrong = 0.0
    for lost in range(most):
        for gained in range(max(0, math.ceil(lost - pairs * margin)), most if discordant > 1 else 1):
            if paired_p_value(lost, gained, pairs, margin) <= 0.05:
                wrong += float(multinomial.pmf([lost, gained, pairs - lost - gained], pairs, chances))
    assert wrong <= 0.05


def test_certificates_keep_their_promise() -> None:
    """Over 120 draws of 500 pairs from a workload of known worth, at most 5% of certified thresholds break a five-point margin."""
    random = np.random.default_rng(11)
    broken = 0
    for seed in range(120):
        points = random.random(500)
        uplift = (random.random(500) < 0.3 * points).astype(float) - (random.random(500) < 0.05)
        row = certify_thresholds(points, uplift, Terms(0.05), seed, "fresh", "")
        edge = row.threshold or 0.0
        broken += 0.15 * edge**2 - 0.05 * edge > 0.05
    assert broken / 120 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 120)


def test_scores_between_right_and_wrong_are_certified_by_the_bet() -> None:
    """Scores from 0 to 1 prove a threshold too, and half the loss admits a larger share."""
    random = np.random.default_rng(12)
    points = random.random(1_500)
    shares = []
    for scale in (1.0, 0.5):
        uplift = scale * (random.random(1_500) * 0.2 * points)
        shares.append(certify_thresholds(points, uplift, Terms(0.02), 0, "fresh", "").share)
    assert 0 < shares[0] < shares[1]


def test_ridge_is_the_library_s() -> None:
    """The weights are those of scikit-learn's ridge regression without intercept."""
    random = Random(13)
    rows = indicator_rows([sorted(random.sample(range(60), 12)) for _ in range(200)], np.linspace(1, 3, 60))
    targets = np.array([random.random() for _ in range(200)])
    ours = ridge(rows, targets[:, None], 3.0)[:, 0]
    theirs = Ridge(alpha=3.0, fit_intercept=False, solver="cholesky").fit(rows.toarray(), targets).coef_
    assert np.abs(ours - theirs).max() < 1e-3


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=30))
def test_the_calibrated_line_never_falls(values: list[float]) -> None:
    """Pooling keeps the mean and never falls."""
    found = isotonic(np.array(values), np.ones(len(values)))
    assert (np.diff(found) >= -1e-12).all()
    assert found.mean() == pytest.approx(np.mean(values), abs=1e-9)


@given(st.text(max_size=3_000))
@settings(max_examples=60)
def test_any_text_can_be_read(text: str) -> None:
    """No text is too long or too odd: what is read is bounded, and every figure of form is finite."""
    part = clipped(text)
    found = tokens(part)
    figures = form(text, part, found)
    assert len(part) <= HEAD_CHARACTERS + TAIL_CHARACTERS + 1
    assert len(figures) == len(SUMMARY)
    assert all(map(math.isfinite, figures))
    assert words(found)
