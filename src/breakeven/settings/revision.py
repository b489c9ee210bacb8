"""What `breakeven.yaml` and the files named in it say at one revision: settings, sizes of prompts, texts of price files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from breakeven.errors import ConfigError, Problem
from breakeven.settings.loading import Settings, parse_settings

Read = Callable[[Path], str | None]
"""The text of a file at the revision, None where there is none."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision. `prompts` maps each prompt file to its characters, `overlays` are price files as pairs of name and text."""

    name: str
    settings: Settings
    present: bool = True
    prompts: Mapping[str, int] = field(default_factory=dict)
    overlays: tuple[tuple[str, str], ...] = ()

    def characters(self, feature: str) -> int | None:
        """The size of all prompts of a feature; None where it names none, or does not exist."""
        declared = self.settings.features.get(feature)
        if declared is None or not declared.prompts:
            return None
        return sum(self.prompts[path] for path in declared.prompts)


def revision(name: str, config: Path, read: Read, shown: Callable[[Path], str]) -> Revision:
    """The revision called `name`. `config` is where the file stands in the work tree; `shown` is what messages call a file.

    Without the file there are no settings, and `present` is false. Raises ConfigError with file and line, also for a prompt or a
    price file that is named and not there.
    """
    text = read(config)
    if text is None:
        return Revision(name, Settings(), present=False)
    settings = parse_settings(text, shown(config), config)
    prompts: dict[str, int] = {}
    problems: list[Problem] = []
    for feature in settings.features.values():
        for path in feature.prompts:
            content = read(config.parent / path)
            prompts[path] = len(content or "")
            if content is None:
                problems.append(
                    Problem(
                        feature.charter.at("prompt"),
                        f"feature {feature.name}: there is no prompt file {path} in the repository",
                        "Correct the path.",
                    )
                )
    overlays: list[tuple[str, str]] = []
    for overlay in settings.overlays:
        content = read(overlay)
        overlays.append((shown(overlay), content or ""))
        if content is None:
            problems.append(
                Problem(
                    shown(config), f"there is no price file {overlay.name} in the repository", "Correct `prices: {overlay: ...}`."
                )
            )
    if problems:
        raise ConfigError(
            f"{shown(config)} names files that are not there", "Correct the configuration and run again.", tuple(problems)
        )
    return Revision(name, settings, prompts=prompts, overlays=tuple(overlays))
