"""`breakeven scaling`, `engagement`, `cohorts` and `portfolio`: what adoption does to cost, margin and value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from breakeven.cli.reports import _output, _period, _question, output_options, period_option, question_options, read_only

if TYPE_CHECKING:
    from breakeven.reports.question import Facts
    from breakeven.settings import Settings


@click.command()
@period_option
@click.option("--feature", metavar="NAME", help="One feature in depth: its steps, curve, drivers, users who came and left.")
@click.option("--step", type=click.Choice(["month", "week", "day"]), help="Length of a step. Default: the longest that gives four.")
@output_options
@read_only
def scaling(
    ledger: Facts,
    settings: Settings,
    *,
    period: str | None,
    feature: str | None,
    step: str | None,
    as_json: bool,
    as_csv: bool,
) -> None:
    """How cost grows with adoption: elasticity, the next unit's cost and value, and the adoption at which they break even.

    History up to the end of the period is read, customer by customer. With --feature, --csv gives the points of the curve.
    """
    from breakeven.cli.draw_scaling import draw_scaling
    from breakeven.reports.question import Question
    from breakeven.reports.scaling import scaling as report

    filters = (("feature", feature),) if feature is not None else ()
    found = report(ledger, settings, Question(_period(ledger, period), filters=filters), step)  # type: ignore[arg-type] # a choice of click
    rows = found.detail.curve if found.detail is not None else found.rows
    _output(found, as_json=as_json, as_csv=as_csv, rows=rows, drawn=draw_scaling)


@click.command()
@period_option
@click.option("--by", type=click.Choice(["customer", "user"]), help="Only one of the two. Default: customers, then users.")
@question_options
@click.option("--fee", metavar="AMOUNT", help="Assume that a customer without recorded revenue pays this; said to be assumed.")
@click.option(
    "--margin", type=click.FloatRange(0, 0.99), default=0.0, show_default=True, help="Margin that a mending price or limit leaves."
)
@click.option(
    "--limit", type=click.IntRange(1), default=10, show_default=True, help="How many served at a loss, the greatest loss first."
)
@output_options
@read_only
def engagement(
    ledger: Facts,
    settings: Settings,
    *,
    by: str | None,
    fee: str | None,
    margin: float,
    limit: int,
    as_json: bool,
    as_csv: bool,
    **asked: Any,  # noqa: ANN401 - options of click
) -> None:
    """Deciles of engagement with cost, earnings and margin; concentration; who is served at a loss, and what would mend it.

    CSV has the deciles.
    """
    from fractions import Fraction

    import msgspec

    from breakeven.cli.draw_engagement import draw_engagement
    from breakeven.economics.money import written
    from breakeven.reports.engagement import SUBJECTS, Asked
    from breakeven.reports.engagement import engagement as report

    assumed = None if fee is None else written(fee, "--fee", "500 or 79.90")
    subjects = Asked((by,) if by else SUBJECTS, assumed, Fraction(str(margin)), limit)
    found = report(ledger, settings, _question(ledger, **asked), subjects)
    rows = [{"by": section.by, **msgspec.structs.asdict(one)} for section in found.sections for one in section.deciles]
    _output(found, as_json=as_json, as_csv=as_csv, rows=rows, drawn=draw_engagement)


@click.command()
@click.option("--period", default="all", show_default=True, help="2026-10, 2026-Q4, month-1, A..B or all.")
@click.option("--feature", metavar="NAME", help="Only this feature; revenue is then left out, since it pays for all of them.")
@click.option(
    "--show",
    type=click.Choice(["margin", "cost-per-user", "tokens-per-task"]),
    default="margin",
    show_default=True,
    help="What the cells of the table show; JSON and CSV have all three.",
)
@output_options
@read_only
def cohorts(ledger: Facts, settings: Settings, *, period: str, feature: str | None, show: str, as_json: bool, as_csv: bool) -> None:
    """Customers by signup month and age in months: margin, cost per user, tokens per task."""
    from breakeven.cli.draw_portfolio import draw_cohorts
    from breakeven.reports.cohorts import cohorts as report
    from breakeven.reports.question import Question

    filters = (("feature", feature),) if feature is not None else ()
    found = report(ledger, settings, Question(_period(ledger, period), filters=filters))
    _output(found, as_json=as_json, as_csv=as_csv, rows=found.rows, drawn=lambda one: draw_cohorts(one, show))


@click.command()
@period_option
@output_options
@read_only
def portfolio(ledger: Facts, settings: Settings, *, period: str | None, as_json: bool, as_csv: bool) -> None:
    """Adoption against margin of all features, value created and destroyed, and what to do first by money and certainty."""
    from breakeven.cli.draw_portfolio import draw_portfolio
    from breakeven.reports.portfolio import portfolio as report
    from breakeven.reports.question import Question

    found = report(ledger, settings, Question(_period(ledger, period)))
    _output(found, as_json=as_json, as_csv=as_csv, rows=found.rows, drawn=draw_portfolio)
