"""Recordings written for these tests: small bodies and streams in each vendor's shape, with what they must say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

RECORDINGS = Path(__file__).resolve().parents[1] / "recordings"


@dataclass(frozen=True)
class Case:
    """One recording: how the call was made, the bytes that came back, and what they say."""

    vendor: str
    name: str
    call: dict[str, Any]
    raw: bytes
    framing: str
    expected: dict[str, Any]


def _case(path: Path) -> Case:
    told = json.loads(path.read_text(encoding="utf-8"))
    if "sse" in told:
        framing, text = "sse", "\n".join((*told["sse"], ""))
    elif "lines" in told:
        framing, text = "lines", "".join(f"{json.dumps(line)}\n" for line in told["lines"])
    else:
        framing, text = "whole", told["body"] if isinstance(told["body"], str) else json.dumps(told["body"])
    return Case(path.parent.name, path.stem, told["call"], text.encode(), framing, told["expected"])


CASES = tuple(_case(path) for path in sorted(RECORDINGS.glob("*/*.json")))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`case` is every recording; `stream` only those that arrive event by event."""
    if "case" in metafunc.fixturenames:
        metafunc.parametrize("case", CASES, ids=lambda case: f"{case.vendor}/{case.name}")
    if "stream" in metafunc.fixturenames:
        streams = [case for case in CASES if case.framing != "whole"]
        metafunc.parametrize("stream", streams, ids=lambda case: f"{case.vendor}/{case.name}")


@pytest.fixture
def recorded_vendors() -> dict[str, set[str]]:
    """The states of the recordings of each vendor."""
    states: dict[str, set[str]] = {}
    for case in CASES:
        states.setdefault(case.vendor, set()).add(case.expected["state"])
    return states
