"""What can be changed through the web: always a change of `breakeven.yaml`, shown as a difference first, and noted."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from litestar import post
from litestar.params import JSONBody

from breakeven.errors import UsageError
from breakeven.governance.budgets import exact
from breakeven.settings.editing import with_limit, with_owner
from breakeven.settings.files import Edit, edited
from breakeven.web.acting import acting
from breakeven.web.dependencies import AtDesk, Who
from breakeven.web.desk import Desk


class Changed(msgspec.Struct, frozen=True):
    """What a change does to the file, and whether it was written: a dry run only tells."""

    difference: str
    written: bool
    next: str = ""


class OwnerWanted(msgspec.Struct, frozen=True):
    """Who answers for a feature's cost from now on."""

    feature: str
    owner: str
    why: str | None = None
    dry_run: bool = False


class LimitWanted(msgspec.Struct, frozen=True):
    """A budget's new limit, as the file has it: `$25,000`, `5M tokens`, `1000 calls`."""

    budget: str
    limit: str
    why: str | None = None
    dry_run: bool = False


@post("/owners", status_code=200, sync_to_thread=True)
def assign_owner(desk: AtDesk, visitor: Who, data: JSONBody[OwnerWanted]) -> Changed:
    """Let somebody answer for the cost of a feature."""
    feature, owner = data.feature.strip(), data.owner.strip()
    if not feature or not owner:
        raise UsageError("feature and owner are words", "Name both.")
    known = desk.settings().features.get(feature)
    with acting(desk, visitor.person, "assign owners", f"feature {feature}", feature=feature, why=data.why) as act:
        made = edit_of(desk, lambda text, name: with_owner(text, name, feature, owner))
        act.before, act.after = None if known is None else known.owner, owner
        act.done = write(made, dry_run=data.dry_run)
    return Changed(made.difference, act.done, next_of(desk))


@post("/budgets", status_code=200, sync_to_thread=True)
def set_limit(desk: AtDesk, visitor: Who, data: JSONBody[LimitWanted]) -> Changed:
    """Give a budget another limit; it is in force when the gateway has reloaded."""
    budget = next((each for each in desk.settings().budgets if each.id == data.budget and each.kind == "budget"), None)
    if budget is None:
        raise UsageError(f"there is no budget {data.budget!r}", "See the list of budgets.")
    feature = next((values[0] for scope, values in budget.scope if scope == "feature" and len(values) == 1), None)
    with acting(desk, visitor.person, "set budgets", f"budget {budget.id}", feature=feature, why=data.why) as act:
        made = edit_of(desk, lambda text, name: with_limit(text, name, budget.id, data.limit.strip()))
        act.before, act.after = exact(budget.measure, budget.limit), data.limit.strip()
        act.done = write(made, dry_run=data.dry_run)
    return Changed(made.difference, act.done, next_of(desk))


def edit_of(desk: Desk, change: Callable[[str, str], str]) -> Edit:
    """What a change of the configuration's text would do. Raises UsageError where there is no configuration."""
    if desk.config is None:
        raise UsageError("there is no breakeven.yaml to change", "Start `breakeven serve` with --config.")
    return edited(desk.config, change)


def write(made: Edit, *, dry_run: bool) -> bool:
    """Write it, and say whether anything was written."""
    if dry_run or not made.changes:
        return False
    made.write()
    return True


def next_of(desk: Desk) -> str:
    """What is to be done after a change."""
    name = "" if desk.config is None else desk.config.name
    return f"Commit {name}, so that it is reviewed; then run: breakeven reload"


CHANGES = (assign_owner, set_limit)
"""Every route that changes something, beside signing in."""
