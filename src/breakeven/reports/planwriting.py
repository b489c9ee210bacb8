"""A scenario as the text of a plan file: what is adopted is reviewed, and kept in version control, like any policy."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from breakeven.economics.scenario.model import Path
from breakeven.reports.scenariofigures import exact
from breakeven.settings.scenarios import Scenario


def plan_text(asked: Scenario, paths: Mapping[str | None, Path], start: datetime, adopted: datetime) -> str:
    """A scenario's middle paths as the text of a plan file."""
    head = [
        "# The plan that `breakeven pnl --vs plan` compares with: the middle path of a scenario, one figure per month.",
        "plan:",
        f"  name: {json.dumps(asked.name, ensure_ascii=False)}",
        f"  scenario: {json.dumps(asked.source, ensure_ascii=False)}",
        f"  seed: {asked.seed}",
        f"  adopted: {adopted:%Y-%m-%d}",
        f"  from: {start:%Y-%m}",
        "  features:" if any(name is not None for name in paths) else "  features: {}",
    ]
    for name, path in paths.items():
        if name is not None:
            head += [f"    {json.dumps(name, ensure_ascii=False)}:", *_lines(path, "      ")]
    if None in paths:
        head += ["  unattributed:", *_lines(paths[None], "    ")]
    return "\n".join(head) + "\n"


def _lines(path: Path, indent: str) -> list[str]:
    figures = {"tasks": [f"{round(one)}" for one in path.tasks[0]], "cost": _cents(path.cost[0])}
    if path.value is not None:
        figures["value"] = _cents(path.value[0])
    return [f"{indent}{name}: [{', '.join(json.dumps(one) for one in each)}]" for name, each in figures.items()]


def _cents(line: Sequence[float]) -> list[str]:
    return [exact(round(float(one), 2)) for one in line]
