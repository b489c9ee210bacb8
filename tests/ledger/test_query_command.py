"""`breakeven query`: SQL of one's own, which can change and reach nothing."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from breakeven.cli.main import run
from breakeven.ledger import open_ledger
from breakeven.ledger.reading import VIEWS
from breakeven.testing import FixedQuotes

AT = "2026-10-05T10:00:00"


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two calls of $3 and one without a price."""
    root = tmp_path_factory.mktemp("query") / "ledger"
    usual = {"occurred_at": AT, "provider": "openai", "model": "m", "input": 1_000_000, "output": 1_000_000, "feature": "a"}
    quotes = FixedQuotes({"m": {"input": "1", "output": "2"}})
    with open_ledger(root, write=True, create=True) as opened, opened.intake(source="import:test", quotes=quotes) as intake:
        intake.stage_rows([usual, {**usual, "feature": "b", "customer": "Acme"}, {**usual, "model": "unknown"}])
        intake.commit()
    return root


def answer(capsys: pytest.CaptureFixture[str], ledger: Path, *words: str) -> tuple[int, str, str]:
    code = run(["query", *words, "--ledger", str(ledger)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_money_is_exact_and_unknown_is_null(capsys: pytest.CaptureFixture[str], ledger: Path) -> None:
    """The same rows as table, JSON and CSV: exact digits, instants in ISO 8601; unknown is a dash, null, an empty cell."""
    sql = (
        "SELECT feature, model, min(customer) AS customer, sum(cost) AS cost, min(occurred_at) AS at FROM cost_lines "
        "GROUP BY ALL ORDER BY ALL"
    )
    expected: list[dict[str, str | None]] = [
        {"feature": "a", "model": "m", "customer": None, "cost": "3", "at": AT},
        {"feature": "a", "model": "unknown", "customer": None, "cost": None, "at": AT},
        {"feature": "b", "model": "m", "customer": "Acme", "cost": "3", "at": AT},
    ]
    assert json.loads(answer(capsys, ledger, sql, "--json")[1]) == expected
    table = list(csv.DictReader(io.StringIO(answer(capsys, ledger, sql, "--csv")[1])))
    assert table == [{name: value or "" for name, value in row.items()} for row in expected]
    code, out, _ = answer(capsys, ledger, sql)
    assert code == 0
    assert out.splitlines()[2].split() == ["a", "unknown", "–", "–", AT]


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM sealed.calls",
        "SELECT 1; DROP VIEW calls",
        "CREATE TABLE mine AS SELECT 1",
        "COPY (SELECT 1) TO '{file}'",
        "SELECT * FROM read_text('{file}')",
        "SELECT * FROM '{file}'",
        "ATTACH '{file}' AS other",
        "SET enable_external_access = true",
        "SELECT * FROM nowhere",
        "SELEC 1",
        "",
    ],
)
def test_nothing_is_changed_and_nothing_else_is_read(
    capsys: pytest.CaptureFixture[str], ledger: Path, tmp_path: Path, sql: str
) -> None:
    """Whatever is no question to the views is refused with exit code 2 and a remedy, and leaves ledger and disk as they were."""
    secret = tmp_path / "secret.csv"
    secret.write_text("word\nhidden\n")
    before = (ledger / "ledger.duckdb").read_bytes()
    code, out, err = answer(capsys, ledger, sql.format(file=secret))
    assert code == 2
    assert "hidden" not in out + err
    assert len(err.strip().splitlines()) >= 2
    assert (ledger / "ledger.duckdb").read_bytes() == before
    assert secret.read_text() == "word\nhidden\n"
    assert list(tmp_path.iterdir()) == [secret]


def test_long_answers_are_cut_in_a_table_only(capsys: pytest.CaptureFixture[str], ledger: Path) -> None:
    """A table stops at a thousand rows and says so; CSV has all; --limit holds for either."""
    sql = "SELECT range AS n FROM range(2500) ORDER BY n"
    _, out, err = answer(capsys, ledger, sql)
    assert len(out.splitlines()) == 1 + 1000
    assert "--limit" in err
    assert len(answer(capsys, ledger, sql, "--csv")[1].splitlines()) == 1 + 2500
    assert len(answer(capsys, ledger, sql, "--limit", "7")[1].splitlines()) == 1 + 7


def test_a_query_may_come_from_stdin(capsys: pytest.CaptureFixture[str], ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` reads it there."""
    monkeypatch.setattr("sys.stdin", io.StringIO("SELECT count(*) AS calls FROM calls"))
    assert json.loads(answer(capsys, ledger, "-", "--json")[1]) == [{"calls": 3}]


def test_the_views_are_listed_and_documented(capsys: pytest.CaptureFixture[str], ledger: Path) -> None:
    """`--views` names every view and column, each view can be asked, and the reference has a row for each column."""
    page = (Path(__file__).parents[2] / "docs" / "reference" / "views.md").read_text("utf-8")
    _, out, _ = answer(capsys, ledger, "--views")
    for view, columns in VIEWS.items():
        assert view in out
        section = page.partition(f"## {view}\n")[2].partition("\n## ")[0]
        assert section, view
        for column in columns:
            assert column in out
            assert f"`{column}`" in section, f"{view}.{column}"
        assert answer(capsys, ledger, f"SELECT * FROM {view} LIMIT 1")[0] == 0
