"""The next cheaper model for a call whose budget runs low: one step down the models of its feature's charter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from breakeven.gateway.attribution import Refusal
from breakeven.gateway.targets import NoTarget, Target, Targets
from breakeven.gateway.translating import carried

if TYPE_CHECKING:
    from breakeven.gateway.call import Call


class Ladders:
    """The models of each feature, cheapest first, and where they lead."""

    def __init__(self, models: Mapping[str, tuple[str, ...]], targets: Targets) -> None:
        self._models = models
        self._targets = targets
        self._known: dict[tuple[Target, str], Target] = {}

    def lower(self, call: Call) -> tuple[Target, ...] | None:
        """The targets of the next cheaper model; None where there is none, or where the model stands in the path."""
        if call.climb is not None:
            return call.climb.lower()
        model, feature = call.hints.model, call.attribution.feature
        models = self._models.get(feature or "", ())
        if model is None or model not in models or models[0] == model or call.targets[0].model_in_url is not None:
            return None
        cheaper = models[models.index(model) - 1]
        head = call.request.head
        found = self._targets.find(head.method, head.target, cheaper, anthropic=call.caller.anthropic)
        if isinstance(found, NoTarget):
            return None
        able = carried(call, [self._renamed(each, cheaper) for each in found])
        return None if isinstance(able, Refusal) else able

    def _renamed(self, target: Target, model: str) -> Target:
        """The target with the name that the body must have there; the same object every time, because heads are kept by it."""
        key = (target, model)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = target if target.rename is not None else replace(target, rename=model)
        return found
