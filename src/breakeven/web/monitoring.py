"""The ledger's figures for a monitoring system."""

from __future__ import annotations

from litestar import Response, get

from breakeven.economics.periods import month_of
from breakeven.reports.budgets import budgets, present
from breakeven.reports.gauges import exposition, gauges
from breakeven.reports.pnl import pnl
from breakeven.reports.question import Facts, Question
from breakeven.settings import Settings
from breakeven.web.dependencies import AtDesk


@get("/metrics", sync_to_thread=True, include_in_schema=False)
def metrics(desk: AtDesk) -> Response[str]:
    """The ledger's figures of this month for Prometheus; the gateway's counters stand at /metrics."""
    now = desk.clock()

    def report(ledger: Facts, settings: Settings) -> str:
        month = pnl(ledger, settings, Question(month_of(now)))
        return exposition(gauges(month, budgets(ledger, settings, None, present(ledger, now))))

    text = desk.answer(("metrics", month_of(now).name), report)
    return Response(text, media_type="text/plain; version=0.0.4")


MONITORING = (metrics,)
