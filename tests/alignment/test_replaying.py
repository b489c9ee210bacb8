"""Which past tasks are replayed, and how an answer on a cheaper rung is scored."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.alignment.sampling import sample
from breakeven.alignment.scoring import Scorer, fields_kept
from breakeven.alignment.task import Reply, Task

TASK = Task("Which clause?")
WITH_SCHEMA = Task("Read it.", schema={"type": "object", "required": ["total"], "properties": {"total": {"type": "number"}}})


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=120), st.integers(1, 60), st.integers())
def test_a_sample_is_drawn_without_repetition_and_with_known_chances(costs: list[int], count: int, seed: int) -> None:
    """As many tasks as asked, or all; each once, with a chance above nothing."""
    drawn = sample(costs, count, Random(seed))
    places = [one.place for one in drawn]
    assert len(places) == len(set(places)) == min(count, len(costs))
    assert all(one.propensity > 0 for one in drawn)


def test_weighted_samples_speak_for_the_class() -> None:
    """Dear tasks fail, cheap ones do not: over 400 samples the weighted mean is the class's share of failures."""
    costs = [1] * 900 + [50] * 100
    means, plain = [], []
    for seed in range(400):
        drawn = sample(costs, 60, Random(seed))
        failed = [one.place >= 900 for one in drawn]
        assert min(one.propensity for one in drawn) > 0.45  # no weight far above 2
        means.append(sum(bad / one.propensity for bad, one in zip(failed, drawn, strict=True)) / len(drawn))
        plain.append(sum(failed) / len(drawn))
    assert sum(means) / len(means) == pytest.approx(0.1, abs=0.005)
    assert sum(plain) / len(plain) > 0.3


@pytest.mark.parametrize(
    ("rule", "weak", "strong", "agreed"),
    [
        ("exact", "Clause 7", "Clause 7 ", True),
        ("exact", "clause 7", "Clause 7", False),
        ("text", "clause 7.", "Clause 7", True),
        ("number", "It is 100.5", "so the total is 100", False),
        ("agreement", '{"a": 1}', '{"a": 1.0}', True),
        ("json", '{"a": 1, "b": "x"}', '{"a": 1, "b": "X"}', True),
    ],
)
def test_each_rule_has_its_own_sense_of_the_same(rule: str, weak: str, strong: str, agreed: bool) -> None:
    """Spaces, case, punctuation and forms of numbers count where the rule says so."""
    assert Scorer(rule).score(TASK, Reply(weak), Reply(strong)).agreed is agreed  # type: ignore[arg-type]  # a word of RULES


def test_numbers_agree_within_a_tolerance() -> None:
    """100.5 is 100 within one per cent, and no number is none."""
    scorer = Scorer("number", tolerance=Decimal("0.01"))
    assert scorer.score(TASK, Reply("It is 100.5"), Reply("so the total is 100")).agreed
    assert not scorer.score(TASK, Reply("I do not know"), Reply("100")).agreed


def test_json_is_scored_field_by_field() -> None:
    """Two of three fields alike are worth two thirds; only the fields that count are looked at."""
    strong = Reply('{"a": 1, "b": "x", "c": [1, 2]}')
    weak = Reply('{"a": 1, "b": "x", "c": [2, 1], "d": 0}')
    found = Scorer("json").score(TASK, weak, strong)
    assert (found.agreed, found.strong) == (False, 1.0)
    assert found.weak == pytest.approx(2 / 3)
    assert Scorer("json", fields=("a", "b")).score(TASK, weak, strong).agreed
    assert fields_kept({"a": 1}, {}) == 0.0


@pytest.mark.parametrize("rule", ["exact", "text", "json", "agreement"])
def test_an_answer_that_breaks_the_requests_schema_is_wrong(rule: str) -> None:
    """Whatever the rule: what the caller cannot read is not as good."""
    strong = Reply('{"total": 5}')
    assert not Scorer(rule).score(WITH_SCHEMA, Reply('{"sum": 5}'), strong).agreed  # type: ignore[arg-type]  # a word of RULES
    assert Scorer(rule).score(WITH_SCHEMA, strong, strong).agreed  # type: ignore[arg-type]  # as above
