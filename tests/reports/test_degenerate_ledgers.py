"""Ledgers that say too little: every command answers in words, with exit code 0 or 1, and never with a figure that is none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from breakeven.cli.main import run

OCTOBER = ("--period", "2026-10")
COMMANDS: tuple[tuple[str, ...], ...] = (
    (),
    ("pnl", *OCTOBER, "--vs", "previous"),
    ("pnl", *OCTOBER, "--by", "customer,model"),
    ("units", *OCTOBER),
    ("customers", *OCTOBER),
    ("scaling", *OCTOBER),
    ("engagement", *OCTOBER),
    ("cohorts", *OCTOBER),
    ("portfolio", *OCTOBER),
    ("why", "cost", *OCTOBER),
    ("why", "margin", *OCTOBER),
    ("forecast", *OCTOBER),
    ("forecast", "--period", "2026-11", "--backtest"),
    ("watch", *OCTOBER),
    ("scenario", *OCTOBER),
    ("audit", *OCTOBER),
    ("calls", *OCTOBER, "--spread"),
    ("reconcile", *OCTOBER),
    ("unpriced",),
)
CALL = "occurred_at,provider,model,input,output,feature,customer,user_id,stated_cost,currency"
VALUE = "features: {a: {owner: o, unit: document, value: {kind: unit_price, price: %s, grade: A}}}\n"


def _call(day: str, model: str = "gpt-4o", customer: str = "acme", cost: str = "", currency: str = "") -> str:
    return f"2026-{day}T10:00:00Z,openai,{model},120000,9000,a,{customer},{customer}-1,{cost},{currency}"


def _months(*, customer: str = "acme", every: int = 1) -> list[str]:
    return [_call(f"{month:02}-{day:02}", customer=customer) for month in (7, 8, 9, 10)[::every] for day in range(1, 28)]


OUTCOME = "occurred_at,feature,customer,succeeded,value,currency\n2026-10-02T10:00:00Z,a,acme,true,,"
REVENUE = "period_start,period_end,customer,amount,currency\n2026-10-01,2026-11-01,acme,100,USD\n2026-10-01,2026-11-01,beta,200,EUR"
LEDGERS: dict[str, tuple[list[str], str, str | None, str | None]] = {
    "one day of data": ([_call("10-03")], "", None, None),
    "a value of nothing": (_months(), VALUE % '"0"', OUTCOME, None),
    "a margin below nothing": (_months(), VALUE % '"0.0001"', OUTCOME, None),
    "one customer": (_months(), VALUE % "5", OUTCOME, "period_start,period_end,customer,amount\n2026-10-01,2026-11-01,acme,5"),
    "no prices": ([_call(f"10-{day:02}", model="nobody-knows-it") for day in range(1, 28)], VALUE % "5", OUTCOME, None),
    "a month with no calls": (_months(every=2), VALUE % "5", OUTCOME, None),
    "no calls in the month asked for": ([_call(f"08-{day:02}") for day in range(1, 28)], VALUE % "5", None, None),
    "currencies mixed": ([*_months(), _call("10-04", cost="3", currency="EUR")], VALUE % "5", OUTCOME, REVENUE),
}


@pytest.fixture(scope="module", params=LEDGERS)
def ledger(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of the ledgers, imported by the commands that users have."""
    calls, config, outcomes, revenue = LEDGERS[request.param]
    folder = tmp_path_factory.mktemp("degenerate")
    root = folder / "ledger"
    for kind, text in (("calls", "\n".join((CALL, *calls))), ("outcomes", outcomes), ("revenue", revenue)):
        if text is not None:
            (folder / f"{kind}.csv").write_text(text)
            assert run(["import", kind, str(folder / f"{kind}.csv"), "--ledger", str(root)]) in (0, 3)
    (root / "breakeven.yaml").write_text(config)
    return root


def _figures(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from _figures(each)
    elif isinstance(value, list):
        for each in value:
            yield from _figures(each)
    elif isinstance(value, float | str):
        yield str(value)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: " ".join(words) or "today")
def test_what_cannot_be_said_is_said_in_words(
    ledger: Path, command: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sentence in the table and the same in JSON; no NaN, no infinity, no traceback, no fault of ours."""
    capsys.readouterr()
    monkeypatch.setenv("BREAKEVEN_LEDGER", str(ledger))
    assert run([*command]) in (0, 1)
    shown = capsys.readouterr()
    assert not re.search(r"\b(nan|inf|infinity|NaN|None)\b|Traceback|internal fault", shown.out + shown.err)
    assert re.search(r"[A-Za-z].*[.!]$", shown.out.strip(), re.MULTILINE)
    if command:  # the bare command has no options
        assert run([*command, "--json"]) in (0, 1)
        found = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))
        assert not [figure for figure in _figures(found) if figure.lower() in ("nan", "inf", "-inf", "infinity")]


def test_amounts_of_another_currency_are_set_aside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A row of euros is told with file, line and remedy, and adds nothing; a foreign row without an amount is taken."""
    file = tmp_path / "calls.csv"
    rows = (_call("10-01", cost="1", currency="usd"), _call("10-02", cost="1", currency="EUR"), _call("10-03", currency="EUR"))
    file.write_text("\n".join((CALL, *rows)))
    code = run(["import", "calls", str(file), "--ledger", str(tmp_path / "ledger")])
    told = capsys.readouterr()
    assert code in (0, 3)
    assert "calls.csv:3 field currency: the ledger keeps US dollars; convert the amount first (EUR)" in told.out + told.err
    assert run(["pnl", "--period", "2026-10", "--json", "--ledger", str(tmp_path / "ledger")]) == 0
    assert json.loads(capsys.readouterr().out)["total"]["calls"] == 2
