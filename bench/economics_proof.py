"""What the methods of the economics hold in simulation and on real traffic: coverage, errors, incidents found, false alarms.

Run: python -m bench economics_proof
The real clients of ServeGen are read from BREAKEVEN_SHARED, and left out where that is not set.
Every company is invented, from a fixed seed; `tests/economics` proves smaller versions of the same claims.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from breakeven.economics.anomaly import false_discovery_rate, jumps, scores, shifts
from breakeven.economics.bridge import Leaf, Link, bridge
from breakeven.economics.forecast import DAY_OF_HOURS, WEEK
from breakeven.economics.outlook import backtest, band, outlook
from breakeven.economics.units import ratio_interval
from breakeven.economics.verdict import Cluster
from breakeven.reports.watchfacts import FIGURES, Grid, panel

Floats = NDArray[np.float64]
COMPANIES, MONTHS, CLIENTS, HOURS = 250, 250, 40, 336
AHEADS = (1, 6, 24, 72)
RHYTHM = np.array([1, 1.05, 1.1, 1.05, 0.95, 0.4, 0.35])
DAYLIGHT = np.repeat([0.2, 0.5, 1.2, 1.5, 1.4, 0.6], 4)
DRIVERS = ("volume", "tokens", "price", "cold", "attempts", "errors")


def main() -> None:
    """Print every claim with its figure."""
    for part in (_bridge, _units, _forecast, _clients, _sample, _daily, _hourly):
        started = time.process_time()
        for line in part():
            print(line, flush=True)
        print(f"  ({time.process_time() - started:.1f} s of CPU)", flush=True)


def _bridge() -> Iterator[str]:
    """Random leaves with gaps, items and credits: are parts exact, and how long do they take?"""
    random = np.random.default_rng(1)
    tree = []
    for number in range(10_000):
        quantities = random.integers(0, 10**9, (7, 2)) * random.integers(0, 20, (7, 2)).clip(max=1)
        links = tuple(Link(name, int(old), int(new)) for name, (old, new) in zip("abcdefg", quantities, strict=True))
        before, after = (int(amount) * 10**9 for amount in random.integers(-(10**14), 10**15, 2))
        tree.append(Leaf((f"feature {number % 7}", f"plan {number % 5}"), before, after, links, "price"))
    started = time.process_time()
    found = bridge(tree, lambda leaf: leaf.path)
    took = time.process_time() - started
    wrong = sum(
        sum(bars.values()) != sum(leaf.after - leaf.before for leaf in tree if leaf.path == path) for path, bars in found.items()
    )
    yield f"bridge: 10,000 random leaves: {wrong} of {len(found)} branches miss their change by an atto-unit; {took:.2f} s"


def _units() -> Iterator[str]:
    for spread, customers in ((0.3, 30), (0.6, 60), (1.0, 60), (1.0, 200)):
        random = np.random.default_rng(8)
        held = 0
        for _ in range(1000):
            sizes = random.lognormal(3, spread, customers).astype(int) + 1
            each = random.lognormal(-0.045, 0.3, customers)
            found = ratio_interval([Cluster(float(n * one), int(n)) for n, one in zip(sizes, each, strict=True)])
            held += found is not None and found.low <= 1 <= found.high
        yield f"unit cost: 95% interval of {customers} customers, log spread of size {spread}: holds {held / 1000:.1%}"


def _forecast() -> Iterator[str]:
    for known, ahead in ((14, 7), (45, 20), (90, 25), (120, 90)):
        held = []
        for number in range(COMPANIES):
            days = _company(number, known + ahead)
            seen = outlook(days[:known], ahead, WEEK)
            found = None if seen is None else band(seen, 0, ahead)
            if found is not None and found.low is not None and found.high is not None:
                held.append(found.low <= days[known:].sum() <= found.high)
        yield f"forecast: {known} days known, {ahead} ahead: 90% interval held {np.mean(held):.1%} of {len(held)} companies"


def _company(number: int, days: int) -> Floats:
    """An invented daily cost: a week's rhythm, a level that wanders and drifts, noise."""
    random = np.random.default_rng(number)
    drift, wander, noise = random.normal(0.002, 0.004), random.uniform(0.005, 0.03), random.uniform(0.05, 0.25)
    level = np.exp(np.cumsum(random.normal(drift, wander, days)))
    rhythm = RHYTHM ** random.uniform(0, 1.5)
    return np.asarray(100 * level * rhythm[np.arange(days) % WEEK] * np.exp(random.normal(0, noise, days)))


