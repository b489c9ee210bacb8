"""Scenario files: what is assumed of prices, tokens per task, adoption, mix, ladder and own price, as reviewable text.

    scenario:
      name: act on contracts
      features: [Contract extraction]      # all features, where nothing is said
      years: 2
      seed: 7
      price: {frontier: 0%, mid: -45%..-30%..0%}
      tokens: +60%
      moves:
        - {workflow: clause lookup, to: small, saves: 87%}

A change is per year and always carries its percent sign; `low..high` or `low..middle..high` is a range, of which the ends are the
5% and 95% quantiles. What a file does not say is estimated from the ledger.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from breakeven.economics.scenario.model import DRIVERS, price_of
from breakeven.economics.scenario.public import PRESETS
from breakeven.economics.scenario.ranges import Range, declared
from breakeven.errors import ConfigError, UsageError
from breakeven.settings.quantities import whole
from breakeven.yamlfields import Fields, Problems, items, suggestion
from breakeven.yamlfile import Node, read_yaml

FOLDER = "scenarios"
"""Where scenario files lie: beside the configuration."""
SCENARIO_FIELDS = ("name", "features", "years", "seed", "price", *DRIVERS, "down", "moves", "why")
MOVE_FIELDS = ("feature", "workflow", "from", "to", "share", "saves", "model")
EVERY_TIER = ""
MOST_YEARS = 10
USUAL_YEARS, USUAL_SEED = 2, 1
_CHANGE = re.compile(r"([-+−]?)\s*([0-9]{1,6}(?:\.[0-9]{1,9})?)\s*%\Z")
_WRITE = "Write a change per year with its sign and percent, such as -30%, +60% or -45%..-30%..0%."


@dataclass(frozen=True, slots=True)
class MoveSpec:
    """Work that changes its rung: of `workflow` (None: of every kind) on tier `tier` (None: on every one), the `share` of it.

    It then costs what tier `to` costs this feature for the same kind of work, or what `model` costs for its tokens, or a share less
    (`saves`).
    """

    to: str
    workflow: str | None = None
    tier: str | None = None
    feature: str | None = None
    share: float = 1.0
    saves: float | None = None
    model: str | None = None
    where: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is assumed; drivers nobody speaks of are estimated. `price:` alone is the price of every tier."""

    name: str
    features: tuple[str, ...] = ()
    years: int = USUAL_YEARS
    seed: int = USUAL_SEED
    drivers: Mapping[str, Range] = field(default_factory=dict)
    down: float = 0.0
    moves: tuple[MoveSpec, ...] = ()
    why: str | None = None
    source: str = "options"
    figures: tuple[str, ...] = ()


def preset_scenarios() -> dict[str, Scenario]:
    """The built-in scenarios by name: pairs of price and tokens per task that stand for ways of buying."""
    return {
        preset.name: Scenario(
            preset.name,
            drivers={price_of(EVERY_TIER): declared(preset.price), "tokens": declared(preset.tokens)},
            why=preset.meaning,
            source="built in",
            figures=preset.figures,
        )
        for preset in PRESETS
    }


def change(text: str) -> Range:
    """The yearly factor (with its range) that `-30%` or `-45%..-30%..0%` says. Raises ValueError, in words."""
    parts = [_factor(part.strip()) for part in text.split("..")]
    if len(parts) == 1:
        return declared(parts[0])
    if len(parts) not in (2, 3) or parts != sorted(parts):
        raise ValueError("a range has two or three changes, the smallest first")
    low, high = parts[0], parts[-1]
    return declared(parts[1] if len(parts) == 3 else math.sqrt(low * high), low, high)  # noqa: PLR2004 - low, middle, high


def _factor(text: str) -> float:
    found = _CHANGE.match(text)
    if found is None:
        raise ValueError(f"{text!r} is no change in percent")
    factor = 1 + float(found[2]) / 100 * (1 if found[1] in ("", "+") else -1)
    if factor <= 0:
        raise ValueError(f"{text!r} leaves nothing")
    return factor


def share(text: str) -> float:
    """The share that `40%` says, from 0 to 1. Raises ValueError."""
    found = _CHANGE.match(text.strip())
    part = float(found[2]) / 100 if found is not None and found[1] == "" else math.nan
    if not 0 <= part <= 1:
        raise ValueError(f"{text!r} is no share from 0% to 100%")
    return part


def driver_option(name: str, texts: Iterable[str]) -> dict[str, Range]:
    """The drivers that options say: `--price -30%`, `--price frontier=0%`, `--tokens +60%`. Raises UsageError."""
    found: dict[str, Range] = {}
    for text in texts:
        tier, equals, written = text.rpartition("=")
        if equals and name != "price":
            raise UsageError(f"--{name.replace('_', '-')} {text!r} names a tier", "Only prices differ by tier.")
        try:
            found[price_of(tier.strip()) if name == "price" else name] = change(written)
        except ValueError as error:
            raise UsageError(f"--{name.replace('_', '-')} {text!r}: {error}", _WRITE) from None
    return found


