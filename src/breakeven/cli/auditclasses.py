"""`breakeven audit classes`: the task classes of calls that say none, found from kept bodies and named."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from breakeven.cli.audit import audit
from breakeven.cli.context import echo_json, ledger_options, load
from breakeven.cli.tables import Column, draw, number

if TYPE_CHECKING:
    from breakeven.alignment.classes import Signature
    from breakeven.ledger.layout import Layout
    from breakeven.ledger.taskclasses import Classes


@audit.command()
@click.option("--feature", metavar="NAME", help="Only this feature. Default: all that keep bodies.")
@click.option("--json", "as_json", is_flag=True, help="JSON: one entry a class.")
@ledger_options
def classes(*, feature: str | None, as_json: bool, ledger_path: Path | None, config: Path | None) -> None:
    """Find the kinds of tasks among calls that say neither task class nor workflow, and name them by their words.

    Reads the bodies that charters keep: prompt template, schema, length, wording. Names stay when more traffic comes. `breakeven
    audit` and `audit run` use what was found; what a call says itself always wins.
    """
    from breakeven.ledger import captures, taskclasses
    from breakeven.ledger.store import locate

    _, path = load(config, ledger_path)
    layout = locate(path)
    known = taskclasses.read(layout)
    features = captures.features(layout) if feature is None else [feature]
    for name in features:
        known = _found(layout, path, known, name)
    taskclasses.write(layout, known)
    rows = [(name, one) for name in features for one in known.found.get(name, []) if one.name]
    if as_json:
        echo_json(
            [{"feature": name, "class": one.name, "requests": one.count, "template": one.leader.template} for name, one in rows]
        )
        return
    if rows:
        draw(
            [
                Column("feature", [name for name, _ in rows], left=True),
                Column("task class", [one.name for _, one in rows], left=True),
                Column("requests", [number(one.count) for _, one in rows]),
                Column("template", [one.leader.template for _, one in rows], left=True, drop=1),
            ]
        )
    click.echo(
        f"{len(rows)} classes found" if rows else "no class found: no kept call without one comes often enough", err=bool(rows)
    )


def _found(layout: Layout, path: Path, known: Classes, feature: str) -> Classes:
    """The classes after everything that is kept of one feature and says no class itself.

    A call whose class has no name yet is not remembered, and the class not counted: both are looked at again when there are more.
    """
    import msgspec

    from breakeven.alignment.classes import classified, named

    signatures = _signatures(layout, path, feature, set(known.calls))
    after, places = classified(signatures.values(), known.found.get(feature, []))
    after = named(after, [one.name for name, found in known.found.items() if name != feature for one in found])
    of_template = Counter(one.leader.template for one in after)
    single = {one.leader.template: one.name for one in after if one.name and of_template[one.leader.template] == 1}
    templates = {name: known_as for name, known_as in (known.templates | single).items() if of_template[name] < 2}  # noqa: PLR2004
    calls = known.calls | {call: name for call, place in zip(signatures, places, strict=True) if (name := after[place].name)}
    kept = [one for one in after if one.name]
    return msgspec.structs.replace(known, found={**known.found, feature: kept}, templates=templates, calls=calls)


def _signatures(layout: Layout, path: Path, feature: str, done: set[str]) -> dict[str, Signature]:
    """What tells the requests apart that say no class, by call."""
    from breakeven.alignment.classes import signature
    from breakeven.cli.replaying import past_of
    from breakeven.ledger import captures, open_ledger
    from breakeven.reports.question import statement

    with open_ledger(path) as ledger:
        asked = ledger.query(statement("audit_past"), {"feature": feature})
    unlabelled = {row[0] for row in asked if row[2] is None} - done
    found: dict[str, Signature] = {}
    for exchange in captures.read(layout, feature):
        past = past_of(exchange, "", None) if exchange.call_id in unlabelled else None
        if past is not None:
            found[exchange.call_id] = signature(past.task, past.template)
    return found
