"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

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