def _clients() -> Iterator[str]:
    """Real hours of single clients: their requests, and their cost where tokens are known (at an invented price, 1 in to 5 out)."""
    shared = os.environ.get("BREAKEVEN_SHARED")
    if shared is None:
        yield "forecast: real clients left out, BREAKEVEN_SHARED is not set"
        return
    path = str(Path(shared) / "data" / "traces" / "servegen_client_hours.parquet")
    query = """
        SELECT client, hour, requests, requests * (input_tokens_mean + 5 * output_tokens_mean)
        FROM read_parquet(?) WHERE model = 'm-large'"""
    rows = duckdb.execute(query, [path]).fetchall()
    unknown = {client for client, _, _, cost in rows if cost is None}
    for what, at in (("requests", 2), ("cost", 3)):
        series: dict[int, Floats] = {}
        for row in rows:
            if at == 2 or row[0] not in unknown:
                series.setdefault(row[0], np.zeros(HOURS))[row[1]] = row[at]
        largest = sorted(series.values(), key=lambda one: -one.sum())[:CLIENTS]
        for ahead in AHEADS:
            trials = [backtest(hours, [ahead], DAY_OF_HOURS)[0] for hours in largest]
            ours = [trial.error for trial in trials if trial.error is not None]
            naive = [trial.benchmarks["seasonal naive"] or 0.0 for trial in trials if trial.error is not None]
            held = np.average([t.coverage or 0.0 for t in trials], weights=[t.intervals for t in trials])
            yield (
                f"forecast: {what} of {len(largest)} real clients, {ahead} h ahead: median error {np.median(ours):.1%}, "
                f"seasonal naive {np.median(naive):.1%}, held {held:.1%}"
            )


def _sample() -> Iterator[str]:
    """The sample company (invented): every feature and the total, as `forecast --backtest` says it."""
    with tempfile.TemporaryDirectory(prefix="breakeven-bench-") as folder:
        ledger = os.environ.get("BREAKEVEN_DEMO") or str(Path(folder) / "ledger")
        if "BREAKEVEN_DEMO" not in os.environ:
            _command("demo", "--no-live", "--ledger", ledger)
        found = json.loads(_command("forecast", "--period", "2026-11", "--backtest", "--json", "--ledger", ledger))
    for row in found["backtest"]:
        yield (
            f"forecast: {row['label']}, {row['days']} days ahead: error {row['error']:.1%}, run rate {row['error_run_rate']:.1%}, "
            f"seasonal naive {row['error_seasonal_naive']:.1%}, held {row['coverage']:.1%}"
        )
    weights = [row["intervals"] for row in found["backtest"]]
    held = np.average([row["coverage"] for row in found["backtest"]], weights=weights)
    yield f"forecast: sample company, all together: held {held:.1%}"


def _command(*arguments: str) -> str:
    return subprocess.run([sys.executable, "-m", "breakeven", *arguments], check=True, capture_output=True, text=True).stdout


def _daily() -> Iterator[str]:
    """A month of days: false alarms, and doublings of one driver of one feature found on their day."""
    alarms = sum(int(_found(_traffic(number, 1)).sum()) for number in range(MONTHS))
    yield f"watch, days: {alarms / (MONTHS * 4):.2f} false alarms per feature and month"
    for driver in DRIVERS:
        hits, possible = 0, []
        for number in range(MONTHS):
            feature, day = number % 4, number % 29
            sums = _traffic(number, 1, {driver: (feature, day, 1, 2.0)})
            hits += bool(_found(sums)[feature, day])
            possible.append(_best_possible(feature, day, sums))
        best = f"; a test that knew the rate beforehand {np.mean(possible):.1%}" if driver == "errors" else ""
        yield f"watch, days: {driver} x 2 for a day, found that day: {hits / MONTHS:.1%}{best}"


def _hourly() -> Iterator[str]:
    """Four weeks of hours: the same with buckets of an hour, of features with 100 to 5,000 calls an hour."""
    months = 80
    alarms = sum(int(_found(_traffic(number, 24)).sum()) for number in range(months))
    yield f"watch, hours: {alarms / (months * 4):.2f} false alarms per feature and month"
    for driver in DRIVERS[:-1]:
        hits = 0
        for number in range(months):
            at = 24 * 5 + 9 + number % 8  # a working hour
            hits += bool(_found(_traffic(number, 24, {driver: (number % 4, at, 1, 2.0)}))[number % 4, at])
        yield f"watch, hours: {driver} x 2 for an hour, found in that hour: {hits / months:.1%}"


