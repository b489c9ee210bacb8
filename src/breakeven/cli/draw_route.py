"""Routes as a person reads them in a terminal: what was learned, what is proven, where a task goes and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from breakeven.cli.tables import UNKNOWN, Column, draw
from breakeven.reports.words import MINUS, percent

if TYPE_CHECKING:
    from breakeven.alignment.routing.evaluating import Evaluation
    from breakeven.alignment.routing.route import Decision, Reason, Route
    from breakeven.alignment.routing.route_file import RouteFile

_SHOWN_TAGS = 12


def proven(file: RouteFile) -> str:
    """What is certified, in one sentence."""
    one = file.certificate
    margin = f"{100 * one.margin:g} points"
    if one.threshold is None:
        return (
            f"Nothing is certified: {one.pairs:,} {one.evidence} pairs do not show that any share could be sent to {file.weak} "
            f"within {margin}. Stay on {file.strong}."
        )
    return (
        f"Certified with {one.confidence:.0%} confidence on {one.pairs:,} {one.evidence} pairs: "
        f"sending {one.share:.1%} of tasks to {file.weak} loses at most {margin} on average."
    )


def draw_route(file: RouteFile, count: int) -> None:
    """What a route learned."""
    learned = file.learned
    click.echo(f"Route {file.weak} → {file.strong} · {learned.rows:,} replays{f' · tag {file.tag}' if file.tag else ''}")
    click.echo(
        f"{file.weak} scores {learned.weak_quality:.1%}, {file.strong} {learned.strong_quality:.1%}; {_area(learned.gap_recovered)}"
    )
    click.echo(proven(file))
    one = file.certificate
    if one.threshold is not None and one.mean_loss is not None and one.harm_at_most is not None:
        lost = f"{_points(one.mean_loss)} points lost on average"
        click.echo(f"Seen there: {lost}; at most {one.harm_at_most:.1%} of all tasks are answered worse.")
    click.echo(f"Bound to {one.fingerprint}")
    click.echo("\nReliability, on replays that had no part in the prediction")
    rows = file.reliability
    draw(
        [
            Column("replays", [f"{row.rows:,}" for row in rows]),
            Column("uplift foretold", [_points(row.predicted) for row in rows]),
            Column("uplift seen", [_points(row.observed) for row in rows]),
        ]
    )
    off = sum(row.rows * abs(row.predicted - row.observed) for row in rows) / sum(row.rows for row in rows)
    click.echo(f"Off by {_points(off)} points on average")
    if file.tags:
        _draw_tags(file)
    if count:
        _draw_words(file, count)


def _draw_tags(file: RouteFile) -> None:
    ranked = sorted(file.tags.items(), key=lambda item: (-item[1].points, item[0]))
    half = _SHOWN_TAGS // 2
    shown = ranked if len(ranked) <= _SHOWN_TAGS else [*ranked[:half], *ranked[-half:]]
    click.echo(
        f"\nTags, from those that need {file.strong} most{'' if len(shown) == len(ranked) else f' ({len(shown)} of {len(ranked)})'}"
    )
    draw(
        [
            Column(file.tag or "", [tag for tag, _ in shown], left=True),
            Column("replays", [f"{row.rows:,}" for _, row in shown]),
            Column("uplift seen", [_points(row.uplift) for _, row in shown]),
            Column("points", [_points(row.points) for _, row in shown]),
        ]
    )


def _draw_words(file: RouteFile, count: int) -> None:
    ranked = sorted(file.words.items(), key=lambda item: (-item[1], item[0]))
    up = [word for word, points in ranked[:count] if points > 0]
    down = [word for word, points in reversed(ranked[-count:]) if points < 0]
    click.echo(f"\nWords that ask for {file.strong}: {', '.join(up) or UNKNOWN}")
    click.echo(f"Words that {file.weak} does as well: {', '.join(down) or UNKNOWN}")


def draw_evaluation(found: Evaluation) -> None:
    """The figures of an evaluation."""
    click.echo(found.sentence)
    area = found.points.gap_recovered()
    click.echo(f"{found.rows:,} replays · weak {found.points.weak:.1%}, strong {found.points.strong:.1%} · {_area(area)}")
    for kept, share in found.figures()["weak_share_at"].items():  # type: ignore[attr-defined]  # a mapping of the contract
        click.echo(f"  {percent(share)} on the weak rung would keep {float(kept):.0%} of the strong one's score")
    rows = found.family
    draw(
        [
            Column("policy", [row.policy for row in rows], left=True),
            Column("weak", [percent(row.weak_share) for row in rows]),
            Column("quality kept", [percent(row.quality_kept) for row in rows]),
            Column("USD per 1,000 tasks", [UNKNOWN if row.cost is None else f"{row.cost:,.4f}" for row in rows], drop=1),
            Column("saved", [percent(row.saved) for row in rows], drop=2),
        ]
    )
    if found.checks_break_even is not None:
        click.echo(f"Checks cost as much as is saved once {percent(found.checks_break_even)} of weak answers are checked")
    click.echo(f"CPU time per decision {found.microseconds:,.0f} µs")
    click.echo(found.trail)


def _area(area: float | None) -> str:
    return "gap too small to be shared out" if area is None else f"gap recovered {area:.3f} (chance 0.500)"


def draw_decision(route: Route, decision: Decision, reasons: Sequence[Reason], points: float) -> None:
    """Where one task goes, and why."""
    click.echo(f"{decision.rung}: {decision.why}")
    limit = route.file.certificate.threshold
    certified = "nothing is certified" if limit is None else f"certified up to {_points(limit)}"
    click.echo(f"{_points(points)} points, {certified}; expected uplift {_points(route.uplift(points))} points")
    draw(
        [
            Column("because of", [one.what for one in reasons], left=True),
            Column("points", [f"{'+' if one.points > 0 else ''}{_points(one.points)}" for one in reasons]),
        ]
    )


def _points(value: float) -> str:
    """A score difference in points of a hundredth."""
    text = f"{100 * value:.1f}"
    return text.replace("-", MINUS) if float(text) else "0.0"
