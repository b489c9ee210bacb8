"""`breakeven route` as its user sees it, on an invented workload of easy and hard tasks."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import duckdb
import pytest

from breakeven.cli.main import run

Run = Callable[..., tuple[int, str, str]]
COLUMNS = ("--text", "prompt", "--weak", "small", "--strong", "large")
CONTRACT = ["rows", "gap_recovered", "weak_share_at", "floor", "quality_kept", "microseconds_per_decision"]


def written(path: Path, count: int, seed: int) -> Path:
    """A file of invented replays, as CSV, JSONL or Parquet by its name."""
    random = Random(seed)
    rows: list[tuple[str, str, bool, bool]] = []
    for _ in range(count):
        hard = random.random() < 0.5
        verb, article = random.choice(("prove", "derive") if hard else ("spell", "greet")), random.choice(("a", "the", "one"))
        text = f"{verb} {article} case {random.randint(1, 99)}"
        rows.append((text, "maths" if hard else "desk", random.random() < (0.4 if hard else 0.95), random.random() < 0.96))
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE replays (prompt VARCHAR, workflow VARCHAR, small BOOLEAN, large BOOLEAN)")
        connection.executemany("INSERT INTO replays VALUES (?, ?, ?, ?)", rows)
        kind = {".csv": "csv, header", ".jsonl": "json", ".parquet": "parquet"}[path.suffix]
        connection.execute(f"COPY replays TO '{path}' (FORMAT {kind})")
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained route."""
    folder = tmp_path_factory.mktemp("route")
    target = folder / "route.json"
    assert (
        run(["route", "train", str(written(folder / "past.parquet", 800, 1)), *COLUMNS, "--tag", "workflow", "-o", str(target)])
        == 0
    )
    return target


def test_evaluate_prints_the_figures_of_the_contract(breakeven: Run, model: Path, tmp_path: Path) -> None:
    """`route evaluate --json` prints the contract's figures first, and the promise holds on tasks not trained on."""
    file = written(tmp_path / "fresh.jsonl", 600, 2)
    code, out, _ = breakeven("route", "evaluate", file, *COLUMNS, "--tag", "workflow", "--model", model, "--json")
    found = json.loads(out)
    assert (code, list(found)[: len(CONTRACT)]) == (0, CONTRACT)
    assert list(found["weak_share_at"]) == ["0.95", "0.98", "0.99"]
    assert found["rows"] == 600
    assert found["gap_recovered"] > 0.65
    assert found["quality_kept"] >= found["floor"]
    assert found["weak_share"] > 0.1


def test_evaluate_says_what_is_saved_and_when_it_is_not(breakeven: Run, model: Path, tmp_path: Path) -> None:
    """Costs are exact digits, checks are included, and a weak rung that costs as much as the strong one is told to stay away."""
    file = written(tmp_path / "fresh.csv", 600, 3)
    command = ("route", "evaluate", file, *COLUMNS, "--tag", "workflow", "--model", model)
    found = json.loads(breakeven(*command, "--weak-cost", "0.001", "--strong-cost", "0.02", "--json")[1])
    assert found["policies"][0]["cost_per_1000"] == "20"
    assert found["policies"][2]["cost_per_1000"] == "2"
    assert 0 < found["policies"][1]["saved"] < found["weak_share"]
    assert found["checks_break_even"] == pytest.approx(0.95)
    code, out, _ = breakeven(*command, "--weak-cost", "0.02", "--strong-cost", "0.02")
    assert code == 0
    assert "it saves nothing: stay on the strong rung" in out


