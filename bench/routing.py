"""What routes order, certify and cost, on halves they were not trained on.

Run: python -m bench.routing [FILE TEXT WEAK STRONG [TAG]]

Without a file: an invented workload of known worth, on which cross-fitted certificates are held against the truth. With a file of
replays (Parquet, CSV or JSONL) and the names of its columns: gap recovered and share on the weak rung at 98% of the strong score
over random halves, the same with 200 replays only, and certificates from 500 and 2,000 fresh pairs, drawn with replacement from the
half that was not trained on, whose whole is the truth.

Targets: certificates broken in at most 5% of trials; at most 100 µs per decision; on exam questions with the subject as tag an
area of at least 0.70 and 36% at 98%, without tag 0.68, with 200 replays 0.62.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from time import thread_time_ns

import numpy as np

from breakeven.alignment.routing.certifying import Terms, certify_thresholds
from breakeven.alignment.routing.evaluating import evaluate
from breakeven.alignment.routing.pairs import Pair
from breakeven.alignment.routing.route import Route
from breakeven.alignment.routing.training import Names, train
from breakeven.alignment.task import Task
from breakeven.cli.replayfile import PairColumns, read_pairs

NAMES = Names("weak", "strong", "tag")
HALVES, FEW, RESAMPLES, TRAINED = 10, 200, 1_000, 100
_KINDS = 12


def invented(count: int, seed: int) -> tuple[list[Pair], list[float]]:
    """Replays of an invented workload and the true uplift of each: a sum over the words of its text, larger for some tags."""
    random = Random(seed)  # noqa: S311 - an invented workload, not a secret
    made: list[Pair] = []
    truth: list[float] = []
    for _ in range(count):
        kind = random.randrange(_KINDS)
        rare = random.choices(range(40), k=6)
        uplift = 0.02 + 0.02 * kind + 0.01 * sum(word < 8 for word in rare)
        text = " ".join(f"word{chr(97 + word // 26)}{chr(97 + word % 26)}" for word in rare)
        strong = random.random() < 0.9
        weak = strong and random.random() >= uplift / 0.9
        made.append(Pair(text, f"kind {kind}", float(weak), float(strong)))
        truth.append(uplift)
    return made, truth


def cross_fitted() -> None:
    """How often certificates of routes trained and certified on the same replays break their margin on what is true."""
    fresh, truth = invented(4_000, 10_000)
    for count, margin in ((500, 0.05), (1_000, 0.03)):
        losses, shares = [], []
        for seed in range(TRAINED):
            route = Route(train(invented(count, seed)[0], NAMES, Terms(margin), seed), watched=False)
            sent = np.array([route.decide(Task(one.text, workflow=one.tag)).rung == "weak" for one in fresh])
            shares.append(sent.mean())
            losses.append(float(sent @ np.array(truth)) / len(fresh))
        broken = np.mean(np.array(losses) > margin)
        print(
            f"cross-fitted, {count:,} replays, margin {margin:.0%}: {np.mean(shares):.1%} moved, {broken:.1%} of {TRAINED} broken"
        )


def halves(pairs: Sequence[Pair], replays: int | None, label: str) -> None:
    """Gap recovered and the share at 98% over random halves, trained on the first `replays` of one half."""
    areas, shares, times, kept = [], [], [], []
    for seed in range(HALVES):
        order = np.random.default_rng(seed).permutation(len(pairs))
        half = len(pairs) // 2
        route = Route(train([pairs[at] for at in order[:half][:replays]], NAMES, Terms()), watched=False)
        found = evaluate(route, [pairs[at] for at in order[half:]], thread_time_ns)
        areas.append(found.points.gap_recovered() or 0.5)
        shares.append(found.points.weak_share_at(0.98) or 0.0)
        kept.append((found.quality_kept or 0.0) - (found.floor or 0.0))
        if found.weak_share:
            times.append(found.microseconds)
    broken = float(np.mean(np.array(kept) < 0))
    spent = f"{np.median(times):.0f} µs" if times else "nothing certified"
    print(
        f"{label}: area {np.mean(areas):.3f} ± {np.std(areas):.3f}, at 98% {np.mean(shares):.1%} ± {np.std(shares):.1%}, "
        f"below the floor in {broken:.0%} of halves, {spent} per decision"
    )


def resampled(pairs: Sequence[Pair]) -> None:
    """Certificates from fresh pairs drawn with replacement from the half that was not trained on."""
    order = np.random.default_rng(0).permutation(len(pairs))
    half = len(pairs) // 2
    route = Route(train([pairs[at] for at in order[:half]], NAMES, Terms()), watched=False)
    rest = [pairs[at] for at in order[half:]]
    points = np.array([route.read(one.text, one.tag).points for one in rest])
    uplift = np.array([one.strong - one.weak for one in rest])
    random = np.random.default_rng(1)
    for count in (500, 2_000):
        for margin in (0.01, 0.02, 0.05):
            moved, broken = [], []
            for trial in range(RESAMPLES):
                drawn = random.integers(0, len(rest), count)
                limit = certify_thresholds(points[drawn], uplift[drawn], Terms(margin), trial, "fresh", "").threshold
                sent = points <= limit if limit is not None else np.zeros(len(rest), dtype=bool)
                moved.append(sent.mean())
                broken.append(float(uplift[sent].sum()) / len(rest) > margin)
            print(f"{count:,} pairs, margin {margin:.0%}: {np.mean(moved):.1%} moved, {np.mean(broken):.1%} of {RESAMPLES} broken")


def main() -> None:
    """Print what the docstring says."""
    arguments = sys.argv[1:] if len(sys.argv) > 4 else []
    if not arguments:
        cross_fitted()
        return
    file, text, weak, strong, *tag = arguments
    pairs = read_pairs([Path(file)], PairColumns(text, weak, strong, tag[0] if tag else None))
    halves(pairs, None, "halves")
    if tag:
        halves([Pair(one.text, None, one.weak, one.strong) for one in pairs], None, "without tag")
    halves(pairs, FEW, f"{FEW} replays")
    if len(pairs) >= 4_000:
        resampled(pairs)


if __name__ == "__main__":
    main()
