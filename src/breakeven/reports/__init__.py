"""One module per question. Web, command line, API and CI all call these, so that they say the same figures in the same words."""

from __future__ import annotations

from typing import NamedTuple


class Report(NamedTuple):
    """A report by the name of its command: the question it answers, and its function as `module:name`, loaded when asked."""

    name: str
    question: str
    target: str


REPORTS: tuple[Report, ...] = (
    Report("today", "Is AI creating or destroying value, and what needs attention?", "breakeven.reports.today:today"),
    Report("pnl", "What does each feature earn, cost and keep?", "breakeven.reports.pnl:pnl"),
    Report("customers", "Are our most engaged customers our dearest?", "breakeven.reports.customers:customers"),
    Report("calls", "Which calls are dear?", "breakeven.reports.calls:calls"),
    Report("why", "Why did this call cost that?", "breakeven.reports.receipt:receipt"),
    Report("trace", "What did this piece of work cost, step by step?", "breakeven.reports.trace:trace"),
    Report("unpriced", "What has no price or no usage, and why?", "breakeven.reports.unpriced:unpriced"),
)
