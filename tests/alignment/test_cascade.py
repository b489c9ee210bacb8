"""Agreement cascades: what they cost and keep, and that those which lose refuse themselves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from breakeven.alignment.cascade import Answered, compare, not_worse

Run = Callable[..., tuple[int, str, str]]
STRONG, MINI, FLASH = "gpt-4o-2024-08-06", "gpt-4o-mini-2024-07-18", "gemini-1.5-flash"


def _evaluate(breakeven: Run, data: Path, value: str, where: str, strong: str, *cheap: str) -> tuple[int, dict[str, Any]]:
    models = [option for name in cheap for option in ("--cheap", name)]
    code, out, err = breakeven(
        "cascade", "evaluate", data / "outcomes.parquet", "--question", "query_id", "--input-size", "in_chars",
        "--output-size", "out_chars", "--characters-per-token", 4, "--prices", data / "models.csv",
        "--value", value, "--where", f"query_id={where}-*", "--strong", strong, *models, "--json",
    )  # fmt: skip
    assert code in {0, 1}, err
    return code, json.loads(out)


def test_two_cheap_models_that_agree_do_school_sums(breakeven: Run, shared_data: Path) -> None:
    """On 667 GSM8K questions two cheap models save over 75% of gpt-4o's cost at over 99.5% of its quality, and that is proven."""
    code, found = _evaluate(breakeven, shared_data / "routing", "number", "gsm8k", STRONG, MINI, FLASH)
    pair = next(row for row in found["candidates"] if row["kind"] == "agreement")
    assert (code, found["questions"], found["chosen"]) == (0, 667, f"{MINI} + {FLASH}")
    assert pair["saved"] > 0.75
    assert pair["quality_kept"] > 0.995
    assert pair["proven"]
    assert found["choosing"]["chosen"] == [f"{MINI} + {FLASH}"] * 2
    assert found["choosing"]["saved"] > 0.75
    assert [row["proven"] for row in found["candidates"] if row["models"] == [FLASH]] == [False]


def test_two_cheap_models_that_agree_run_python_in_their_heads(breakeven: Run, shared_data: Path) -> None:
    """On 422 CRUXEval questions the pair saves over 45% of gpt-4o's cost at over 99% of its quality; so few prove no margin."""
    code, found = _evaluate(breakeven, shared_data / "routing", "literal", "cruxeval", STRONG, MINI, "Qwen2.5-72B-Instruct")
    pair = next(row for row in found["candidates"] if row["kind"] == "agreement")
    assert pair["saved"] > 0.45
    assert pair["quality_kept"] > 0.99
    assert (code, found["chosen"]) == (1, STRONG)


def test_a_cascade_that_loses_money_refuses_itself(breakeven: Run, shared_data: Path) -> None:
    """Before a cheap reasoning model the cascade costs more than it saves: the strong model stays and the sentence says why."""
    code, found = _evaluate(
        breakeven, shared_data / "routing", "literal", "cruxeval", "o1-mini-2024-09-12", MINI, "claude-3-haiku-20240307"
    )
    pair = next(row for row in found["candidates"] if row["kind"] == "agreement")
    assert pair["saved"] < 0
    assert (code, found["chosen"]) == (1, "o1-mini-2024-09-12")
    assert "o1-mini-2024-09-12 stays on all 422 questions: 1 of 3 candidates cost more" in found["sentence"]


