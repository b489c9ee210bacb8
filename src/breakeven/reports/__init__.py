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
    Report("units", "What does one outcome, call or user cost, and what does failure?", "breakeven.reports.units:units"),
    Report("customers", "Are our most engaged customers our dearest?", "breakeven.reports.customers:customers"),
    Report("scaling", "Does cost grow faster than adoption, and where does it break even?", "breakeven.reports.scaling:scaling"),
    Report("engagement", "Who uses most, who costs most, and who is served at a loss?", "breakeven.reports.engagement:engagement"),
    Report("cohorts", "Do customers become dearer as they age?", "breakeven.reports.cohorts:cohorts"),
    Report(
        "portfolio", "Which features are popular and unprofitable, and what comes first?", "breakeven.reports.portfolio:portfolio"
    ),
    Report("calls", "Which calls are dear?", "breakeven.reports.calls:calls"),
    Report("why cost", "Why did cost or margin move?", "breakeven.reports.bridge:bridge"),
    Report("why", "Why did this call cost that?", "breakeven.reports.receipt:receipt"),
    Report("trace", "What did this piece of work cost, step by step?", "breakeven.reports.trace:trace"),
    Report("forecast", "What will the period cost and earn, and when is a limit reached?", "breakeven.reports.forecast:forecast"),
    Report("scenario", "What happens to margin if prices, tokens, volume or mix move?", "breakeven.reports.scenario:scenario"),
    Report("watch", "What is unusual, what is at stake, and what caused it?", "breakeven.reports.watch:watch"),
    Report("audit", "Where do we pay for more capability than the task needs?", "breakeven.reports.audit:audit"),
    Report("report", "What do leadership, finance and engineering need to know?", "breakeven.reports.packs:compose"),
    Report("unpriced", "What has no price or no usage, and why?", "breakeven.reports.unpriced:unpriced"),
    Report("cache", "How much of the input could be read from vendors' caches?", "breakeven.reports.promptcache:prompt_cache"),
    Report("ladder", "What do the ladders save, and which rung answers?", "breakeven.reports.ladder:ladders"),
    Report("reconcile", "Does the invoice tie, and what is each difference?", "breakeven.reports.reconcile:reconciled_with"),
    Report("close", "What was signed off, and what has changed since?", "breakeven.reports.closing:statement_of"),
    Report("check", "Does this change break a charter?", "breakeven.reports.check:check"),
    Report("policy", "What would the policies have done?", "breakeven.reports.policies:policy_test"),
    Report("owner", "Which costs does nobody own?", "breakeven.reports.owners:owners"),
)
