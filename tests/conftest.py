"""Fixtures that every test may use."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

from breakeven.cli.main import run

REPOSITORY = Path(__file__).resolve().parents[1]

settings.register_profile("default", deadline=None)
settings.load_profile("default")


def _shared() -> Path:
    """Where the real traces, bodies and logs lie: beside the repository, or where BREAKEVEN_SHARED says."""
    return Path(os.environ.get("BREAKEVEN_SHARED", REPOSITORY.parent / "shared"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The directory of real inputs; the test is skipped where they are not, except under CI, where nothing skips."""
    data = _shared() / "data"
    if not data.is_dir():
        message = f"the real inputs are not here ({data}); set BREAKEVEN_SHARED to the directory that holds data/"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return data


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of this repository."""
    return REPOSITORY


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger made by `breakeven demo --keep`: built once for all test processes, which each get a copy of their own."""
    base = tmp_path_factory.getbasetemp()
    together = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    original = together / "demo-ledger"
    with (together / "demo-ledger.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not original.is_dir():
            draft = together / "demo-draft"
            assert run(["demo", "--no-live", "--ledger", str(draft), "--keep"]) == 0
            draft.rename(original)
    return Path(shutil.copytree(original, tmp_path_factory.mktemp("demo") / "ledger"))
