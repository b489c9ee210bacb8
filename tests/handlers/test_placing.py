"""Threads that take turns share a processor while they are busy, and are free again afterwards."""

from __future__ import annotations

import os
import threading

import pytest

from breakeven.handlers.builtin import placing
from breakeven.handlers.builtin.placing import OneProcessor, threads_of

ALLOWED = os.sched_getaffinity(0)
pytestmark = pytest.mark.skipif(len(ALLOWED) < 2, reason="one processor only: nothing to choose between")


@pytest.fixture
def other() -> int:
    """Another thread of this process, which lives as long as the test run."""
    before = threads_of()
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    return next(iter(threads_of() - before))


def test_a_burst_stays_together_and_ends_free(other: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the first turn on both are on one processor; when the burst has lasted, and when it is over, they are free."""
    now = [100.0]
    monkeypatch.setattr("breakeven.handlers.builtin.placing.time.monotonic", lambda: now[0])
    placed = OneProcessor([other])
    placed.turn()
    assert len(os.sched_getaffinity(0)) == 1
    assert os.sched_getaffinity(other) == os.sched_getaffinity(0)
    now[0] += placing.TOGETHER_SECONDS * 1.01
    placed.turn()
    assert os.sched_getaffinity(0) == os.sched_getaffinity(other) == ALLOWED
    placed.turn()
    assert len(os.sched_getaffinity(other)) == 1
    placed.release()
    assert os.sched_getaffinity(0) == os.sched_getaffinity(other) == ALLOWED


def test_a_thread_that_has_ended_is_passed_over() -> None:
    """A worker that died does not keep the next call from being answered."""
    placed = OneProcessor([2**22 + 1])
    placed.turn()
    placed.release()
    assert os.sched_getaffinity(0) == ALLOWED
