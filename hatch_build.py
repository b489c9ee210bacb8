"""The build hook: makes the dashboard from `frontend/` before a wheel or sdist is packed, so that installing needs no Node.js."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = ("src", "index.html", "package-lock.json", "vite.config.ts")


class DashboardHook(BuildHookInterface):  # type: ignore[type-arg] # hatchling names no type for its generic
    """Builds the dashboard where its sources are newer than what was built."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build, unless this is an editable installation (`make web` does it there) or everything is made already."""
        del build_data
        root = Path(self.root)
        built = root / "src" / "breakeven" / "web" / "static" / "index.html"
        frontend = root / "frontend"
        if version != "editable" and frontend.is_dir() and _newest(frontend) > (built.stat().st_mtime if built.is_file() else 0.0):
            subprocess.run([sys.executable, root / "scripts" / "front-end", "build"], check=True)  # noqa: S603 - our own script


def _newest(frontend: Path) -> float:
    """When a source of the dashboard was changed last."""
    files = [path for name in SOURCES for path in (frontend / name, *(frontend / name).rglob("*")) if path.is_file()]
    return max((path.stat().st_mtime for path in files), default=0.0)