def chosen_scenario(
    name: str | None,
    folder: Path,
    sliders: Mapping[str, Iterable[str]],
    *,
    features: tuple[str, ...] = (),
    years: int | None = None,
    seed: int | None = None,
    down: str | None = None,
) -> Scenario:
    """The scenario of this name, with what the sliders say in place of what it says. Raises UsageError."""
    found = Scenario("as the ledger has it") if name is None else find_scenario(name, folder)
    drivers = dict(found.drivers)
    for driver, texts in sliders.items():
        drivers |= driver_option(driver, texts)
    try:
        lowered = found.down if down is None else share(down)
    except ValueError as error:
        raise UsageError(f"--down {error}", "Write a share with its percent sign, such as 40%.") from None
    changed = name is None and (drivers or down is not None)
    return replace(
        found,
        name="your sliders" if changed else found.name,
        features=features or found.features,
        years=found.years if years is None else years,
        seed=found.seed if seed is None else seed,
        drivers=drivers,
        down=lowered,
    )


def load_scenario(path: Path) -> Scenario:
    """The scenario of a file. Raises ConfigError with every fault and its line."""
    root = read_yaml(path)
    problems = Problems()
    top = Fields(root, "the file", ("scenario",), problems)
    node = top.get("scenario")
    if node is None:
        problems.add(root, "there is no scenario in it", "Begin it with `scenario:` and put the assumptions below.")
        node = Node({}, root.file, root.line)
    found = _scenario(node, path, problems)
    if problems.found:
        first = problems.found[0]
        raise ConfigError(f"{first.where}: {first.what}", first.remedy, tuple(problems.found))
    return found


def _scenario(node: Node, path: Path, problems: Problems) -> Scenario:
    fields = Fields(node, "scenario", SCENARIO_FIELDS, problems)
    drivers = _prices(fields, problems)
    for name in DRIVERS:
        if name in fields and (found := _change(fields, name)) is not None:
            drivers[name] = found
    return Scenario(
        name=fields.text("name") or path.stem,
        features=fields.words("features"),
        years=whole(fields, "years", USUAL_YEARS, 1, MOST_YEARS),
        seed=whole(fields, "seed", USUAL_SEED, 0, 2**32 - 1),
        drivers=drivers,
        down=_share(fields, "down", 0.0),
        moves=tuple(_move(one, problems) for one in items(fields.get("moves"), "scenario: moves", problems)),
        why=fields.text("why"),
        source=path.name,
    )


def _prices(fields: Fields, problems: Problems) -> dict[str, Range]:
    """The price of every tier, or of each by its name."""
    node = fields.get("price")
    if node is None or node.value is None:
        return {}
    if node.mapping is None:
        found = _change(fields, "price")
        return {} if found is None else {price_of(EVERY_TIER): found}
    tiers = Fields(node, f"{fields.what}: price", tuple(node.mapping), problems)
    return {price_of(tier): found for tier in node.mapping if (found := _change(tiers, tier)) is not None}


def _change(fields: Fields, name: str) -> Range | None:
    text = fields.text(name, required=True)
    try:
        return None if text is None else change(text)
    except ValueError as error:
        fields.fault(name, f"{name}: {error}", _WRITE)
        return None


def _share(fields: Fields, name: str, default: float) -> float:
    text = fields.text(name)
    try:
        return default if text is None else share(text)
    except ValueError as error:
        fields.fault(name, f"{name}: {error}", "Write a share with its percent sign, such as 40%.")
        return default


def _move(node: Node, problems: Problems) -> MoveSpec:
    fields = Fields(node, "move", MOVE_FIELDS, problems)
    if "saves" in fields and "model" in fields:
        fields.fault("saves", "saves and model both say what it costs then", "Keep one of them.")
    return MoveSpec(
        to=fields.text("to", required=True) or "",
        workflow=fields.text("workflow"),
        tier=fields.text("from"),
        feature=fields.text("feature"),
        share=_share(fields, "share", 1.0),
        saves=_share(fields, "saves", 0.0) if "saves" in fields else None,
        model=fields.text("model"),
        where=node.where,
    )


def scenario_files(folder: Path) -> tuple[Path, ...]:
    """The scenario files of a folder, by name; none where it does not exist."""
    return tuple(sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])) if folder.is_dir() else ()


def find_scenario(name: str, folder: Path) -> Scenario:
    """The scenario of a path, of a file in the folder by its name, or a built-in one. Raises UsageError where there is none."""
    path = Path(name)
    if path.is_file():
        return load_scenario(path)
    found = next((file for file in scenario_files(folder) if name in (file.name, file.stem)), None)
    if found is not None:
        return load_scenario(found)
    presets = preset_scenarios()
    if name not in presets:
        known = [*(file.stem for file in scenario_files(folder)), *presets]
        raise UsageError(
            f"there is no scenario {name!r}: no such file, and none of that name in {folder.name}/", suggestion(name, known)
        )
    return presets[name]
