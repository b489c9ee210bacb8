"""The dashboard's screens on the sample company, and how a browser knows that one is drawn: for benchmarks and tests alike."""

from __future__ import annotations

OCTOBER = "period=2026-10"
FRONT_PAGE = "/"
"""Where whoever opens the dashboard begins: without a period."""
SCREENS = {
    "overview": f"/?{OCTOBER}",
    "pnl": f"/pnl?{OCTOBER}&vs=previous",
    "feature": f"/pnl/Contract%20extraction?{OCTOBER}",
    "customers": f"/customers?{OCTOBER}",
    "alignment": f"/alignment?{OCTOBER}",
    "finding": f"/alignment/clause%20lookup?{OCTOBER}",
    "scenarios": f"/scenarios?{OCTOBER}&price=-30%25&with=tokens:%2B60%25",
    "budgets": f"/budgets?{OCTOBER}",
    "calls": f"/calls?{OCTOBER}",
    "settings": "/settings",
}
SETTLED = """() => document.querySelector('main h1, main h2') && !document.querySelector('[aria-busy=true]')
    && ![...document.querySelectorAll('main [role=status]')].some((one) => one.textContent.includes('…'))
    && [...document.querySelectorAll('[data-figure] .chart:not(.gone)')].every((one) => one.querySelector('svg'))"""
"""Whether nothing is being looked up any more and every picture is drawn."""
