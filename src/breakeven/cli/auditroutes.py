"""`breakeven audit route`: learn from a ledger's own replays which tasks of a feature a cheaper rung does as well."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from breakeven.cli.audit import audit, margin_share
from breakeven.cli.context import echo_json, ledger_options, load
from breakeven.cli.reports import now
from breakeven.errors import DataError

if TYPE_CHECKING:
    from breakeven.alignment.routing.pairs import Pair
    from breakeven.ledger.layout import Layout
    from breakeven.reports.auditcomposed import Answered

DEAR = "dear"
"""What a learned route calls the rung that a call has without it."""
TAG = "task_class"
_LIKELY = 0.5
"""The threshold is one that half of the tasks make likely; whether it keeps the margin, the other half decides."""


@audit.command()
@click.option("--feature", metavar="NAME", required=True, help="The feature whose calls are to be judged one by one.")
@click.option("--to", "rung", metavar="RUNG", required=True, help="The cheaper rung that was replayed.")
@click.option("--margin", metavar="SHARE", help="How much quality may be lost. Default: as the audit's.")
@click.option("--json", "as_json", is_flag=True, help="What was learned, as one JSON document.")
@ledger_options
def route(*, feature: str, rung: str, margin: str | None, as_json: bool, ledger_path: Path | None, config: Path | None) -> None:
    """Learn a route to a cheaper rung from the feature's replays and kept bodies, as a policy for the audit to weigh.

    Half of the tasks teach it; the other half, drawn by their ids once and for ever, judges it in every audit, under the same error
    budget as all other policies. `audit accept` writes it where it is the one to take.
    """
    import msgspec

    from breakeven.alignment.routing.certifying import Terms
    from breakeven.alignment.routing.route import Route
    from breakeven.alignment.routing.route_file import to_bytes
    from breakeven.alignment.routing.training import FEWEST, Names, train
    from breakeven.ledger import open_ledger, routecandidates
    from breakeven.reports.auditcomposed import answered_of
    from breakeven.reports.auditfacts import margin_of
    from breakeven.reports.question import statement

    settings, path = load(config, ledger_path)
    with open_ledger(path) as ledger:
        layout = ledger.layout
        rows = [answered_of(row) for row in ledger.query(statement("audit_tasks"), {"now": now()})]
    known = {key[1]: one for key, one in rows if key[0] == feature and one.rung == rung}
    texts = _texts(layout, feature, {task for one in known.values() for task in one.tasks})
    taught = [pair for name, one in known.items() for pair in _pairs(name, one, texts)]
    if len(taught) < FEWEST:
        raise DataError(
            f"{len(taught):,} replays of {feature} on {rung} with kept bodies teach nothing, {FEWEST} are the fewest",
            f"Replay more, twice as many as that: breakeven audit run CLASS --feature {feature!r} --to {rung}",
        )
    allowed = margin_of(settings, feature, margin_share(margin))
    file = train(taught, Names(rung, DEAR, TAG), Terms(allowed, _LIKELY))
    reader = Route(file, watched=False)
    points = {
        task: reader.read(texts[task], name).points
        for name, one in known.items()
        for task in one.tasks
        if task in texts and routecandidates.held_out(task)
    }
    candidate = routecandidates.Candidate(
        feature=feature, rung=rung, tested=next(iter(known.values())).tested, learned_at=now().isoformat(),
        learned_from=len(taught), threshold=file.certificate.threshold, points=points, route=msgspec.Raw(to_bytes(file)),
    )  # fmt: skip
    routecandidates.write(layout, candidate)
    limit = candidate.threshold
    sent = sum(limit is not None and value <= limit for value in points.values())
    if as_json:
        echo_json({
            "feature": feature, "rung": rung, "learned_from": len(taught), "judged_by": len(points), "sent": sent,
            "gap_recovered": file.learned.gap_recovered, "threshold": limit,
        })  # fmt: skip
        return
    click.echo(f"A route of {feature} to {rung} was learned from {len(taught):,} replays; {len(points):,} others judge it.")
    if limit is None:
        click.echo("It found no tasks that may go there: all stay. More replays may change that.")
    else:
        click.echo(f"It would send {sent:,} of these to {rung}. Whether that may be relied on: breakeven audit")


def _texts(layout: Layout, feature: str, wanted: set[str]) -> dict[str, str]:
    """What these calls asked, as far as their bodies are kept and are plain text."""
    from breakeven.cli.replaying import past_of
    from breakeven.ledger import captures

    found: dict[str, str] = {}
    for exchange in captures.read(layout, feature):
        past = past_of(exchange, "", None) if exchange.call_id in wanted else None
        if past is not None and past.task.prompt and not past.task.media:
            found[exchange.call_id] = past.task.prompt
    return found


def _pairs(task_class: str, answered: Answered, texts: dict[str, str]) -> list[Pair]:
    """The replays of a class that teach: their texts, and what both rungs scored."""
    from breakeven.alignment.routing.pairs import Pair
    from breakeven.ledger.routecandidates import held_out
    from breakeven.reports.auditfacts import MILLION

    found = []
    for task, one in answered.tasks.items():
        if task in texts and not held_out(task):
            difference = one.difference / MILLION
            weak = one.score / MILLION if one.score is not None else 1 + difference
            found.append(Pair(texts[task], task_class, weak, min(max(weak - difference, 0.0), 1.0)))
    return found
