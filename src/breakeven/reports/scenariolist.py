"""Which scenarios there are, and which public figures stand in where a ledger is silent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from breakeven.economics.scenario.public import FIGURES
from breakeven.errors import ConfigError
from breakeven.reports.scenariofigures import figures
from breakeven.reports.scenariorows import FigureRow
from breakeven.settings.scenarios import Scenario, load_scenario, preset_scenarios, scenario_files


class ListedScenario(msgspec.Struct, frozen=True):
    """One scenario: its name, where it stands, what it declares in words, and what is wrong with its file."""

    name: str
    source: str
    says: str
    why: str | None
    fault: str | None


class ScenarioList(msgspec.Struct, frozen=True):
    """Files first, then what is built in; and all public figures."""

    rows: Sequence[ListedScenario]
    public_figures: Sequence[FigureRow]
    sentence: str


def scenario_list(folder: Path) -> ScenarioList:
    """The scenario files of a folder and the built-in scenarios. A faulty file is listed with its fault."""
    files = [_of_file(path) for path in scenario_files(folder)]
    rows = [*files, *(_listed(one) for one in preset_scenarios().values())]
    where = f"in {folder.name}/ beside the configuration"
    said = f"{len(files)} of your own {where}" if files else f"none of your own yet: files go {where}"
    return ScenarioList(rows, figures(figure.id for figure in FIGURES), f"{len(rows) - len(files)} scenarios are built in, {said}.")


def _of_file(path: Path) -> ListedScenario:
    try:
        return _listed(load_scenario(path))
    except ConfigError as error:
        return ListedScenario(path.stem, path.name, "", None, error.what)


def _listed(one: Scenario) -> ListedScenario:
    said = [f"{name.removesuffix(':')} {(drawn.mid - 1) * 100:+.0f}%" for name, drawn in one.drivers.items()]
    said += [f"{one.down:.0%} one rung down"] if one.down else []
    said += [f"{move.workflow or move.tier or 'all work'} to {move.model or move.to}" for move in one.moves]
    return ListedScenario(one.name, one.source, ", ".join(said), one.why, None)
