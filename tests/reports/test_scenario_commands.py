"""`breakeven scenario` on the command line: sliders, files, comparison, adoption as plan, and the leaderboard."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from breakeven.cli import reports
from breakeven.cli import scenario as commands
from breakeven.errors import BreakevenError

Build = Callable[[str], Any]
Run = Callable[..., Result]
NOW = datetime(2026, 10, 11, 8, 20)
CONFIG = 'features: {Invoice capture: {value: [{id: v, kind: unit_price, price: "0.2531"}]}}'
MONTHS = [f"2025-{month:02}" for month in range(9, 13)] + [f"2026-{month:02}" for month in range(1, 11)]


def _ledger() -> str:
    """Invoice capture as documented: 120,506 documents for $6,240 in September, all on one rung; half as much in October."""
    calls = ["time  feature  workflow  rung  model  tokens  count  cost"]
    outcomes = ["outcomes", "time  feature  unit  quantity  succeeded"]
    for month in MONTHS:
        part = 0.5 if month == "2026-10" else 1.0
        calls.append(f"{month}-02 09:00  Invoice capture  read  mid  gpt-4o  {part * 1e9:.0f}  {part * 20085:.0f}  {part * 6240}")
        outcomes.append(f"{month}-02 10:00  Invoice capture  document  {part * 120506:.0f}  true")
    return "\n".join([*calls, *outcomes])


TWO_RUNGS = """
time              feature          workflow  rung      model   tokens  count  cost
2026-09-02 09:00  Invoice capture  read      frontier  gpt-4o  1000    50     900
2026-09-02 10:00  Invoice capture  read      mid       gpt-4o  1000    50     100
2026-09-02 11:00  Contracts        look up   small     gpt-4o  1000    50     20
outcomes
time              feature          unit      quantity  succeeded
2026-09-02 10:00  Invoice capture  document  1000      true
"""


@pytest.fixture
def run(ledger_from_text: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on the morning of 11 October."""
    config = tmp_path / "breakeven.yaml"
    config.write_text(CONFIG)
    monkeypatch.setenv("COLUMNS", "220")
    whole = ledger_from_text(_ledger())
    ledger = whole

    @contextmanager
    def opened(_path: Path, _settings: Any) -> Iterator[Any]:
        yield ledger

    for module in (reports, commands):
        monkeypatch.setattr(module, "open_facts", opened)
        monkeypatch.setattr(module, "now", lambda: NOW)

    def runner(command: Any, *arguments: str, text: str | None = None) -> Result:
        nonlocal ledger
        ledger = whole if text is None else ledger_from_text(text)
        return CliRunner().invoke(command, [*arguments, "--config", str(config), "--ledger", str(tmp_path)], catch_exceptions=True)

    return runner


