"""The shape of a check's answer: what `breakeven check --json` prints, and what the comment on a pull request is drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec


class Side(msgspec.Struct, frozen=True):
    """One of the two revisions; `commit` is null for the work tree."""

    revision: str
    commit: str | None
    compared: str


class ChangeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is different. `cost` is what it does to a month; null where it has no price, or none is known."""

    kind: str
    what: str
    place: str | None = None
    cost: str | None = None


class FeatureRow(msgspec.Struct, frozen=True, kw_only=True):
    """One feature's month before and after. `basis`: recorded traffic, declared assumptions, or nothing."""

    feature: str | None
    owner: str | None
    status: str
    basis: str
    calls: int
    outcomes: int | None
    cost_before: str | None
    cost_after: str | None
    cost_change: str | None
    value_before: str | None
    value_after: str | None
    margin_before: float | None
    margin_after: float | None
    cost_per_outcome_before: str | None
    cost_per_outcome_after: str | None
    changes: Sequence[ChangeRow]


class BreachRow(msgspec.Struct, frozen=True, kw_only=True):
    """A limit that would be broken, in one sentence, with its place and what to do. Shares are numbers, money exact digits."""

    limit: str
    feature: str | None
    sentence: str
    place: str
    remedy: str
    actual: float | str | None
    allowed: float | str | None


class CheckTrail(msgspec.Struct, frozen=True, kw_only=True):
    """What the figures rest on."""

    formula: Mapping[str, str]
    traffic: str
    calls: int
    scaled_from_days: int | None
    priced_at: str
    price_book: str
    tokens_per_character: Sequence[str]
    limits_checked: int
    notes: Sequence[str]


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """The report: what changes, and which limits break because of it (`failures`) or were broken already (`warnings`)."""

    base: Side
    head: Side
    period: str | None
    label: str | None
    currency: str
    passed: bool
    sentence: str
    cost_before: str | None
    cost_after: str | None
    cost_change: str | None
    features: Sequence[FeatureRow]
    failures: Sequence[BreachRow]
    warnings: Sequence[BreachRow]
    trail: CheckTrail
