"""A check as people read it: in a terminal, and as the comment on a pull request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from breakeven.cli.tables import UNKNOWN, Column, colour, draw, each, margin, money, text
from breakeven.reports.checkrows import BreachRow, Check, FeatureRow

MARKER = "<!-- breakeven-check -->"
"""Hidden in the comment: a bot that finds it updates that comment instead of writing another one."""
_ARROW = "→"


def draw_check(report: Check) -> None:
    """The changed features as a table, what is different about each, then the limits."""
    against = f"{report.base.revision} ({(report.base.commit or '')[:9]})"
    where = f"traffic of {report.label}" if report.label else "declared assumptions"
    click.echo(f"Check · {report.head.revision} against {against} · {where} · {report.currency} a month")
    if report.features:
        draw(_columns(report.features))
    for row in report.features:
        for change in row.changes:
            cost = f"  {money(change.cost, signed=True)}" if change.cost is not None else ""
            place = f"  {change.place}" if change.place else ""
            click.echo(f"  {_name(row)}: {change.what}{cost}{place}")
    for word, found, ink in (("FAIL", report.failures, "red"), ("warn", report.warnings, "yellow")):
        for breach in found:
            click.echo(f"{click.style(word, fg=ink) if colour() else word}  {breach.sentence}  {breach.place}".rstrip())
            click.echo(f"      {breach.remedy}")
    for note in (*report.trail.notes, *report.trail.tokens_per_character):
        click.echo(f"Note: {note}.")
    click.echo(report.sentence)


def _columns(rows: Sequence[FeatureRow]) -> list[Column]:
    return [
        Column("", [_name(row) for row in rows], left=True),
        Column("cost", [money(row.cost_before) for row in rows], drop=3),
        Column("after", [money(row.cost_after) for row in rows]),
        Column("change", [money(row.cost_change, signed=True) for row in rows]),
        Column("per outcome", [each(row.cost_per_outcome_before) for row in rows], drop=5),
        Column("after", [each(row.cost_per_outcome_after) for row in rows], drop=2),
        Column("margin", [margin(row.margin_before) for row in rows], drop=4),
        Column("after", [margin(row.margin_after) for row in rows], drop=1),
        Column("owner", [text(row.owner) for row in rows], drop=6, left=True),
        Column("basis", [row.basis for row in rows], drop=7, left=True),
    ]


def _name(row: FeatureRow) -> str:
    return row.feature or "Unattributed"


def markdown_of(report: Check) -> str:
    """The comment: one headline, one table, the limits, and the details folded away."""
    return "\n".join(_markdown(report)) + "\n"


def _markdown(report: Check) -> Iterator[str]:
    yield MARKER
    yield f"### {'✅' if report.passed else '❌'} {_safe(report.sentence)}"
    yield ""
    if report.features:
        yield "| Feature | Cost a month | Change | Per outcome | Margin | Owner |"
        yield "|---|---:|---:|---:|---:|---|"
        for row in report.features:
            yield _table_row(row)
        yield ""
    for title, found in (("Would be broken", report.failures), ("Broken already, and not made worse", report.warnings)):
        if found:
            yield f"**{title}**"
            yield from (_listed(breach) for breach in found)
            yield ""
    if not report.failures:
        yield f"Limits checked: {report.trail.limits_checked}, none would be broken."
        yield ""
    yield from _details(report)
    yield ""
    yield "<sub>Written by `breakeven check`; updated in place with every push.</sub>"


def _table_row(row: FeatureRow) -> str:
    cells = (
        _safe(_name(row)),
        _pair(money(row.cost_before), money(row.cost_after)),
        money(row.cost_change, signed=True),
        _pair(each(row.cost_per_outcome_before), each(row.cost_per_outcome_after)),
        _pair(margin(row.margin_before), margin(row.margin_after)),
        _safe(text(row.owner)),
    )
    return "| " + " | ".join(cells) + " |"


def _pair(before: str, after: str) -> str:
    return after if before in (after, UNKNOWN) else f"{before} {_ARROW} {after}"


def _listed(breach: BreachRow) -> str:
    return f"- {_safe(breach.sentence)} `{breach.place}`  \n  {_safe(breach.remedy)}"


def _details(report: Check) -> Iterator[str]:
    trail = report.trail
    yield "<details><summary>What changed, and what this rests on</summary>"
    yield ""
    for row in report.features:
        for change in row.changes:
            cost = f": {money(change.cost, signed=True)} a month" if change.cost is not None else ""
            yield f"- {_safe(_name(row))}: {_safe(change.what)}{cost}" + (f" (`{change.place}`)" if change.place else "")
    base = f"`{report.base.revision}` ({(report.base.commit or '')[:9]}, {report.base.compared})"
    yield f"- Compared `{report.head.revision}` with {base}; amounts in {report.currency}."
    yield f"- Traffic: {trail.traffic}, {trail.calls:,} calls" + (
        f", scaled from {trail.scaled_from_days} days to 30." if trail.scaled_from_days else "."
    )
    yield f"- Prices of {trail.priced_at}: {_safe(trail.price_book)}."
    yield from (f"- {_safe(note)}." for note in (*trail.notes, *trail.tokens_per_character))
    yield ""
    yield "</details>"


def _safe(words: str) -> str:
    """Names come from a file that a pull request may change: nothing in them may act as markup or mention anybody."""
    escaped = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for mark in ("\\", "|", "`", "*", "_", "[", "]", "#"):
        escaped = escaped.replace(mark, f"\\{mark}")
    return escaped.replace("@", "@\N{ZERO WIDTH NON-JOINER}").replace("\n", " ")