def test_a_cost_that_is_known_exactly_adds_up(breakeven: Run, tmp_path: Path) -> None:
    """With costs in the file the cascade's cost is the sum of its parts, to the last digit."""
    rows = ["question,model,answer,score,usd"]
    for number in range(10):
        agreed = number != 3
        rows += [f"{number},big,x,1,0.010000000000000001", f"{number},a,x,1,0.001", f"{number},b,{'x' if agreed else 'y'},1,0.0005"]
    file = tmp_path / "judged.csv"
    file.write_text("\n".join(rows), encoding="utf-8")
    _, out, _ = breakeven("cascade", "evaluate", file, "--strong", "big", "--cheap", "a", "--cheap", "b", "--cost", "usd", "--json")
    found = json.loads(out)
    pair = next(row for row in found["candidates"] if row["kind"] == "agreement")
    assert (pair["cost"].rstrip("0"), pair["agreed"]) == ("0.025000000000000001", 0.9)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--strong", "big", "--cheap", "a"), 2, "what an answer cost is not known"),
        (("--strong", "big", "--cheap", "big", "--cost", "usd"), 2, "big is both strong and cheap"),
        (("--strong", "huge", "--cheap", "a", "--cost", "usd"), 2, "has no rows of the model 'huge'"),
        (("--strong", "big", "--cheap", "a", "--cost", "eur"), 3, "cannot be read so"),
        (("--strong", "big", "--cheap", "a", "--cost", "question", "--score", "answer"), 3, "is no number"),
        (("--strong", "big", "--cheap", "a", "--cost", "usd", "--where", "x"), 2, "--where is 'x'"),
    ],
)
def test_bad_requests_are_told(breakeven: Run, tmp_path: Path, arguments: tuple[str, ...], code: int, told: str) -> None:
    """Each with its exit code and what to do."""
    file = tmp_path / "judged.csv"
    file.write_text("question,model,answer,score,usd\n1,big,x,1,1\n1,a,x,1,0.1\n", encoding="utf-8")
    found, _, err = breakeven("cascade", "evaluate", file, *arguments)
    assert (found, told in err) == (code, True)


def test_a_loss_beyond_the_margin_is_seldom_proven_harmless() -> None:
    """At a true loss of exactly the margin, at most 5% of 400 runs of 500 pairs are approved; at equal quality most are."""
    approved = {True: 0, False: 0}
    for seed in range(400):
        draws = Random(seed)
        for equal in approved:
            worse, better = (0.03, 0.03) if equal else (0.04, 0.02)
            pairs = [-1.0 if (draw := draws.random()) < worse else 1.0 if draw > 1 - better else 0.0 for _ in range(500)]
            approved[equal] += not_worse(pairs, 0.02, 0.05)
    assert approved[False] <= 20
    assert approved[True] > 80


def test_a_lucky_candidate_is_judged_where_it_was_not_chosen() -> None:
    """Of forty candidates that guess, the best keeps more on the questions that chose it than the figure of choosing says."""
    draws = Random(7)
    names = [f"g{number}" for number in range(40)]
    answers = {
        name: {str(number): Answered(draws.random(), float(draws.random() < 0.5), 1) for number in range(60)} for name in names
    }
    answers["big"] = {str(number): Answered("x", float(draws.random() < 0.5), 100) for number in range(60)}
    found = compare("big", answers, names, margin=0.001)
    alone = [policy.quality_kept for policy in found.candidates if policy.kind == "cheap"]
    assert found.choosing.quality_kept < max(alone)
    assert found.choosing.saved > 0.9


def test_where_nothing_is_as_good_choosing_keeps_the_strong_model() -> None:
    """Cheap models that are always wrong are chosen on neither half."""
    answers = {
        name: {str(number): Answered(name, float(name == "big"), cost) for number in range(100)}
        for name, cost in (("big", 100), ("a", 1), ("b", 2))
    }
    choosing = compare("big", answers, ("a", "b")).choosing
    assert (choosing.chosen, choosing.saved, choosing.quality_kept) == (("big", "big"), 0, 1)


def test_all_of_one_cheap_model_is_a_candidate() -> None:
    """Where a cheap model is as good, it is taken alone, because agreement costs more."""
    answers = {
        name: {str(number): Answered("x", 1.0, cost) for number in range(300)} for name, cost in (("big", 100), ("a", 1), ("b", 2))
    }
    found = compare("big", answers, ("a", "b"))
    assert (found.chosen.models, found.chosen.saved) == (("a",), 0.99)
    nothing = compare("big", {"big": {}, "a": {}, "b": {}}, ("a", "b"))
    assert nothing.sentence.startswith("No question was answered by all")
