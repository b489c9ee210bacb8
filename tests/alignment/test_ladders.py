"""Ladders of many models as pure functions: which is chosen, and what is said of it. All answers are invented."""

from __future__ import annotations

from statistics import fmean

from breakeven.alignment.routing.certifying import Terms
from breakeven.alignment.routing.ladders import Answered, search

COUNT, SEEDS = 800, 20


def scored(model: str, scores: list[float], cost: int) -> list[Answered]:
    """A model's answers, none of which states what another's does, so that nobody can agree."""
    return [Answered(f"{model} {number}", score, cost) for number, score in enumerate(scores)]


def test_luck_is_not_chosen_where_certainty_costs_little_more() -> None:
    """A model as good as the strong one only on average is left for one that never differs from it and costs little more."""
    strong = [float(number % 5 != 0) for number in range(COUNT)]
    lucky = [1.0 - score if number % 10 in (0, 1) else score for number, score in enumerate(strong)]
    assert fmean(lucky) == fmean(strong)
    answers = {"strong": scored("strong", strong, 100), "firm": scored("firm", strong, 15), "lucky": scored("lucky", lucky, 10)}
    chosen = [search("strong", answers, Terms(0.1), seed=seed).cheapest.policy.name for seed in range(SEEDS)]
    assert chosen.count("firm") >= 0.8 * SEEDS


def test_what_is_missing_of_the_score_is_not_bought_cheaply() -> None:
    """A model that loses three points of the score is not taken for its price where the whole score is to be kept."""
    strong = [float(number % 20 != 0) for number in range(COUNT)]
    worse = [0.0 if number % 33 == 1 else score for number, score in enumerate(strong)]
    answers = {"strong": scored("strong", strong, 100), "twin": scored("twin", strong, 60), "worse": scored("worse", worse, 10)}
    for seed in range(SEEDS):
        found = search("strong", answers, Terms(0.1), seed=seed)
        assert (found.cheapest.policy.name, found.cheapest.quality_kept) == ("twin", 1.0)


def test_what_is_above_the_score_to_keep_is_not_paid_for() -> None:
    """Where both keep all that is asked, the cheaper model is taken, however much better the other is."""
    strong = [float(number % 10 != 0) for number in range(COUNT)]
    better = [float(number % 20 != 0) for number in range(COUNT)]
    answers = {
        "strong": scored("strong", strong, 100),
        "better": scored("better", [1.0] * COUNT, 50),
        "cheaper": scored("cheaper", better, 20),
    }
    for seed in range(SEEDS):
        assert search("strong", answers, Terms(), keep=0.99, seed=seed).cheapest.policy.name == "cheaper"
