"""`breakeven cache`: what vendors' prompt caches saved and could save, on the command line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from breakeven.cli.main import cli, exit_code
from breakeven.errors import BreakevenError

CALLS = """\
timestamp,feature,input_tokens,output_tokens,cache_read_tokens,cache_write_5m_tokens,cacheable_prefix_tokens,id
2026-10-02T10:00:00Z,support,1000,10,0,9000,0,a
2026-10-02T10:01:00Z,support,1000,10,9000,0,9000,b
2026-10-02T10:02:00Z,support,1000,10,9000,0,9000,c
2026-10-02T10:00:00Z,digest,1000,10,0,9000,0,d
2026-10-02T12:00:00Z,digest,1000,10,0,9000,0,e
2026-10-02T12:00:00Z,plain,10000,10,0,0,0,f
2026-10-02T12:01:00Z,plain,10000,10,0,0,9000,g
2026-10-02T12:02:00Z,plain,10000,10,0,0,9000,h
2026-10-02T12:02:00Z,untold,10000,10,0,0,,i
"""
CONFIG = """
features:
  support: {owner: ada, prompt_cache: 5m}
  digest: {owner: ada, prompt_cache: 5m}
"""
TRAFFIC = """\
at,session,tokens_in,again,served
2026-10-02T10:00:00Z,one,10000,0,0
2026-10-02T10:01:00Z,one,12000,10000,10000
2026-10-02T11:00:00Z,one,14000,12000,0
2026-10-02T11:00:01Z,two,500,400,0
"""
MAPS = [f"--map={each}" for each in (
    "input_tokens=tokens_in", "cacheable_prefix_tokens=again", "occurred_at=at", "conversation=session", "cache_read_tokens=served"
)]  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Result]:
    """Runs a command on a ledger of its own; a fault becomes its exit code."""
    (tmp_path / "breakeven.yaml").write_text(CONFIG)
    (tmp_path / "calls.csv").write_text(CALLS)
    (tmp_path / "traffic.csv").write_text(TRAFFIC)

    def run(*arguments: str) -> Result:
        options = ["--ledger", str(tmp_path / "ledger"), "--config", str(tmp_path / "breakeven.yaml")]
        result = CliRunner().invoke(cli, [*arguments, *options])
        if isinstance(result.exception, BreakevenError):
            result.exit_code = exit_code(result.exception)
        return result

    return run


@pytest.fixture
def imported(run: Callable[..., Result], tmp_path: Path) -> Callable[..., Result]:
    """The same, with the calls above in the ledger."""
    arguments = ("import", "calls", str(tmp_path / "calls.csv"), "--provider", "anthropic", "--model", "claude-sonnet-4-6")
    assert run(*arguments).exit_code == 0
    return run


def test_the_saving_is_measured_from_usage(imported: Callable[..., Result]) -> None:
    """Reads at a tenth against writes at a quarter more, by feature, to the last digit; unknown reuse is no potential."""
    found = json.loads(imported("cache", "report", "--period", "2026-10", "--json").stdout)
    rows = {row["feature"]: row for row in found["rows"]}
    assert rows["support"]["saving"] == "0.04185"  # 18,000 reads x $2.70 - 9,000 writes x $0.75 a million
    assert rows["digest"]["saving"] == "-0.0135"
    assert rows["plain"]["potential_saving"] == "0.0396"  # 18,000 reads, 12,000 written
    assert {name: row["proposal"] for name, row in rows.items()} == {
        "support": "keep", "digest": "switch off", "plain": "switch on", "untold": "unknown",
    }  # fmt: skip
    assert (rows["support"]["read_share"], rows["support"]["cacheable_share"], rows["untold"]["cacheable_share"]) == (
        0.6,
        0.6,
        None,
    )
    assert found["saving"] == "0.02835"
    assert "Switch it off for digest. Switch it on for plain." in found["sentence"]


def test_the_report_as_table_and_csv(imported: Callable[..., Result]) -> None:
    """The same figures for people and for machines."""
    shown = imported("cache", "report", "--period", "2026-10").stdout
    assert "support" in shown
    assert "switch off" in shown
    rows = list(csv.DictReader(io.StringIO(imported("cache", "report", "--period", "2026-10", "--csv").stdout)))
    assert sum(Decimal(row["saving"]) for row in rows) == Decimal("0.02835")


def test_a_restated_price_moves_the_saving(imported: Callable[..., Result], tmp_path: Path) -> None:
    """After a correction of prices the saving is that of the corrected lines, not of both."""
    before = json.loads(imported("cache", "report", "--period", "2026-10", "--json").stdout)
    overlay = """