def _json(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def _fault(result: Result) -> str:
    assert isinstance(result.exception, BreakevenError), result.output
    return str(result.exception)


SLIDERS = ("--price", "-30%", "--tokens", "+60%", "--volume", "+25%")


def test_the_sliders_show_the_documented_figures(run: Run) -> None:
    """Prices −30%, tokens +60%, volume +25%: 0.0518, 0.0580, 0.0650 a document; 79.5, 77.1, 74.3%; −37.5% to stand still."""
    found = run(commands.scenario, "run", *SLIDERS)
    assert found.exit_code == 0
    line = next(one for one in found.output.splitlines() if one.startswith("Invoice capture"))
    assert " ".join(line.split()[2:]) == "0.0518 79.5% 6,240 0.0580 77.1% 8,736 0.0650 74.3% 12,230"
    assert "Needed to stand still: prices −37.5% a year; seen: 0.0%." in found.output
    assert "take an outcome from $0.0518 to $0.065 in 24 months, margin 79.5% to 74.3%" in found.output


def test_bare_runs_the_ledgers_own_history(run: Run) -> None:
    """Without a subcommand every feature goes on as its history has it, from the last whole month."""
    found = _json(run(commands.scenario, "--json"))
    assert (found["name"], found["label"]) == ("as the ledger has it", "September 2026")
    assert {one["driver"]: one["origin"] for one in found["rows"][0]["drivers"]}["tokens"] == "ledger"


def test_a_short_history_names_its_public_figures(run: Run) -> None:
    """Of a first month the table shows bands, what acting would be worth, and the public figures with source and date."""
    found = run(commands.scenario, text=TWO_RUNGS)
    assert found.exit_code == 0
    assert "Public figure used: yearly factor of answer length 2.2 to 5 (Epoch AI, 2025-04:" in found.output
    assert "a quarter's wait" in found.output
    assert "may save it" in found.output or "does not save it" in found.output
    assert "breakeven scenario --feature 'Invoice capture'" in found.stderr
    alone = run(commands.scenario, "--feature", "Invoice capture", text=TWO_RUNGS)
    assert "Acting: frontier to mid (not declared; unproven, for comparison)" in alone.output
    assert "  saves now        800 a month" in alone.output


def test_a_feature_without_value_is_told_by_the_cost_of_a_task(run: Run) -> None:
    """Without value the tornado is of the cost of a task, and nothing breaks even at any factor that could be known."""
    found = run(commands.scenario, "--feature", "Contracts", text=TWO_RUNGS)
    assert "What matters most for the unit cost at the end" in found.output
    assert "Breaks even at: price: –; tokens per task: –; usage: –; seats: –." in found.output
    assert run(commands.scenario, text="").output.startswith(
        "Scenario: as the ledger has it · from October 2026 · USD\nThere is nothing"
    )


def test_csv_has_a_row_per_feature_and_time(run: Run) -> None:
    """CSV carries the points of the path with their bands."""
    rows = list(csv.DictReader(io.StringIO(run(commands.scenario, "run", *SLIDERS, "--csv").stdout)))
    assert [row["months"] for row in rows] == [str(month) for month in range(0, 25, 3)]
    assert rows[0]["unit_cost_point"].startswith("0.05178165")
    assert float(rows[4]["margin_point"]) == pytest.approx(0.771, abs=0.0005)


def test_a_file_is_run_and_options_replace_what_it_says(run: Run, tmp_path: Path) -> None:
    """A scenario file beside the configuration runs by its name; an option goes before it."""
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "cheaper.yaml").write_text(
        "scenario:\n  name: cheaper\n  years: 1\n  seed: 5\n  price: {mid: -45%..-30%..0%}\n  tokens: +60%\n  volume: 0%\n"
    )
    found = _json(run(commands.scenario, "run", "cheaper", "--json"))
    changes = {one["driver"]: one["change"] for one in found["rows"][0]["drivers"]}
    assert (found["name"], found["years"], found["seed"], found["source"]) == ("cheaper", 1, 5, "cheaper.yaml")
    assert [changes["price:mid"][edge] for edge in ("low", "point", "high")] == pytest.approx([-0.45, -0.3, 0.0])
    changed = _json(
        run(commands.scenario, "run", str(tmp_path / "scenarios" / "cheaper.yaml"), "--tokens", "0%", "--years", "3", "--json")
    )
    assert {one["driver"]: one["change"]["point"] for one in changed["rows"][0]["drivers"]}["tokens"] == 0
    assert changed["years"] == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("scenario:\n  prize: -30%\n", "bad.yaml:2: scenario has an unknown field 'prize'"),
        ("scenario:\n  years: 2\n  price: 30\n", "bad.yaml:3: scenario: price: '30' is no change in percent"),
        ("scenario:\n  price: {mid: -120%}\n", "bad.yaml:2: scenario: price: mid: '-120%' leaves nothing"),
        ("scenario:\n  tokens: +60%..+10%\n", "bad.yaml:2: scenario: tokens: a range has two or three changes"),
        ("scenario:\n  down: 140%\n", "bad.yaml:2: scenario: down: '140%' is no share"),
        ("scenario:\n  moves:\n    - {workflow: x}\n", "bad.yaml:3: move: to is missing"),
        ("scenario:\n  moves:\n    - {to: small, saves: 10%, model: a/b}\n", "bad.yaml:3: move: saves and model both"),
        ("years: 2\n", "bad.yaml:1: the file has an unknown field 'years'"),
        ("scenario: [1]\n", "bad.yaml:1: scenario is a list"),
    ],
)
def test_a_faulty_file_is_refused_with_its_line(run: Run, tmp_path: Path, text: str, said: str) -> None:
    """Every fault of a scenario file says file, line, what is wrong and what to write."""
    (tmp_path / "bad.yaml").write_text(text)
    assert said in _fault(run(commands.scenario, "run", str(tmp_path / "bad.yaml"))).replace(f"{tmp_path}/", "")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("run", "--price", "-30"), "--price '-30': '-30' is no change in percent"),
        (("run", "--tokens", "mid=3%"), "Only prices differ by tier"),
        (("run", "--down", "x"), "Write a share with its percent sign"),
        (("run", "--tokens", "+99999%", "--years", "10"), "these assumptions lead to more than 10^19 a month"),
        (("run", "nothing"), "there is no scenario 'nothing'"),
        (("run", "disciplin"), "Did you mean 'discipline'?"),
        (("run", "--feature", "Invoice"), "no feature 'Invoice'"),
        (("compare", "discipline"), "Name two or three"),
        (("--years", "1", "run"), "Write them after it"),
    ],
)
def test_what_cannot_be_understood_is_said(run: Run, options: tuple[str, ...], said: str) -> None:
    """Options and names that mean nothing are refused with what to write."""
    assert said in _fault(run(commands.scenario, *options))


