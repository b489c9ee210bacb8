"""When a handler may answer."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from breakeven.alignment.compiled.certificate import LIMITS, WIDEST, Certificate, ClassRecord, lower_bound

shares = st.tuples(st.integers(1, 400), st.integers(0, 400)).map(lambda pair: (min(pair), max(pair)))


@given(shares)
def test_the_bound_is_clopper_and_pearsons(tally: tuple[int, int]) -> None:
    """The lower bound is the exact one-sided one: the beta quantile that scipy gives, and 0 where nothing was right."""
    right, tries = tally
    expected = float(beta.ppf(0.05, right, tries - right + 1)) if right else 0.0
    assert lower_bound(right, tries) == pytest.approx(expected, abs=1e-9)


def test_the_bound_holds_as_often_as_it_says() -> None:
    """Of 2,000 records of 60 tries at a true share of 0.9, the bound lies above the truth in at most about 5%."""
    random = Random(1)
    records = [sum(random.random() < 0.9 for _ in range(60)) for _ in range(2000)]
    assert sum(lower_bound(right, 60) > 0.9 for right in records) / 2000 < 0.065


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=300), st.integers(1, 4))
def test_no_limit_breaks_a_promise(tries: list[tuple[float, bool]], fields: int) -> None:
    """Whatever the record, the admitted limit is 0 or its tries keep floor and aim, and it never exceeds one wrong in ten."""
    certificate = Certificate(fields)
    for unsureness, right in tries:
        certificate.add(unsureness, right=right)
    limit = certificate.limit()
    within = [right for unsureness, right in tries if unsureness <= limit]
    assert limit == 0 or (
        sum(within) >= 0.98**fields * len(within) and lower_bound(sum(within), len(within)) >= 0.93**fields and limit <= WIDEST
    )


def test_forty_two_right_tries_are_enough_and_forty_one_are_not() -> None:
    """For one field at the default floor of 93%, 42 right tries and no wrong one are the smallest record that admits answers."""
    limits = []
    for count in (41, 42):
        certificate = Certificate(1)
        for _ in range(count):
            certificate.add(LIMITS[0], right=True)
        limits.append(certificate.limit())
    assert limits == [0.0, 0.05]


def test_a_lower_aim_lets_less_sure_answers_through() -> None:
    """The edge follows the aim: 2.5 times the errors it allows, so that a feature content with 95% may answer up to 0.1."""
    certificate = Certificate(1, floor=0.9, aim=0.95)
    for _ in range(100):
        certificate.add(0.08, right=True)
    assert certificate.limit() == 0.1


def test_a_class_of_rules_is_withdrawn_only_where_its_tries_contradict_the_floor() -> None:
    """Five wrong of ten withdraw a class; one wrong of three may be chance; tries that were unsure anyway do not count."""
    record = ClassRecord()
    for number in range(10):
        record.add("printed", 0.95, right=number < 5)
        record.add("label", 0.5, right=False)
    for number in range(3):
        record.add("checked", 0.95, right=number > 0)
    assert record.withdrawn(0.93) == {"printed"}
