"""Exact bounds on a share, for a number of tries fixed beforehand (Clopper & Pearson 1934)."""

from __future__ import annotations

import math

from breakeven.alignment.compiled.certificate import lower_bound


def share_at_least(hits: int, tries: int, confidence: float = 0.95) -> float:
    """The lowest true share of hits that is still plausible, one-sided."""
    return lower_bound(hits, tries, confidence)


def share_at_most(hits: int, tries: int, confidence: float = 0.95) -> float:
    """The highest true share of hits that is still plausible, one-sided; 1 where nothing was tried."""
    return 1.0 if tries <= 0 else 1.0 - lower_bound(tries - hits, tries, confidence)


def tries_without_harm(share: float, confidence: float = 0.95) -> int:
    """How many tries without one harm are needed to say that less than this share is harmed: ln(1 − confidence) / ln(1 − share).

    For 1% with 95% confidence: 299.
    """
    return math.ceil(math.log(1 - confidence) / math.log1p(-share))
