"""How far a judge is believed: by what it is off on the difference of two rungs, with confidence."""

from __future__ import annotations

import numpy as np

from breakeven.alignment.judging import FEWEST, judge_error


def test_kindness_to_both_rungs_cancels_only_where_it_was_measured_on_both() -> None:
    """A judge that passes 20% of wrong answers of either rung: with labels of each it is hardly off, over all labels by 40%."""
    kind = [1.0] * 80 + [0.0] * 320
    per_rung, pooled = judge_error(kind, kind), judge_error([], [], kind * 2)
    assert (per_rung.measured, pooled.measured) == ("per rung", "over all labels")
    assert pooled.value > 0.4
    assert per_rung.value < 0.2


def test_errors_in_opposite_directions_are_found_only_per_rung() -> None:
    """Kind to the cheaper rung and as harsh to the dear one: the mean over all labels hides it, the difference shows it whole."""
    kind, harsh = [1.0] * 40 + [0.0] * 360, [-1.0] * 40 + [0.0] * 360
    assert judge_error(kind, harsh).value > 0.2


def test_too_few_labels_of_a_rung_fall_back_and_say_so() -> None:
    """With fewer than ten labels of one rung all labels count together."""
    assert judge_error([0.0] * (FEWEST - 1), [0.0] * 100).measured == "over all labels"
    assert judge_error([0.0] * FEWEST, [0.0] * FEWEST).measured == "per rung"


def test_the_true_error_is_within_what_is_said_in_19_of_20_cases() -> None:
    """300 judges of known bias, 60 labels a rung: what they are off exceeds the bound in at most 5% of them."""
    random = np.random.default_rng(11)
    beyond = 0
    for _ in range(300):
        weak, strong = random.uniform(0, 0.3, 2)
        errors = [(random.random(60) < rate).astype(float).tolist() for rate in (weak, strong)]
        beyond += abs(weak - strong) > judge_error(*errors).value
    assert beyond <= 15
