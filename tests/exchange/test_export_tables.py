"""The facts as CSV and as a lake of Parquet that other engines read as it is."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

CALLS = """occurred_at,provider,model,input_tokens,output_tokens,feature,user,id
2026-09-30T23:59:59Z,openai,gpt-5,10,10,search,ann,1
2026-10-01T00:00:00Z,openai,gpt-5,1000,20,search,bob,2
2026-10-05T00:00:00Z,anthropic,claude-sonnet-4-5,333,77,support,ann,3
"""


@pytest.fixture
def filled(desk: Any) -> Any:
    """A small invented ledger of two months."""
    assert desk.bring("calls", desk.file("calls.csv", CALLS)).code == 0
    return desk


def _booked(desk: Any) -> Decimal:
    found: Decimal = desk.rows("SELECT sum(cost) FROM cost_lines")[0][0]
    return found


def test_duckdb_and_polars_read_the_lake_as_it_is(filled: Any) -> None:
    """Both engines read the directory with its months as a column, and both sum the cost to the ledger's last digit."""
    root = Path(filled.root / "lake")
    assert filled.run("export", "parquet", "--period", "all", "-o", str(root))[0] == 0
    with duckdb.connect() as connection:
        sql = (
            f"SELECT sum(cost), count(DISTINCT month) FROM read_parquet('{root}/cost_lines/*/*.parquet', hive_partitioning = true)"
        )
        assert connection.execute(sql).fetchall() == [(_booked(filled), 2)]
    read = pl.scan_parquet(root / "cost_lines", hive_partitioning=True).select(pl.col("cost").sum(), "month").collect()
    assert (read["cost"][0], read["month"].n_unique()) == (_booked(filled), 2)
    assert pl.scan_parquet(root / "calls", hive_partitioning=True).collect().height == 3


def test_writing_a_lake_again_replaces_it(filled: Any) -> None:
    """The same period twice is there once; a directory that is not a lake of ours is left alone."""
    root = Path(filled.root / "lake")
    for period in ("all", "2026-10"):
        assert filled.run("export", "parquet", "--period", period, "-o", str(root))[0] == 0
    assert pl.scan_parquet(root / "calls", hive_partitioning=True).collect()["month"].unique().to_list() == ["2026-10"]
    other = Path(filled.root / "other")
    other.mkdir()
    (other / "mine.txt").write_text("keep")
    assert filled.run("export", "parquet", "-o", str(other))[0] == 3
    assert [path.name for path in other.iterdir()] == ["mine.txt"]


def test_csv_is_exact_and_leaves_users_out(filled: Any) -> None:
    """One table as CSV holds every digit; users' ids are in it only where asked for; all tables go into a directory."""
    path = Path(filled.root / "lines.csv")
    assert filled.run("export", "csv", "--period", "all", "-o", str(path))[0] == 0
    assert sum(pl.read_csv(path, infer_schema=False)["cost"].str.to_decimal(scale=18)) == _booked(filled)
    assert "user_id" not in path.read_text()
    assert filled.run("export", "csv", "--period", "all", "--table", "calls", "--users", "-o", str(path))[0] == 0
    assert "ann" in path.read_text()
    folder = Path(filled.root / "tables")
    assert filled.run("export", "csv", "--period", "all", "-o", str(folder))[0] == 0
    assert sorted(found.name for found in folder.glob("*.csv")) == [
        "calls.csv", "cost_lines.csv", "customers.csv", "invoice_lines.csv", "outcomes.csv", "reconciliations.csv", "replays.csv",
        "revenue.csv",
    ]  # fmt: skip
    assert filled.run("export", "csv", "--table", "all", "-o", str(path))[0] == 2
