"""Faults of Breakeven itself: counted, and logged by kind and place. Their texts may name a header or a body: they are not told."""

from __future__ import annotations

import sys
import traceback

from breakeven.gateway.metrics import Metrics


def report_fault(metrics: Metrics) -> None:
    """Count and log the exception that is being handled."""
    metrics.add("faults")
    kind, _, trace = sys.exc_info()
    places = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(traceback.extract_tb(trace)[-3:]))
    print(f"breakeven: fault: {kind.__name__ if kind else 'unknown'} at {places}", file=sys.stderr, flush=True)  # noqa: T201 - the log
