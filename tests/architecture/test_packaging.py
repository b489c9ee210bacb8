"""The wheel and the source archive carry the dashboard, built, so that installing needs no Node.js."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

STATIC = "breakeven/web/static"


@pytest.fixture(scope="module")
def built(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Wheel and source archive, built from what the repository holds."""
    folder = tmp_path_factory.mktemp("built")
    source = folder / "source"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=repository, capture_output=True, check=True
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (repository / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(repository / name, source / name)
    modules = repository / "frontend" / "node_modules"
    if modules.is_dir():  # what npm has installed already is not fetched again
        (source / "frontend" / "node_modules").symlink_to(modules)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))


@pytest.mark.slow
def test_the_wheel_carries_what_is_not_python(built: tuple[Path, Path]) -> None:
    """Page, hashed scripts and styles, SQL, prices and the report's style are in the wheel; sources of the front end are not."""
    with zipfile.ZipFile(built[0]) as wheel:
        names = wheel.namelist()
    assert f"{STATIC}/index.html" in names
    assert any(name.startswith(f"{STATIC}/assets/") and name.endswith(".js") for name in names)
    assert any(name.startswith(f"{STATIC}/assets/") and name.endswith(".css") for name in names)
    assert "breakeven/reports/packs/pack.css" in names
    assert "breakeven/reports/sql/costs.sql" in names
    assert not [name for name in names if "node_modules" in name or name.endswith((".svelte", ".ts"))]


@pytest.mark.slow
def test_the_source_archive_carries_sources_and_what_was_built(built: tuple[Path, Path]) -> None:
    """Who builds from it may change the front end, and need not build it; the packages of npm stay out."""
    with tarfile.open(built[1]) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    assert {"hatch_build.py", "frontend/package-lock.json", "frontend/src/App.svelte", "pyproject.toml"} <= set(names)
    assert f"src/{STATIC}/index.html" in names
    assert not [name for name in names if "node_modules" in name]


@pytest.mark.slow
def test_an_installation_without_node_serves_the_dashboard(built: tuple[Path, Path], tmp_path: Path) -> None:
    """Installed alone in a place of its own, with no Node.js to be found, the page and its script come from the wheel."""
    place = tmp_path / "installed"
    with zipfile.ZipFile(built[0]) as wheel:
        wheel.extractall(place)  # noqa: S202 - built from this repository just now
    told = subprocess.run(
        [sys.executable, "-I", "-c", SERVED, str(place)],
        env={"PATH": str(tmp_path), "HOME": os.environ.get("HOME", str(tmp_path))},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert told.returncode == 0, told.stderr
    assert told.stdout.split() == ["200", "200", str(place)]


SERVED = """
import asyncio, re, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import breakeven
from breakeven.web import pages
from litestar import Litestar
from litestar.testing import TestClient
index = pages.STATIC / "index.html"
script = re.search(r'/assets/[^"]+[.]js', index.read_text())[0]
with TestClient(Litestar(list(pages.PAGES))) as client:
    print(client.get("/").status_code, client.get(script).status_code, Path(breakeven.__file__).parents[1])
"""