def test_the_list_names_files_presets_and_public_figures(run: Run, tmp_path: Path) -> None:
    """Own scenarios come first, a faulty one with its fault; each public figure with its source and date."""
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "good.yaml").write_text(
        "scenario:\n  price: -20%\n  down: 10%\n  moves: [{workflow: w, to: handler}]\n"
    )
    (tmp_path / "scenarios" / "wrong.yaml").write_text("scenario:\n  price: 20\n")
    found = run(commands.scenario, "list")
    lines = found.output.splitlines()
    assert lines[1].startswith("good             price -20%, 10% one rung down, w to handler")
    assert "is no change in percent" in lines[2]
    assert "Epoch AI, 2025-04" in found.output
    listed = _json(run(commands.scenario, "list", "--json"))
    assert [row["name"] for row in listed["rows"]][2:] == ["discipline", "pass-through", "newest-frontier", "agent-drift"]


def test_scenarios_are_compared(run: Run) -> None:
    """Two scenarios side by side: where each feature ends, and the change against the first."""
    found = run(commands.scenario, "compare", "discipline", "newest-frontier", "--volume", "0%")
    assert found.exit_code == 0
    assert "discipline: a margin of 97.3% a month after 24 months; newest-frontier: a margin of 1.0%" in found.output
    rows = _json(run(commands.scenario, "compare", "discipline", "newest-frontier", "--volume", "0%", "--json"))["rows"]
    assert [row["scenario"] for row in rows] == ["discipline", "newest-frontier"]


def test_a_scenario_is_adopted_as_plan(run: Run, tmp_path: Path) -> None:
    """`--adopt` writes the plan beside the configuration; `pnl --vs plan` then says what October differs by, to the cent."""
    adopted = run(commands.scenario, "run", *SLIDERS, "--adopt")
    assert "your sliders is the plan now" in adopted.stderr
    plan = (tmp_path / "plan.yaml").read_text()
    assert 'name: "your sliders"' in plan
    assert "from: 2026-10" in plan
    found = _json(run(reports.pnl, "--vs", "plan", "--period", "2026-10", "--json"))
    planned = round(6240 * (1.25 * 0.7 * 1.6) ** (1 / 12), 2)
    assert found["versus"] == "plan"
    assert float(found["rows"][0]["cost_change"]) == pytest.approx(3120 - planned)
    assert found["rows"][0]["change"]["outcomes"] == 60253 - round(120506 * 1.25 ** (1 / 12))
    again = run(commands.scenario, "run", "--adopt")
    assert "(replaced)" in again.stderr


@pytest.mark.parametrize(
    ("plan", "options", "said"),
    [
        (None, ("--period", "2026-10"), "there is no plan"),
        (
            "from: 2026-10\n  features: {Invoice capture: {tasks: ['1'], cost: ['10']}}",
            ("--period", "2026-09"),
            "says nothing of September 2026",
        ),
        (
            "from: 2026-10\n  features: {Invoice capture: {tasks: ['1'], cost: ['10']}}",
            ("--period", "2026-11"),
            "says nothing of November 2026",
        ),
        (
            "from: 2026-10\n  features: {a: {tasks: ['1'], cost: ['10']}}",
            ("--period", "2026-10", "--by", "model"),
            "the plan is by feature",
        ),
        ("from: October", ("--period", "2026-10"), "plan.yaml:2: plan: from is 'October'"),
        (
            "from: 2026-10\n  features: {a: {tasks: ['1'], cost: [x]}}",
            ("--period", "2026-10"),
            "plan.yaml:3: plan of a: cost: 'x' is not",
        ),
        ("from: 2026-10\n  features: {a: {tasks: ['1'], cost: 10}}", ("--period", "2026-10"), "cost is not a list of months"),
        ("from: 2026-10\n  features: {a: {tasks: ['1'], cost: ['1', '2']}}", ("--period", "2026-10"), "lists of different length"),
        (
            "from: 2026-10\n  features: {a: {tasks: ['1'], cost: ['1']}, b: {tasks: ['1', '1'], cost: ['1', '2']}}",
            ("--period", "2026-10"),
            "features have plans of different length",
        ),
    ],
)
def test_a_plan_that_does_not_hold_is_explained(
    run: Run, tmp_path: Path, plan: str | None, options: tuple[str, ...], said: str
) -> None:
    """No plan, a month it does not cover, another grouping, a faulty file: said with what to do."""
    if plan is not None:
        (tmp_path / "plan.yaml").write_text(f"plan:\n  {plan}\n")
    assert said in _fault(run(reports.pnl, "--vs", "plan", *options))


