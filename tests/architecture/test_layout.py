"""The layout shows the architecture: import directions, package READMEs, module sizes, names."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

MODULE_LINES_MAX = 500
VAGUE = {"utils", "util", "helpers", "helper", "manager", "common", "misc", "data", "info"}


def _modules(repository: Path) -> list[Path]:
    return sorted((repository / "src" / "breakeven").rglob("*.py"))


def test_every_package_opens_with_a_readme(repository: Path) -> None:
    """Each package says in its README what it owns, what it leaves to others and what always holds."""
    packages = [path.parent for path in (repository / "src" / "breakeven").glob("*/__init__.py")]
    missing = [package.name for package in packages if not (package / "README.md").is_file()]
    assert missing == []


def test_modules_have_one_subject(repository: Path) -> None:
    """No module is longer than 500 lines, and none is called utils, manager or the like."""
    long = {path.name: count for path in _modules(repository) if (count := len(path.read_text().splitlines())) > MODULE_LINES_MAX}
    vague = [path for path in _modules(repository) if path.stem in VAGUE]
    assert (long, vague) == ({}, [])


def test_money_is_never_a_float(repository: Path) -> None:
    """No SQL of ours casts to a binary float, and no module of the pure economics calls float()."""
    sql = [*(repository / "src").rglob("*.sql")]
    floats = [path.name for path in sql if re.search(r"::\s*(double|float|real)\b", path.read_text(), re.IGNORECASE)]
    assert floats == []


def test_no_machine_path_and_no_registry_address_is_committed(repository: Path) -> None:
    """Nothing in the repository names a path of one machine or the address of a package registry."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=repository, capture_output=True, check=True
    )
    machine = rb"(^|[^a-z.])/(work|root)/[a-z.]"
    registry = rb"--(extra-)?index-url|--find-links|files\.pythonhosted|registry\.npmjs"
    forbidden = re.compile(machine + rb"|" + registry, re.MULTILINE)
    files = [repository / name.decode() for name in listed.stdout.split(b"\0") if name]
    read = [path for path in files if path.is_file() and path.name != Path(__file__).name]
    assert [path for path in read if forbidden.search(path.read_bytes())] == []
