"""What the evidence rules promise, held against simulations: error rates, pairs needed, coverage, alarms.

Run: python -m bench.evidence [TRIALS]

Targets: false approval at the boundary of at most 5% with a look after every pair (a repeated z-test: about half); no more pairs
than a reference implementation needed at equal quality; certificates broken in at most 6% of trials at a 5-point margin; bounds
that hold at all times in at least 95% of trials.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import duckdb
import numpy as np
from numpy.typing import NDArray

from breakeven.alignment.evidence.bounds import agreement_bounds
from breakeven.alignment.evidence.certificate import certify
from breakeven.alignment.evidence.monitoring import Alarm
from breakeven.alignment.evidence.paths import log_wealths
from breakeven.alignment.evidence.planning import Expected, replays_needed

SHARED = Path(os.environ.get("BREAKEVEN_SHARED", Path(__file__).resolve().parents[2] / "shared")) / "data"
ROUTING = SHARED / "routing" / "routellm_mmlu_gsm8k.parquet"
Floats = NDArray[np.float64]
ALPHA = 0.05
TRIALS = 1_000
REFERENCE = {0.01: (1_287, 2_610, 6_274), 0.02: (424, 631, 1_329), 0.03: (237, 324, 545), 0.05: (129, 149, 201)}
"""Median pairs that another implementation needed, by margin, with 2, 4 and 8% of pairs discordant."""
DISCORDANT = (0.02, 0.04, 0.08)
LOOKS = 3_000


def pairs(random: np.random.Generator, trials: int, count: int, better: float, worse: float) -> Floats:
    """Paired differences of +1, −1 and 0, one trial per row."""
    luck = random.random((trials, count))
    return (luck < better).astype(np.float64) - ((luck >= better) & (luck < better + worse))


def approvals(differences: Floats, margin: float) -> NDArray[np.int64]:
    """By trial, the pair at which the cheaper rung is first found enough; 0 where never."""
    paths = np.vstack([log_wealths(block, -margin) for block in np.array_split(differences, max(1, len(differences) // 100))])
    found = paths >= math.log(1 / ALPHA)
    return np.where(found.any(axis=1), found.argmax(axis=1) + 1, 0)


def z_test_approvals(differences: Floats, margin: float, first: int = 30) -> float:
    """The share of trials in which a z-test after every pair approves at some time."""
    count = np.arange(1, differences.shape[1] + 1)
    mean = np.cumsum(differences, axis=1) / count
    deviation = np.sqrt(np.maximum(np.cumsum(differences**2, axis=1) / count - mean**2, 1e-12) / count)
    return float(((mean + margin) / deviation >= 1.645)[:, first:].any(axis=1).mean())


def broken_certificates(random: np.random.Generator, trials: int, pairs_count: int, margin: float) -> tuple[float, float]:
    """The share of certificates that break the margin, and the mean share of calls moved, for a router of known worth.

    Tasks have a difficulty; the weak rung's chance of harm rises with it; policies send the easiest share of tasks to the weak
    rung.
    """
    shares = np.linspace(0, 1, 41)
    broken = moved = 0.0
    for _ in range(trials):
        score = random.random(pairs_count)
        harm = random.random(pairs_count)
        loss = (harm < 0.35 * score).astype(np.float64) - (harm > 1 - 0.06)  # worse on hard tasks, better on 6% of all
        family = np.where(score[None, :] < shares[:, None], loss[None, :], 0.0)
        place = certify(family, margin, ALPHA).place
        share = float(shares[place]) if place is not None else 0.0
        truth = 0.35 * share**2 / 2 - 0.06 * share
        broken += truth > margin
        moved += share
    return broken / trials, moved / trials


def alarm_delays(random: np.random.Generator, trials: int, worse: float, alpha: float, horizon: int) -> list[int]:
    """After how many checks the alarm rings, by trial; the horizon + 1 where it did not."""
    delays = []
    for differences in pairs(random, trials, horizon, 0.01, worse):
        alarm = Alarm(margin=0.02, alpha=alpha)
        delays.append(next((at + 1 for at, value in enumerate(differences) if alarm.add(float(value))), horizon + 1))
    return delays


def subjects(file: Path) -> dict[str, Floats]:
    """The paired differences (weak minus strong) of each subject of a recorded benchmark."""
    sql = f"""
        SELECT subject, list(CAST(weak_correct AS INTEGER) - CAST(strong_correct AS INTEGER))
        FROM '{file}' WHERE benchmark ILIKE '%mmlu%' GROUP BY subject ORDER BY subject"""
    return {name: np.array(values, dtype=np.float64) for name, values in duckdb.connect().execute(sql).fetchall()}


class Audited(NamedTuple):
    """What simulated audits found, with a look after every replay of every class.

    `false_at_first`: the share of wrong ones among what is called enough when the first one is (the most tempting time to stop), on
    average; `false_ever`: among everything ever called enough. `found`: how many classes that are enough were ever found.
    """

    false_at_first: float
    false_ever: float
    found: float
    enough: int


Draw = Callable[[np.random.Generator, int], Floats]
"""So many paired differences of every policy of one class, a policy a row; all policies answer the same tasks."""


def recorded(values: Floats) -> tuple[Draw, Floats]:
    """A class whose truth is what was recorded: replays are drawn from the record, with replacement."""
    return lambda random, looks: random.choice(values, looks)[None, :], np.array([values.mean()])


def cascading(right: tuple[float, float, float], alike: float, shared: float) -> tuple[Draw, Floats]:
    """A class with two cheap rungs and their cascade, and what each of the three truly loses.

    `right`: how often the strong and both cheap rungs are right; in a share of tasks, `shared`, one luck decides for all three, so
    that they fail together. Two wrong answers are `alike`, and taken by the cascade, so often.
    """

    def draw(random: np.random.Generator, looks: int) -> Floats:
        common, together = random.random(looks), random.random(looks) < shared
        strong, one, other = ((np.where(together, common, random.random(looks)) < share).astype(np.float64) for share in right)
        agree = (one == other) & ((one == 1) | (random.random(looks) < alike))
        return np.vstack([one - strong, other - strong, np.where(agree, one - strong, 0.0)])

    return draw, draw(np.random.default_rng(0), 1_000_000).mean(axis=1)


def audited(random: np.random.Generator, classes: Sequence[tuple[Draw, Floats]], margin: float, trials: int, looks: int) -> Audited:
    """Audits of all policies of all classes at once, under one error budget."""
    truth = np.concatenate([mean for _, mean in classes])
    first = ever = found = 0.0
    for _ in range(trials):
        logs = log_wealths(np.vstack([draw(random, looks) for draw, _ in classes]), -margin)
        decided = _e_bh_columns(logs, ALPHA)
        called = decided.any(axis=1)
        found += float((called & (truth >= -margin)).sum())
        ever += float((called & (truth < -margin)).sum()) / max(int(called.sum()), 1)
        if called.any():
            at = int(decided.any(axis=0).argmax())
            first += float((decided[:, at] & (truth < -margin)).sum()) / int(decided[:, at].sum())
    return Audited(first / trials, ever / trials, found / trials, int((truth >= -margin).sum()))


def _e_bh_columns(logs: Floats, alpha: float) -> NDArray[np.bool_]:
    """`e_bh` for every column at once."""
    count = logs.shape[0]
    ranked = -np.sort(-logs, axis=0)
    enough = ranked >= np.log(count / (alpha * np.arange(1, count + 1)))[:, None]
    decided = np.where(enough.any(axis=0), count - enough[::-1].argmax(axis=0), 0)
    threshold = np.where(decided > 0, ranked[np.maximum(decided - 1, 0), np.arange(logs.shape[1])], np.inf)
    return np.asarray(logs >= threshold)


def main(trials: int = TRIALS) -> None:
    """Print the figures."""
    random = np.random.default_rng(6)
    print(f"False approval at the boundary, margin 2 points, a look after each of {LOOKS:,} pairs, {trials:,} trials")
    for better, worse in ((0.0, 0.02), (0.01, 0.03), (0.03, 0.05)):
        drawn = pairs(random, trials, LOOKS, better, worse)
        print(f"  {better:.0%} better, {worse:.0%} worse: {np.mean(approvals(drawn, 0.02) > 0):6.1%}", end="")
        print(f"   a repeated z-test {z_test_approvals(drawn, 0.02):6.1%}")
    print("Pairs needed at equal quality: median (reference) [planned at 50% power]")
    for margin, reference in REFERENCE.items():
        cells = [_needed(random, trials // 4, margin, share, pairs) for share, pairs in zip(DISCORDANT, reference, strict=True)]
        print(f"  {margin:.0%}: " + ", ".join(cells))
    print("Certificates (Learn-then-Test over 41 policies), margin 5 points: broken, share of calls moved")
    for count in (100, 500, 2_000):
        broken, moved = broken_certificates(random, trials, count, 0.05)
        print(f"  {count:,} pairs: {broken:5.1%} broken, {moved:5.1%} moved")
    print("Lower bound on agreement: holds after 50, 200 and 1,000 replays")
    for share in (0.75, 0.95, 0.99):
        agreed = random.random((max(trials // 2, 50), 1_000)) < share
        held = [all(agreement_bounds(row[:n], ALPHA).low <= share for n in (50, 200, 1_000)) for row in agreed]
        print(f"  true share {share:.0%}: {np.mean(held):6.1%}")
    print("Alarm after a switch (margin 2 points, 1 in 1,000): checks until it rings, median and 95%")
    for worse in (0.03, 0.08, 0.15, 0.30):
        delays = alarm_delays(random, max(trials // 10, 50), worse, 0.001, 5_000)
        print(f"  {worse:.0%} worse, 1% better: {int(np.median(delays)):,}, {int(np.quantile(delays, 0.95)):,}")
    if ROUTING.is_file():
        tables = [recorded(values) for values in subjects(ROUTING).values()]
        print(f"Audits of {len(tables)} recorded subjects at once, a look after each of 600 replays, {trials // 2:,} audits")
        _audits(random, tables, trials // 2)
    cheap = [(share, share - 0.05) for share in (0.95, 0.93, 0.90, 0.85, 0.75)]
    invented = [cascading((0.95, *rungs), alike, 0.8) for rungs in cheap for alike in (0.1, 0.5, 0.9)] * 2
    print(
        f"The same of {len(invented)} invented classes, each with two cheap rungs and their cascade: {3 * len(invented)} policies"
    )
    _audits(random, invented, trials // 2)


def _audits(random: np.random.Generator, classes: Sequence[tuple[Draw, Floats]], trials: int) -> None:
    for margin in (0.02, 0.05, 0.10):
        result = audited(random, classes, margin, trials, 600)
        print(
            f"  margin {margin:.0%}: wrong among *enough* when first called {result.false_at_first:5.1%},"
            f" ever {result.false_ever:5.1%}; found {result.found:4.1f} of {result.enough} that are"
        )


def _needed(random: np.random.Generator, trials: int, margin: float, discordant: float, reference: int) -> str:
    drawn = pairs(random, max(trials, 50), min(8 * reference, 20_000), discordant / 2, discordant / 2)
    first = approvals(drawn, margin)
    median = int(np.median(np.where(first > 0, first, drawn.shape[1])))
    planned = replays_needed(margin, Expected(discordant / 2, discordant / 2), alpha=ALPHA, power=0.5)
    return f"{median:,} ({reference:,}) [{planned:,}]"


def _trials(arguments: Sequence[str]) -> int:
    return int(arguments[0]) if arguments else TRIALS


if __name__ == "__main__":
    main(_trials(sys.argv[1:]))
