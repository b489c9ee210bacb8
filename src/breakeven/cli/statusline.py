"""`breakeven statusline`: one line for a prompt or an editor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from breakeven.cli.context import echo_json
from breakeven.cli.reports import now, read_only
from breakeven.cli.tables import UNKNOWN, margin, money

if TYPE_CHECKING:
    from breakeven.reports.question import Facts
    from breakeven.reports.statusline import StatusLine
    from breakeven.settings import Settings


@click.command()
@click.option("--feature", metavar="NAME", help="Only this feature; `none` for what has no feature.")
@click.option("--json", "as_json", is_flag=True, help="JSON: money as strings of exact digits, null where unknown.")
@read_only
def statusline(ledger: Facts, settings: Settings, *, feature: str | None, as_json: bool) -> None:
    """One line for a prompt or an editor: what AI costs today and this month, its margin, and how much needs attention."""
    from breakeven.reports.statusline import statusline as report

    found = report(ledger, settings, now(), feature)
    echo_json(found) if as_json else click.echo(line_of(found))


def line_of(found: StatusLine) -> str:
    """The line: what is unknown is left out, so that a prompt stays short."""
    parts = [
        f"today {found.currency} {money(found.today_cost)}",
        f"{found.month} {money(found.month_cost)}",
        f"margin {margin(found.margin)}" if found.margin is not None else "",
        f"{found.attention} to look at" if found.attention else "",
    ]
    return f"{found.feature or 'AI'}: " + " · ".join(part for part in parts if part and UNKNOWN not in part)
