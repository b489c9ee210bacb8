"""A feature's ladder, ready for calls: which targets each rung has for a request, and what the baseline is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from breakeven.gateway.targets import NoTarget, Target, Targets
from breakeven.gateway.tasks import ANSWERABLE
from breakeven.settings.ladders import ASKED, HANDLER, Ladder, Rung
from breakeven.settings.rollouts import tested_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from breakeven.alignment.rollout import Plan
    from breakeven.alignment.routing.route import Route
    from breakeven.alignment.task import Task
    from breakeven.gateway.call import Call

_MOST_KNOWN = 4_096
_encode = msgspec.json.Encoder(decimal_format="number").encode


class Rungs:
    """One ladder and where its rungs lead. What was found once is remembered."""

    def __init__(
        self,
        ladder: Ladder,
        targets: Targets,
        rollouts: Sequence[Plan] = (),
        route: Route | None = None,
        routes: Mapping[str, Route] | None = None,
    ) -> None:
        self.ladder = ladder
        self._route = route
        self._routes = routes or {}
        self.last = ladder.rungs[-1]
        self.by_name = {rung.name: rung for rung in ladder.rungs}
        self.has_checks = bool(
            ladder.checks.pure or ladder.checks.functions or ladder.checks.agreement or ladder.checks.judge
        ) and ("check" in ladder.climb)
        self._targets = targets
        self._rolled = {plan.task_class: (plan, rung) for plan in rollouts if (rung := self._rung_of(plan)) is not None}
        self._by_prompt = {name: found for found in self._rolled.values() if found[0].unlabelled for name in found[0].templates}
        self._known: dict[tuple[Target, str | None, str], tuple[Target, ...] | str] = {}
        self._usual = tuple(self._from(ladder.start))

    def _from(self, start: str | None) -> list[Rung]:
        """What a call tries: all that needs no model, then the models from the start on but the one that gives second opinions."""
        second = None if self.ladder.checks.agreement is None else self.ladder.checks.agreement.rung
        models = [rung for rung in self.ladder.rungs if rung.kind == "model"]
        first = next((at for at, rung in enumerate(models) if rung.name == start), 0)
        asked = [rung for rung in models[first:] if rung.name != second or rung is self.last]
        return [rung for rung in self.ladder.rungs if rung.kind != "model"] + asked

    def _rung_of(self, plan: Plan) -> Rung | None:
        """The rung that a rollout moves calls to; None where it is another one than was proven, or not there."""
        given_for, now = plan.certificate or plan.model, tested_of(plan, self.ladder)
        if given_for is not None and now != given_for:
            return None
        if plan.to == HANDLER:
            return next((rung for rung in self.ladder.rungs if rung.kind == "handler"), None)
        rung = self.by_name.get(plan.to)
        if rung is not None:
            return rung if plan.model in (None, rung.model) else None
        return None if plan.model is None else Rung(plan.to, "model", plan.model)

    def rolled(self, task_class: str | None, template: str | None) -> tuple[Plan, Rung] | None:
        """The rollout of a class of calls, where it has one and the call's prompt is one that was tested."""
        if task_class is None and template is not None:
            return self._by_prompt.get(template)
        found = None if task_class is None else self._rolled.get(task_class)
        return found if found is not None and (not found[0].templates or template in found[0].templates) else None

    def goes(self, plan: Plan, task: Task | None) -> tuple[bool, str]:
        """Whether a call of a class that is moved by a route goes to the cheaper rung, and why; without a route each one does."""
        if plan.route is None:
            return True, ""
        route = self._routes.get(plan.route)
        if route is None or task is None:
            return False, "its route cannot read it"
        tagged = replace(task, tags={**task.tags, **({route.file.tag: plan.task_class} if route.file.tag else {})})
        decision = route.decide(tagged)
        return decision.rung == route.file.weak, decision.why

    def second(self, plan: Plan) -> Rung | None:
        """The rung that has to say the same as the cheaper one, where the rollout wants that."""
        if plan.agree is None:
            return None
        return self.by_name.get(plan.agree) or Rung(plan.agree, "model", plan.agree_model)

    def usual(self, task: Task | None) -> tuple[list[Rung], str]:
        """What a call tries where nothing else is wished for it, and why, where a route has chosen the rung to begin at."""
        if self._route is None or task is None:
            return self.path(None), ""
        decision = self._route.decide(task)
        return self._from(decision.rung), f"routed to {decision.rung}: {decision.why}"

    def path(self, named: str | None) -> list[Rung]:
        """The rungs that a call tries, in order; from the one it names on, where it names one."""
        if named is None:
            return list(self._usual)
        rungs = self.ladder.rungs
        return list(rungs[self.ladder.names.index(named) :])

    def below(self, rung: Rung) -> Rung | None:
        """The next cheaper model; None where there is none."""
        models = [each for each in self.ladder.rungs if each.kind == "model"]
        at = models.index(rung) if rung in models else 0
        return models[at - 1] if at > 0 else None

    def targets(self, call: Call, asked: tuple[Target, ...], rung: Rung) -> tuple[Target, ...] | str:
        """Where a model rung leads for this call, first choice first; or why it cannot serve it."""
        return self._led(call, asked, rung.model, rung.provider, rung)

    def judge_targets(self, call: Call, asked: tuple[Target, ...], model: str) -> tuple[Target, ...] | str:
        """Where a model leads that judges, by the name of a rung or of itself."""
        rung = self.by_name.get(model)
        if rung is not None and rung.kind == "model":
            return self.targets(call, asked, rung)
        return self._led(call, asked, model, None, Rung(f"judge:{model}", "model", model))

    def baseline(self, call: Call, asked: tuple[Target, ...]) -> tuple[Target, str] | None:
        """Target and model of the declared baseline; None where nothing configured serves it."""
        model = self.ladder.baseline or call.hints.model
        if model is None:
            return None
        if self.ladder.baseline is None:
            return asked[0], asked[0].rename or model
        found = self._led(call, asked, model, self.ladder.baseline_provider, Rung("baseline", "model", model), priced_only=True)
        return None if isinstance(found, str) else (found[0], found[0].rename or model)

    def _led(
        self,
        call: Call,
        asked: tuple[Target, ...],
        model: str | None,
        provider: str | None,
        rung: Rung,
        *,
        priced_only: bool = False,
    ) -> tuple[Target, ...] | str:
        key = (asked[0], call.hints.model, rung.name)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            wanted = call.hints.model if model in (None, ASKED) else model
            found = self._known[key] = self._found(call, asked, wanted, provider, rung, priced_only=priced_only)
        return found

    def _found(
        self, call: Call, asked: tuple[Target, ...], model: str | None, provider: str | None, rung: Rung, *, priced_only: bool
    ) -> tuple[Target, ...] | str:
        parameters = tuple((name, _encode(value)) for name, value in rung.parameters.items())
        if model == call.hints.model and provider is None:
            return tuple(replace(each, parameters=parameters) for each in asked) if parameters else asked
        if asked[0].api not in ANSWERABLE and not priced_only:
            return "the API that was called is no conversation"
        if asked[0].model_in_url is not None:
            return "the model stands in the path of the request"
        return self._elsewhere(call, asked, model, provider, parameters, priced_only=priced_only)

    def _elsewhere(
        self,
        call: Call,
        asked: tuple[Target, ...],
        model: str | None,
        provider: str | None,
        parameters: tuple[tuple[str, bytes], ...],
        *,
        priced_only: bool,
    ) -> tuple[Target, ...] | str:
        """The targets of another model, or of another provider."""
        head = call.request.head
        led = self._targets.lead(head.method, head.target, model, provider, anthropic=call.caller.anthropic)
        if isinstance(led, NoTarget):
            return led.message
        if priced_only:
            return led
        able = [each for each in led if _speaks(each, asked[0])]
        if not able:
            return f"{led[0].provider.name} does not speak the API that was called"
        hidden = [each for each in able if self._keeps(each, asked[0])]
        if not hidden:
            return f"{able[0].provider.name} has no key of its own, and the caller's is for {asked[0].provider.name}"
        return tuple(self._renamed(each, model, call.hints.model, parameters) for each in hidden)

    def _keeps(self, target: Target, asked: Target) -> bool:
        """Whether the caller's own key stays with the vendor that it is for."""
        return target.provider.vendor == asked.provider.vendor or self._targets.has_key(target)

    def _renamed(self, target: Target, model: str | None, asked: str | None, parameters: tuple[tuple[str, bytes], ...]) -> Target:
        rename = target.rename or (model if model != asked else None)
        return replace(target, rename=rename, parameters=parameters)


def _speaks(target: Target, asked: Target) -> bool:
    """Whether a target takes the caller's API, as its own or translated."""
    translated = target.translation is not None or asked.translation is not None
    return target.caller_dialect == asked.caller_dialect and bool(target.api) and (translated or target.api == asked.api)
