"""Training a route on replays: which of its forms is chosen, what it promises, and the file that holds it.

The target is the *uplift*, strong score minus weak score, not whether the weak rung fails: a task that both fail gains nothing from
the stronger one. Weights come from ridge regressions, mixed by cross-validation within the replays, and everything that is said
about the route rests on predictions of replays that had no part in them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import csr_array, hstack

from breakeven.alignment.evidence.certificate import fingerprint
from breakeven.alignment.routing.certifying import Terms, certify_thresholds
from breakeven.alignment.routing.fitting import held_out, indicator_rows, isotonic, ridge
from breakeven.alignment.routing.pairs import Pair
from breakeven.alignment.routing.policies import curve
from breakeven.alignment.routing.reading import SUMMARY, clipped, form, tag_words, tokens, words
from breakeven.alignment.routing.route import FORM_MOST, FORM_SCALE, rarity
from breakeven.alignment.routing.route_file import (
    FORMAT,
    CandidateRow,
    FormRow,
    Learned,
    ReliabilityRow,
    RouteFile,
    TagRow,
    Traffic,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]

PENALTIES = (5.0, 10.0, 30.0, 100.0)
FEWEST = 40
"""Fewer replays than this order nothing."""
_FOLDS, _FOLDS_OF_FEW, _FEW = 5, 10, 1_000
_LEAST_SEEN = 2
_MOST_WORDS = 60_000
_BINS = 10
_BELIEF = 0.25
"""How far held-out errors decide between candidates: 1 would be as if they came from fresh replays."""
_LEAST_SLOPE = 0.01
"""Uplift per deviation of the points, at least: few replays may foretell each other badly and still order new tasks."""
_LINE_ROWS = 60
"""Replays behind each point of the calibrated line, at least."""
_LINE_POINTS = 16


class Names(NamedTuple):
    """What the rungs and the tag are called."""

    weak: str
    strong: str
    tag: str | None


class _Vocabulary(NamedTuple):
    """Terms with the number of texts that have them."""

    place: dict[str, int]
    seen: list[int]
    weights: Vector


class _Mixture(NamedTuple):
    """The candidates with their shares, the weights that they come to, and their predictions of replays they had not seen."""

    candidates: list[CandidateRow]
    weights: Vector
    points: Vector


def train(pairs: Sequence[Pair], names: Names, terms: Terms, seed: int = 0) -> RouteFile:
    """Train a route. Raises ValueError where there are fewer than `FEWEST` replays."""
    if len(pairs) < FEWEST:
        raise ValueError(f"{len(pairs)} replays, {FEWEST} are the fewest")
    found = [tokens(clipped(one.text)) for one in pairs]
    read = [words(one) for one in found]
    vocabulary = _vocabulary(read, _LEAST_SEEN)
    parts = [tag_words(one.tag) if one.tag else () for one in pairs]
    tags = _vocabulary(parts, 1)
    forms = np.array([form(one.text, clipped(one.text), each) for one, each in zip(pairs, found, strict=True)])
    means, deviations = forms.mean(0), forms.std(0)
    known = [sorted(vocabulary.place[word] for word in one if word in vocabulary.place) for one in read]
    base = csr_array(hstack([indicator_rows(known, vocabulary.weights), _tag_rows(parts, tags)], format="csr"))
    figures = csr_array(_scaled_forms(forms, means, deviations))
    weak, strong = (np.array([getattr(one, rung) for one in pairs], dtype=np.float64) for rung in ("weak", "strong"))
    uplift = strong - weak
    folds = _folds(len(pairs), seed)
    mixture = _mixture(base, figures, uplift, folds)
    points = mixture.points
    at_words, at_tags, at_form = np.split(mixture.weights, [len(vocabulary.place), len(vocabulary.place) + len(tags.place)])
    tag_parts = {
        part: (_short(at_tags[place] * tags.weights[place]), _short(tags.weights[place])) for part, place in tags.place.items()
    }
    learned = Learned(
        len(pairs),
        int(folds.max()) + 1,
        mixture.candidates,
        round(float(weak.mean()), 6),
        round(float(strong.mean()), 6),
        curve(points.tolist(), weak.tolist(), strong.tolist()).gap_recovered(),
    )
    bound = fingerprint({"weights": mixture.weights.round(6).tolist(), "rungs": [names.weak, names.strong]})
    return RouteFile(
        FORMAT,
        names.weak,
        names.strong,
        names.tag,
        learned,
        certify_thresholds(points, uplift, terms, seed, "cross-fitted", bound),
        _short(float(uplift.mean())),
        _line(points, uplift),
        _reliability(points, uplift, folds),
        _tag_table(pairs, tag_parts, uplift),
        tag_parts,
        [FormRow(name, *map(_short, row)) for name, *row in zip(SUMMARY, means, deviations, at_form, strict=True)],
        _traffic(points, _known_shares(read, vocabulary), np.array([len(one.text) for one in pairs], dtype=np.float64)),
        {word: _short(at_words[place] * vocabulary.weights[place]) for word, place in vocabulary.place.items()},
        dict(zip(vocabulary.place, vocabulary.seen, strict=True)),
    )


def _short(value: float) -> float:
    """Six digits: a file for readers, and what is left off moves no decision."""
    return float(f"{value:.6g}")


def _vocabulary(texts: Sequence[Iterable[str]], least: int) -> _Vocabulary:
    seen = Counter(term for text in texts for term in text)
    kept = sorted(sorted((term for term in seen if seen[term] >= least), key=seen.__getitem__, reverse=True)[:_MOST_WORDS])
    counts = [seen[term] for term in kept]
    weights = np.array([rarity(len(texts), count) for count in counts])
    return _Vocabulary({term: place for place, term in enumerate(kept)}, counts, weights)


def _tag_rows(parts: Sequence[Sequence[str]], tags: _Vocabulary) -> csr_array:
    return indicator_rows([sorted(tags.place[part] for part in one) for one in parts], tags.weights)


def _scaled_forms(forms: NDArray[np.float64], means: Vector, deviations: Vector) -> NDArray[np.float64]:
    scale = np.divide(FORM_SCALE, deviations, out=np.zeros_like(deviations), where=deviations > 0)
    return np.clip((forms - means) * scale, -FORM_MOST * FORM_SCALE, FORM_MOST * FORM_SCALE)


def _folds(count: int, seed: int) -> NDArray[np.int64]:
    """Which fold each replay is held out with."""
    parts = _FOLDS if count >= _FEW else _FOLDS_OF_FEW
    return np.random.default_rng(seed).permutation(np.arange(count) % parts)


def _mixture(base: csr_array, figures: csr_array, uplift: Vector, folds: NDArray[np.int64]) -> _Mixture:
    """Ridge regressions with several penalties, with and without form, each by how well it foretold what it had not seen.

    A share is exp(−`_BELIEF` · (squared errors − the least) / (2 · variance)): a choice that few replays cannot make is not made.
    All candidates being linear, so is the mixture. Its points are scaled to be the uplift that they foretold best.
    """
    targets = uplift[:, None]
    width = base.shape[1] + figures.shape[1]
    tried: list[tuple[float, bool, Vector, Vector]] = []
    for with_form in (True, False):
        rows = csr_array(hstack([base, figures], format="csr")) if with_form else base
        start = None
        foretold = held_out(rows, targets, PENALTIES, folds)
        for penalty in sorted(PENALTIES, reverse=True):
            start = ridge(rows, targets - targets.mean(0), penalty, start)
            points = foretold[penalty][:, 0] - uplift.mean()
            spread = float(points.std()) or 1.0
            tried.append((penalty, with_form, np.resize(np.append(start[:, 0], np.zeros(width)), width) / spread, points / spread))
    errors = np.array([_errors(points, uplift) for _, _, _, points in tried])
    belief = np.exp(-_BELIEF * (errors - errors.min()) / (2 * max(float(uplift.var()), 1e-9)))
    shares = belief / belief.sum()
    points = _sum(shares, [points for _, _, _, points in tried])
    slope = max(_slope(points, uplift), _LEAST_SLOPE)
    weights = _sum(shares, [weights for _, _, weights, _ in tried])
    rows_ = [
        CandidateRow(penalty, with_form, round(float(share), 4))
        for (penalty, with_form, _, _), share in zip(tried, shares, strict=True)
    ]
    return _Mixture(rows_, weights * slope, points * slope + float(uplift.mean()))


def _sum(shares: Vector, rows: Sequence[Vector]) -> Vector:
    """The sum of these rows in these shares."""
    return np.asarray(shares @ np.array(rows))


def _slope(points: Vector, uplift: Vector) -> float:
    """The slope of the best line through the points that does not fall."""
    away = points - points.mean()
    return max(0.0, float(away @ (uplift - uplift.mean())) / max(float(away @ away), 1e-12))


def _errors(points: Vector, uplift: Vector) -> float:
    """The squared errors of that line."""
    rest = uplift - uplift.mean() - _slope(points, uplift) * (points - points.mean())
    return float(rest @ rest)


def _line(points: Vector, uplift: Vector) -> list[tuple[float, float]]:
    """What uplift points stand for: means of groups of replays in the order of their points, made never to fall."""
    groups = max(2, min(_LINE_POINTS, len(points) // _LINE_ROWS))
    order = np.array_split(np.argsort(points, kind="stable"), groups)
    means = np.array([uplift[one].mean() for one in order])
    smooth = isotonic(means, np.array([float(len(one)) for one in order]))
    line: dict[float, float] = {}
    for one, value in zip(order, smooth, strict=True):
        line[_short(float(points[one].mean()))] = _short(float(value))
    return list(line.items())


def _reliability(points: Vector, uplift: Vector, folds: NDArray[np.int64]) -> list[ReliabilityRow]:
    """Predicted against observed uplift, the line being drawn without the replays that it is tried on."""
    predicted = np.zeros(len(points))
    for fold in np.unique(folds):
        out = folds == fold
        at, value = zip(*_line(points[~out], uplift[~out]), strict=True)
        predicted[out] = np.interp(points[out], at, value)
    groups = np.array_split(np.argsort(predicted, kind="stable"), max(2, min(_BINS, len(points) // _LINE_ROWS)))
    return [ReliabilityRow(len(one), _short(float(predicted[one].mean())), _short(float(uplift[one].mean()))) for one in groups]


def _tag_table(pairs: Sequence[Pair], parts: dict[str, tuple[float, float]], uplift: Vector) -> dict[str, TagRow]:
    sums: dict[str, list[float]] = {}
    for one, value in zip(pairs, uplift, strict=True):
        if one.tag:
            sums.setdefault(one.tag, []).append(float(value))
    table: dict[str, TagRow] = {}
    for tag, values in sorted(sums.items()):
        found = [parts[part] for part in tag_words(tag)]
        points = sum(point for point, _ in found) / np.sqrt(sum(weight * weight for _, weight in found))
        table[tag] = TagRow(len(values), _short(float(np.mean(values))), _short(float(points)))
    return table


def _known_shares(read: Sequence[set[str]], vocabulary: _Vocabulary) -> Vector:
    """The share of each text's words that the vocabulary would know had this text not been among the replays."""
    others = {word for word, place in vocabulary.place.items() if vocabulary.seen[place] > _LEAST_SEEN}
    return np.array([len(one & others) / (len(one) or 1) for one in read])


def _traffic(points: Vector, known: Vector, length: Vector) -> Traffic:
    bins: list[list[float] | list[int]] = []
    for values in (points, known, length):
        edges = sorted({_short(float(edge)) for edge in np.quantile(values, np.arange(1, _BINS) / _BINS)})
        rows = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
        bins += [edges, rows.tolist()]
    return Traffic(*bins)  # type: ignore[arg-type]  # edges and rows take turns, as in the struct
