"""The reports of prompt caches as a person reads them in a terminal."""

from __future__ import annotations

import click

from breakeven.cli.tables import Column, draw, margin, money, number, text
from breakeven.reports.promptcache import CacheEstimate, CacheReport


def draw_report(report: CacheReport) -> None:
    """Each feature and model, what was read, what could be, what it saved and what to do."""
    rows = report.rows
    click.echo(f"Prompt caches · {report.period} · {report.currency}")
    if rows:
        draw(
            [
                Column("feature", [text(row.feature) for row in rows], left=True),
                Column("model", [text(row.model) for row in rows], left=True),
                Column("opted in", [row.opted_in or "" for row in rows], left=True, drop=4),
                Column("calls", [number(row.calls) for row in rows], drop=3),
                Column("input tokens", [number(row.input_tokens) for row in rows], drop=2),
                Column("read", [margin(row.read_share) for row in rows]),
                Column("sent before", [margin(row.cacheable_share) for row in rows]),
                Column("saved", [money(row.saving, signed=True) for row in rows]),
                Column("left to save", [money(row.potential_saving, signed=True) for row in rows], drop=1),
                Column("proposal", [row.proposal for row in rows], left=True),
            ]
        )
    click.echo(report.sentence)


def draw_estimate(report: CacheEstimate) -> None:
    """Tokens by what a cache could do with them, and the saving between its bounds."""
    figures = [
        ("calls", number(report.calls)),
        ("input tokens", number(report.input_tokens)),
        ("sent before", f"{number(report.cacheable_tokens)} ({margin(report.potential_share)})"),
        (f"of these still cached after {report.lifetime}", number(report.readable_tokens)),
        ("expired by then", number(report.expired_tokens)),
        ("new", number(report.new_tokens)),
        ("read from a cache in fact", f"{number(report.actual_read_tokens)} ({margin(report.actual_share)})"),
        ("input cost without a cache", money(report.input_cost)),
        ("saving, all new input written", money(report.saving[0], signed=True)),
        ("saving, nothing paid for writing", money(report.saving[1], signed=True)),
        ("reads that pay for writes, share", margin(report.break_even_share)),
    ]
    head = f"Prompt cache · kept {report.lifetime}"
    draw([Column(head, [name for name, _ in figures], left=True), Column(report.currency, [value for _, value in figures])])
    click.echo(report.sentence)
