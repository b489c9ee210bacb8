"""Ridge regression on sparse features, chosen by cross-validation: the arithmetic under a route's training (numpy and scipy)."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]
    Matrix = csr_array

_TOLERANCE, _MOST_STEPS = 1e-4, 200


def indicator_rows(terms: Sequence[Sequence[int]], weights: Vector) -> Matrix:
    """One row per text: the weight of each of its terms, scaled to length one; a text without known terms is a row of zeros."""
    starts, columns = array("q", [0]), array("q")
    for row in terms:
        columns.extend(row)
        starts.append(len(columns))
    at = np.frombuffer(columns, dtype=np.int64) if columns else np.zeros(0, np.int64)
    begin = np.frombuffer(starts, dtype=np.int64)
    values = weights[at]
    lengths = np.sqrt(np.add.reduceat(np.append(values**2, 0.0), np.minimum(begin[:-1], len(values))))
    counts = np.diff(begin)
    lengths[counts == 0] = 1.0
    return csr_array((values / np.repeat(lengths, counts), at, begin), shape=(len(terms), len(weights)))


def ridge(
    rows: Matrix, targets: NDArray[np.float64], penalty: float, start: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """The weights that minimise |rows·w − targets|² + penalty·|w|², one column per column of targets (conjugate gradients)."""
    across = rows.T.tocsr()
    solution = np.zeros((rows.shape[1], targets.shape[1])) if start is None else start.copy()
    wanted = across @ targets
    rest = wanted - across @ (rows @ solution) - penalty * solution
    direction, size = rest.copy(), (rest**2).sum(0)
    goal = _TOLERANCE**2 * (wanted**2).sum(0) + np.finfo(float).tiny
    for _ in range(_MOST_STEPS):
        if (size <= goal).all():
            break
        image = across @ (rows @ direction) + penalty * direction
        curvature = (direction * image).sum(0)
        step = np.divide(size, curvature, out=np.zeros_like(size), where=curvature > 0)
        solution += step * direction
        rest -= step * image
        before, size = size, (rest**2).sum(0)
        direction = rest + np.divide(size, before, out=np.zeros_like(size), where=before > 0) * direction
    return solution


def held_out(
    rows: Matrix, targets: NDArray[np.float64], penalties: Sequence[float], folds: NDArray[np.int64]
) -> dict[float, NDArray[np.float64]]:
    """For every penalty the predictions of each row by weights that it had no part in; penalties are tried from the largest."""
    found = {penalty: np.zeros_like(targets) for penalty in penalties}
    for fold in np.unique(folds):
        out = folds == fold
        means = targets[~out].mean(0)
        inside, weights = rows[~out], None
        for penalty in sorted(penalties, reverse=True):
            weights = ridge(inside, targets[~out] - means, penalty, weights)
            found[penalty][out] = rows[out] @ weights + means
    return found


def isotonic(values: Vector, weights: Vector) -> Vector:
    """The nearest never-falling sequence (pool adjacent violators, weighted squares)."""
    blocks: list[list[float]] = []
    for value, weight in zip(values, weights, strict=True):
        blocks.append([float(value), float(weight), 1])
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            last, one = blocks.pop(), blocks[-1]
            total = one[1] + last[1]
            one[0], one[1], one[2] = (one[0] * one[1] + last[0] * last[1]) / total, total, one[2] + last[2]
    return np.concatenate([np.full(int(count), value) for value, _, count in blocks])
