"""The charter of a feature: who answers for its cost, what it may cost, and by which capability it may be answered.

A charter is what `breakeven.yaml` declares under one feature. It says nothing of what happened; the ledger does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

RUNGS = ("cache", "handler", "small", "mid", "frontier")
"""The rungs of a ladder, cheapest first: an exact cache, a handler without a model, then models by size."""
NOT_KEPT = 0
"""A retention of bodies that says: never store them."""


@dataclass(frozen=True, slots=True)
class Assumptions:
    """The traffic that a feature is expected to have, where the ledger has none of it yet. Tokens are per call."""

    calls_per_month: int
    input_tokens: int
    output_tokens: int
    outcomes_per_month: int | None = None


@dataclass(frozen=True, slots=True)
class Charter:
    """What is declared about one feature.

    `rungs` are the rungs or models allowed (empty: all), `models` the ones in use, in order of the ladder. `prompts` are files that
    every call carries. `unit_cost_ceiling` is atto-dollars per outcome. `retention` is how long bodies are kept, in seconds; None:
    not declared. `ladder` are the capabilities of its ladder, cheapest first: `cache`, `handler`, or a model, each with its tier if
    that is said. `place` is file and line of the feature, `places` those of its fields.
    """

    feature: str
    owner: str | None = None
    unit: str | None = None
    valued: bool = False
    margin_floor: Decimal | None = None
    quality_floor: Decimal | None = None
    unit_cost_ceiling: int | None = None
    rungs: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    assumptions: Assumptions | None = None
    retention: int | None = None
    place: str = ""
    places: Mapping[str, str] = field(default_factory=dict)
    ladder: tuple[tuple[str, str | None], ...] = ()

    def at(self, *names: str) -> str:
        """Where the first of these fields that is declared stands; without any, where the feature does."""
        return next((self.places[name] for name in names if name in self.places), self.place)

    @property
    def named_models(self) -> tuple[str, ...]:
        """The models in use: as declared, else those that the rungs name, else those of the ladder."""
        laddered = tuple(name for name, _ in self.ladder if name not in RUNGS)
        return self.models or tuple(name for name in self.rungs if name not in RUNGS) or laddered

    def allows(self, model: str, rung: str | None) -> bool | None:
        """Whether a model may serve the feature. None: it cannot be told, because nothing says which rung the model is."""
        if not self.rungs or model in self.rungs or (rung is not None and rung in self.rungs):
            return True
        return False if rung is not None or not any(name in RUNGS for name in self.rungs) else None