def _traffic(number: int, a_day: int, incident: Mapping[str, tuple[int, int, int, float]] | None = None) -> Grid:
    """Invented traffic of nine weeks and a month; `{driver: (feature, bucket, buckets, factor)}` plants an incident into it."""
    random = np.random.default_rng(number)
    past, length, features = 63 * a_day, 93 * a_day, 4
    sums = {name: np.zeros((features, length)) for name in ("cost", "calls", "not_ok", "tokens", "input_side", "cache_read")}
    time_of_day = DAYLIGHT[np.arange(length) % 24] if a_day > 1 else np.ones(length)
    for feature in range(features):
        factor = {driver: np.ones(length) for driver in DRIVERS}
        for driver, (where, at, width, by) in (incident or {}).items():
            if where == feature:
                factor[driver][past + at : past + at + width] *= by
        wander = random.normal(random.normal(0.003, 0.004) / a_day, 0.01 / np.sqrt(a_day), length)
        rhythm = (RHYTHM ** random.uniform(0.2, 1.3))[np.arange(length) // a_day % 7] * time_of_day
        busy = np.exp(random.uniform(np.log(50 if a_day == 1 else 100), np.log(5000)) + np.cumsum(wander)) * rhythm
        calls = random.poisson(busy * np.exp(random.normal(0, random.uniform(0.03, 0.15), length)) * factor["volume"])
        noise = random.normal(0, 1 / np.sqrt(np.maximum(calls, 1))) + random.normal(0, 0.03, length)
        tokens = calls * 1000 * np.exp(noise) * factor["tokens"] * factor["attempts"]
        cold = np.clip(random.uniform(0.3, 0.5) * np.exp(random.normal(0, 0.03, length)) * factor["cold"], 0, 1)
        price = 1e-4 * np.exp(random.normal(0, 0.02, length)) * factor["price"]
        sums["calls"][feature] = calls
        sums["tokens"][feature], sums["input_side"][feature] = tokens, tokens * 0.8
        sums["cache_read"][feature] = tokens * 0.8 * (1 - cold)
        sums["cost"][feature] = tokens * price * (0.2 + 0.8 * (cold + 0.1 * (1 - cold)))
        rate = random.uniform(0.005, 0.05)
        sums["not_ok"][feature] = random.binomial(calls, np.clip(rate * factor["errors"], 0, 0.9))
    subjects = tuple(("feature", str(at)) for at in range(features))
    return Grid(datetime(2026, 7, 1) - timedelta(days=63), timedelta(days=1) / a_day, 30 * a_day, subjects, sums)  # noqa: DTZ001 - UTC without zone


def _found(sums: Grid) -> NDArray[np.bool_]:
    """Features × buckets on which the detectors speak, with the relative floors of the report and no floor of money."""
    watched, _ = panel(sums)
    scored = scores(watched, sums.examined)
    features, moved = len(sums.subjects), np.abs(np.nan_to_num(scored.residual))
    everything = np.ones(scored.z.shape, dtype=bool)
    jump = jumps(scored, everything, false_discovery_rate(features, watched.buckets_a_day)) & (moved >= np.log(1.25))
    lasting = watched.buckets_a_day == 1  # the report tells shifts of days only
    seen = jump | (shifts(scored, everything & lasting) & (moved >= np.log(1.1)))
    return np.asarray(seen.reshape(len(FIGURES), features, sums.examined).any(axis=0))


def _best_possible(feature: int, day: int, sums: Grid) -> float:
    """The chance that an exact test, which knew the usual rate and erred 0.75 times a month, would find twice that rate."""
    past = slice(0, sums.buckets - sums.examined)
    calls, bad = sums.sums["calls"][feature], sums.sums["not_ok"][feature]
    count = int(calls[sums.buckets - sums.examined + day])
    usual = float(bad[past].sum() / calls[past].sum())
    return float(binom.sf(binom.isf(0.75 / 30, count, usual), count, min(2 * usual, 1.0)))


if __name__ == "__main__":
    main()