def test_a_route_explains_itself(breakeven: Run, model: Path) -> None:
    """`route show` tells what was learned and proven; `route explain` where a task goes and by which words."""
    code, out, _ = breakeven("route", "show", model)
    assert code == 0
    assert "Certified with 95% confidence on 800 cross-fitted pairs" in out
    assert "Reliability" in out
    code, out, _ = breakeven("route", "explain", model, "--text", "greet the case 7", "--tag", "desk", "--json")
    easy = json.loads(out)
    hard = json.loads(breakeven("route", "explain", model, "--text", "prove the case 7", "--tag", "maths", "--json")[1])
    assert (code, easy["rung"], hard["rung"]) == (0, "small", "large")
    assert easy["uplift"] < hard["uplift"]
    assert "workflow maths" in [one["what"] for one in hard["reasons"][:3]]
    assert "large" in breakeven("route", "explain", model, "--text", "prove the case 7", "--tag", "maths")[1]


def test_certify_binds_a_threshold_to_fresh_replays(breakeven: Run, model: Path, tmp_path: Path) -> None:
    """The new certificate says how many fresh pairs it rests on; what no margin can prove stays on the strong rung."""
    file, target = written(tmp_path / "fresh.parquet", 500, 4), tmp_path / "certified.json"
    command = ("route", "certify", model, file, *COLUMNS, "--tag", "workflow", "-o", target)
    code, out, _ = breakeven(*command, "--margin", "0.05")
    assert code == 0
    assert "on 500 fresh pairs" in out
    assert "Nothing is certified" in breakeven(*command, "--margin", "0.0001")[1]
    assert breakeven("route", "explain", target, "--text", "greet the case 7", "--tag", "desk")[1].startswith("large:")


def test_old_and_new_replays_count_together(breakeven: Run, tmp_path: Path) -> None:
    """Several files train one route, whatever their kinds."""
    files = [written(tmp_path / "old.csv", 60, 5), written(tmp_path / "new.parquet", 70, 6)]
    code, out, _ = breakeven("route", "train", *files, *COLUMNS, "-o", tmp_path / "route.json", "--json")
    assert (code, json.loads(out)["learned"]["rows"]) == (0, 130)


def test_a_faulty_row_is_told_and_left_out(breakeven: Run, tmp_path: Path) -> None:
    """One row without a score costs that row, is named with what to do, and the rest is used."""
    file = tmp_path / "replays.csv"
    lines = ["prompt,small,large", *(f"spell case {n},{n % 2},1" for n in range(60)), "spell case 61,maybe,1", ",1,1"]
    file.write_text("\n".join(lines), encoding="utf-8")
    code, out, err = breakeven("route", "train", file, *COLUMNS, "-o", tmp_path / "route.json", "--json")
    assert (code, json.loads(out)["learned"]["rows"]) == (0, 60)
    assert "row 61: small is 'maybe'. Give true or false, or a score from 0 to 1." in err
    assert "row 62: prompt is empty" in err


@pytest.mark.parametrize(
    ("name", "content", "code", "said"),
    [
        ("none.csv", None, 4, "does not exist"),
        ("replays.txt", "prompt", 2, "is of no known kind"),
        ("replays.csv", "text,small,large\na,1,1\n", 2, "has no column 'prompt'"),
        ("replays.parquet", "no parquet", 3, "cannot be read"),
        ("replays.csv", "prompt,small,large\na,1,1\n", 3, "1 replays order nothing"),
        ("replays.csv", "prompt,small,large\na,2,1\n", 3, "no replay in"),
    ],
)
def test_bad_input_is_explained(breakeven: Run, tmp_path: Path, name: str, content: str | None, code: int, said: str) -> None:
    """Each fault ends with its exit code and a message with what, where and what to do."""
    file = tmp_path / name
    if content is not None:
        file.write_text(content, encoding="utf-8")
    found, _, err = breakeven("route", "train", file, *COLUMNS, "-o", tmp_path / "route.json")
    assert found == code
    assert said in err


