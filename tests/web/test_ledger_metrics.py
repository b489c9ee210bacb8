"""The ledger's figures for Prometheus, and the dashboard that draws them."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

from breakeven.gateway.metrics import HELP
from breakeven.reports.gauges import GAUGES, Gauge, exposition

SAMPLE = re.compile(r"^breakeven_ledger_(\w+?)(?:\{(.*)\})? (-?[0-9.e+-]+)$")


def test_gauges_say_what_the_pnl_says(site: Any) -> None:
    """Costs by feature sum to the month's cost in the P&L, exactly; each line is in Prometheus' text format."""
    with site.client() as client:
        answer = client.get("/api/v1/metrics")
        month = answer.headers["date"][12:16] + "-" + str(_MONTHS.index(answer.headers["date"][8:11]) + 1).zfill(2)
        report = client.get("/api/v1/pnl", params={"period": month}).json()
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    matched = [SAMPLE.match(line) for line in lines]
    assert lines
    assert all(matched)
    costs = [Decimal(found[3]) for found in matched if found is not None and found[1] == "period_cost_usd"]
    assert sum(costs) == Decimal(report["total"]["cost"] or 0)
    assert {found[1] for found in matched if found is not None} <= set(GAUGES)


_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def test_names_cannot_break_the_format() -> None:
    """A feature's name with quotes, backslashes and line breaks stays one label of one line."""
    text = exposition([Gauge("period_calls", (("feature", 'a"b\\c\nd'),), "1")])
    assert text.splitlines()[-1] == 'breakeven_ledger_period_calls{feature="a\\"b\\\\c\\nd"} 1'


def test_the_dashboard_asks_for_what_there_is(repository: Path) -> None:
    """Every metric in the Grafana dashboard is one that the ledger or the gateway serves."""
    dashboard = json.loads((repository / "deploy/grafana/breakeven.json").read_text("utf-8"))
    asked = {
        name
        for panel in dashboard["panels"]
        for target in panel["targets"]
        for name in re.findall(r"breakeven_\w+", target["expr"])
    }
    ledger = {f"breakeven_ledger_{name}" for name in GAUGES}
    gateway = {f"breakeven_{name}{'_total' if kind == 'counter' else ''}" for name, (kind, _) in HELP.items()}
    assert asked <= ledger | gateway
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