version: 1
currency: USD
sources: {invented: {kind: contract, ref: none, recorded: 2026-11-01, by: a test}}
prices:
  - provider: anthropic
    model: claude-sonnet-4-6
    from: 2026-10-01T00:00:00Z
    source: invented
    units: {input: "6", cache_read: "0.6", cache_write_5m: "7.5", output: "30"}
"""
    (tmp_path / "prices.yaml").write_text(overlay)
    (tmp_path / "breakeven.yaml").write_text(CONFIG + "prices: {overlay: prices.yaml}\n")
    restated = imported("prices", "restate", "--from", "2026-10-01")
    assert restated.exit_code == 0, restated.output
    after = json.loads(imported("cache", "report", "--period", "2026-10", "--json").stdout)
    assert Decimal(after["saving"]) == 2 * Decimal(before["saving"])


def test_an_estimate_from_a_table(run: Callable[..., Result], tmp_path: Path) -> None:
    """What expired is written again, what is too short is not cached, and what was really served stands beside it."""
    asked = ("cache", "estimate", str(tmp_path / "traffic.csv"), "--provider", "anthropic", "--model", "claude-sonnet-4-6", *MAPS)
    found = json.loads(run(*asked, "--json").stdout)
    assert (found["calls"], found["input_tokens"], found["readable_tokens"], found["expired_tokens"]) == (4, 36500, 10000, 12000)
    assert found["new_tokens"] == 10000 + 2000 + 2000
    # 10,000 reads x $2.70 a million; 26,000 written x $0.75
    assert found["saving"] == ["0.0075", "0.027"]
    assert (found["actual_read_tokens"], found["actual_saving"]) == (10000, "0.027")
    hour = json.loads(run(*asked, "--lifetime", "1h", "--json").stdout)
    assert (hour["expired_tokens"], hour["readable_tokens"]) == (0, 22000)
    assert hour["unit_prices"]["cache_write"] == "0.000006"
    assert "had been sent before" in run(*asked).stdout


def test_bad_tables_are_told(run: Callable[..., Result], tmp_path: Path) -> None:
    """A missing column, a model without prices, and single bad rows: what, where and what to do."""
    table = tmp_path / "bad.csv"
    table.write_text("input_tokens,cacheable_prefix_tokens\n100,50\n-5,1\n10,\n")
    priced = ("--provider", "anthropic", "--model", "claude-sonnet-4-6")
    told = run("cache", "estimate", str(table), *priced, "--json")
    assert json.loads(told.stdout)["calls"] == 1
    assert f"{table}:3: input_tokens" in told.stderr
    assert "2 rows were left out" in told.stderr
    table.write_text("input_tokens\n100\n")
    missing = run("cache", "estimate", str(table), *priced)
    assert (missing.exit_code, "--map cacheable_prefix_tokens=COLUMN" in str(missing.exception)) == (3, True)
    unpriced = run("cache", "estimate", str(tmp_path / "traffic.csv"), "--provider", "nobody", "--model", "none", *MAPS)
    assert (unpriced.exit_code, "no price" in str(unpriced.exception)) == (3, True)


def test_a_real_shape_of_reuse(run: Callable[..., Result], shared_data: Path) -> None:
    """The synthetic conversations: the shares sum to the whole, expiry only takes away, and the bounds hold."""
    table = str(shared_data / "traces" / "mooncake_synthetic.parquet")
    asked = ("cache", "estimate", table, "--provider", "anthropic", "--model", "claude-sonnet-4-6", "--json")
    short, hour = (json.loads(run(*asked, "--lifetime", each).stdout) for each in ("5m", "1h"))
    assert short["cacheable_tokens"] == hour["cacheable_tokens"] == short["readable_tokens"] + short["expired_tokens"]
    assert 0 < short["readable_tokens"] < hour["readable_tokens"]
    low, high = map(Decimal, short["saving"])
    assert 0 < low < high < Decimal(short["input_cost"])