def test_a_saving_needs_both_costs(breakeven: Run, model: Path, tmp_path: Path) -> None:
    """One cost without the other, or one that is no decimal, is a usage fault."""
    file = written(tmp_path / "fresh.csv", 50, 7)
    command = ("route", "evaluate", file, *COLUMNS, "--model", model)
    assert breakeven(*command, "--weak-cost", "0.001")[0] == 2
    assert breakeven(*command, "--weak-cost", "x", "--strong-cost", "1")[0] == 2
    code, _, err = breakeven(*command)
    assert code == 0
    assert "without --tag it judges by text alone" in err


def judged(path: Path, count: int, *, small_right: float, small: Sequence[str] = ("small-a", "small-b")) -> tuple[Path, Path]:
    """A file of invented answers of models, of which the small ones rarely make the same mistake, and one of prices."""
    random = Random(9)
    lines = ["question,model,answer,score,input_tokens,output_tokens"]
    for number in range(count):
        for model, right in (*((name, small_right) for name in small), ("large", 0.97), ("unpriced", 1.0)):
            good = random.random() < right
            answer = "7" if good else f"{model} {random.randint(8, 99)}"
            lines.append(f"q{number:04d},{model},{answer},{int(good)},200,100")
    path.write_text("\n".join(lines), encoding="utf-8")
    prices = path.with_name("prices.csv")
    rows = ("small-a,0.1,0.4", "small-b,0.2,0.2", "small-c,0.3,0.3", "large,5,20")
    prices.write_text("\n".join(["model,usd_per_mtok_in,usd_per_mtok_out", *rows]), encoding="utf-8")
    return path, prices


def test_search_finds_the_ladder_that_is_enough(breakeven: Run, tmp_path: Path) -> None:
    """Two small models that agree are taken, the large one is asked where they differ; the saving is exact and judged apart."""
    file, prices = judged(tmp_path / "answers.csv", 800, small_right=0.9)
    code, out, _ = breakeven("route", "search", file, "--strong", "large", "--prices", prices, "--keep", "0.99", "--json")
    found = json.loads(out)
    assert (code, found["verdict"]) == (0, "enough")
    assert found["ladder"] == ["small-a", "small-b", "large"]
    assert found["saved"] == pytest.approx(1 - (0.00006 + 0.00006) / 0.003 - found["escalated"])
    assert found["quality_kept"] > 0.97
    assert found["p_value"] <= 0.05


def test_search_asks_a_third_model_before_the_strong_one(breakeven: Run, tmp_path: Path) -> None:
    """Where three small models rarely err alike, two of the three suffice, and the large one is hardly ever asked."""
    file, prices = judged(tmp_path / "answers.csv", 800, small_right=0.85, small=("small-a", "small-b", "small-c"))
    code, out, _ = breakeven("route", "search", file, "--strong", "large", "--prices", prices, "--keep", "0.99", "--json")
    found = json.loads(out)
    assert (code, found["verdict"], found["agreeing"]) == (0, "enough", 2)
    assert set(found["ladder"][:3]) == {"small-a", "small-b", "small-c"}
    assert found["ladder"][3] == "large"
    assert found["escalated"] < 0.15
    assert found["cheapest_good_enough"]["saved"] >= found["saved"] > 0.8


def test_search_says_stay_where_no_ladder_is_enough(breakeven: Run, tmp_path: Path) -> None:
    """Where the small models are often wrong together with nobody, escalating everything, the strong model stays: exit code 1."""
    file, prices = judged(tmp_path / "answers.csv", 300, small_right=0.1)
    code, out, _ = breakeven("route", "search", file, "--strong", "large", "--prices", prices)
    assert code == 1
    assert out.startswith("Stay on large")


def test_search_explains_a_model_that_cannot_be_compared(breakeven: Run, tmp_path: Path) -> None:
    """A strong model without a price is a usage fault that names those that can be compared."""
    file, prices = judged(tmp_path / "answers.csv", 40, small_right=0.9)
    code, _, err = breakeven("route", "search", file, "--strong", "unpriced", "--prices", prices)
    assert code == 2
    assert "unpriced has no price" in err