def test_part_of_a_planned_month_is_prorated(run: Run, tmp_path: Path) -> None:
    """Ten days of a month of 31 are held against ten thirty-firsts of its plan; what is planned for nobody is a row of its own."""
    (tmp_path / "plan.yaml").write_text(
        "plan:\n  from: 2026-10\n  features: {Invoice capture: {tasks: ['310'], cost: ['310'], value: ['620']}}\n"
        "  unattributed: {tasks: ['31'], cost: ['31']}\n"
    )
    found = _json(run(reports.pnl, "--vs", "plan", "--period", "2026-10-01..2026-10-10", "--json"))
    rows = {row["label"]: row for row in found["rows"]}
    assert rows["Invoice capture"]["cost_change"] == "3020"
    assert rows["Invoice capture"]["change"]["value"] == str(round(60253 * 0.2531 - 200, 4))
    assert rows["Unattributed"]["cost_change"] == "-10"
    alone = _json(run(reports.pnl, "--vs", "plan", "--period", "2026-10-01..2026-10-10", "--feature", "Invoice capture", "--json"))
    assert alone["total"]["cost_change"] == "3020"


LEADERBOARD = ("--score", "pass_rate_2", "--cost", "total_cost", "--date", "date", "--cases", "test_cases")


def test_deflation_reaches_only_those_who_reroute(shared_data: Path) -> None:
    """On the real leaderboard a fixed capability became 243 times cheaper in ten months; always the best model did not."""
    file = shared_data / "traces" / "aider_polyglot_leaderboard.csv"
    shown = CliRunner().invoke(commands.scenario, ["deflation", str(file), *LEADERBOARD])
    assert "243 times less within 10 months" in shown.output
    assert "Always taking the best model did not become cheaper beyond what its ups and downs explain" in shown.output
    assert "Deflation reaches only those who re-route." in shown.output
    assert "18 of 69 results say no cost and are left out." in shown.output
    found = json.loads(CliRunner().invoke(commands.scenario, ["deflation", str(file), *LEADERBOARD, "--json"]).stdout)
    assert found["fold"] == pytest.approx(243.4, abs=0.1)
    assert found["days"] == 286
    assert found["best_trend"]["high"] > 1 > found["fixed_trend"]["high"]


def _table(tmp_path: Path, text: str, *options: str) -> Result:
    (tmp_path / "t.csv").write_text(text)
    return CliRunner().invoke(
        commands.scenario, ["deflation", str(tmp_path / "t.csv"), "--score", "s", "--cost", "c", "--date", "d", *options]
    )


def test_rows_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    """A bad date, score or number of cases is named by file and line, and the rest is answered."""
    rows = ("2025-01-01,0.5,1,10", "soon,0.5,1,10", "2025-01-02,high,1,10", "2025-03-01,0.5,0.1,0", "2025-03-01,0.6,0.1,10")
    text = "model,d,s,c,n\n" + "".join(f"m,{row}\n" for row in rows)
    found = _table(tmp_path, text, "--cases", "n")
    assert found.exit_code == 0
    assert [one.split(": ")[1] for one in found.stderr.splitlines()] == ["t.csv:3", "t.csv:4", "t.csv:5"]
    assert "cost $0.20 and then $0.0167, 12 times less within 2 months" in found.stdout


def test_few_results_say_little(tmp_path: Path) -> None:
    """One result never became cheaper; with few records no trend is claimed."""
    alone = _table(tmp_path, "model,d,s,c\nm,2025-01-01,50,1\n")
    assert "never became cheaper than $2.00" in alone.stdout
    few = _table(tmp_path, "model,d,s,c\nm,2025-01-01,50,1\nn,2025-02-01,60,3\n")
    assert "Always taking the best model cost $2.00 first and $5.00 at last." in few.stdout
    assert "re-route" not in few.stdout


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("model,d,s\nm,2025-01-01,50\n", (), "t.csv has no column 'c'"),
        ("", (), "t.csv has no column 'model'"),
        ("model,d,s,c\nm,2025-01-01,50,0\n", (), "no result has a cost above 0"),
        ("model,d,s,c\nm,2025-01-01,50,1\n", ("--capability", "90"), "no priced result reaches that score"),
    ],
)
def test_a_table_of_which_nothing_can_be_said(tmp_path: Path, text: str, options: tuple[str, ...], said: str) -> None:
    """Missing columns, no prices, an unreached score: a sentence."""
    assert said in _fault(_table(tmp_path, text, *options))


def test_a_file_that_is_no_table(tmp_path: Path) -> None:
    """A missing file and one that is not text are refused."""
    assert "cannot be read" in _fault(
        CliRunner().invoke(commands.scenario, ["deflation", str(tmp_path / "none.csv"), *LEADERBOARD])
    )
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00")
    assert "is not a CSV file" in _fault(
        CliRunner().invoke(commands.scenario, ["deflation", str(tmp_path / "b.csv"), *LEADERBOARD])
    )
