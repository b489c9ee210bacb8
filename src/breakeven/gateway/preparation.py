"""From the configuration's files to a `Snapshot`: the only module of the gateway that reads them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from breakeven.alignment.rollout import Plan, digest_of
from breakeven.alignment.routing.route import Route
from breakeven.alignment.routing.route_file import read_route
from breakeven.errors import ConfigError
from breakeven.gateway.application import Drain, Snapshot
from breakeven.gateway.attribution import Attributor
from breakeven.gateway.costing import Rater
from breakeven.gateway.keys import KeyRing
from breakeven.gateway.keystore import load_keys
from breakeven.gateway.rungs import Rungs
from breakeven.gateway.targets import NoTarget, Targets
from breakeven.gateway.visitors import Visitors
from breakeven.gateway.wire.messages import Limits
from breakeven.ledger.layout import Layout
from breakeven.ledger.tokens import load_tokens
from breakeven.pricebook import open_card
from breakeven.settings import Settings, load_settings
from breakeven.settings.capabilities import longest_of, models_of, too_long
from breakeven.settings.ladders import ASKED, Ladder, Rung
from breakeven.settings.privacy import pseudonyms_of

AS_ASKED = Ladder((Rung(ASKED, "model", ASKED),))
"""The ladder of a feature that declares none and has rollouts: every call is answered by the model that it asks for."""


def prepared(ledger: Path, config: Path | None, host: str | None = None) -> Snapshot:
    """Everything that calls need, loaded and checked; `host` is the address that is really listened on.

    Raises BreakevenError where the configuration or a file is wrong.
    """
    settings = load_settings(config)
    gateway = settings.gateway
    targets = Targets(gateway)
    pseudonyms = pseudonyms_of(settings.privacy, os.environ)
    card = open_card(Layout(ledger).prices, settings.overlays, datetime.now(UTC).replace(tzinfo=None))
    _refuse_short(settings, targets, card.context_window)
    return Snapshot(
        attributor=Attributor(gateway.environment, pseudonyms),
        pseudonyms=pseudonyms,
        keys=KeyRing(load_keys(ledger), lambda: datetime.now(UTC)),
        targets=targets,
        rater=Rater(card),
        cost_classes=settings.cost_classes,
        keys_required=gateway.needs_keys(host),
        admin_token=os.environ.get(gateway.admin_token_env, "").encode(),
        limits=Limits(gateway.limits.body, gateway.limits.headers, gateway.limits.header_bytes),
        drain=Drain(gateway.drain.time, gateway.drain.bytes),
        usage_cost=gateway.usage_cost,
        budgets=settings.budgets,
        window=card.context_window,
        accounts=gateway.accounts,
        policies=settings.policy_book,
        visitors=Visitors(settings.access, load_tokens(ledger)),
        captures={name: feature.capture for name, feature in settings.features.items() if feature.capture is not None},
        rungs={
            name: Rungs(feature.ladder or AS_ASKED, targets, feature.rollouts, _route(feature.ladder), _routes(feature.rollouts))
            for name, feature in settings.features.items()
            if feature.ladder is not None or feature.rollouts
        },
        cached_in=gateway.cache,
        handlers=settings.handlers,
        prompt_cache={
            name: lifetime for name, feature in settings.features.items() if (lifetime := feature.prompt_cache) is not None
        },
        ladders={name: feature.models for name, feature in settings.features.items() if feature.models},
    )


def _refuse_short(settings: Settings, targets: Targets, window: Callable[[str, str], int | None]) -> None:
    """Raise ConfigError where a rung's model takes fewer tokens, by the price book, than its feature declares to need."""
    found = [
        problem
        for name, feature in settings.features.items()
        if feature.ladder is not None and (longest := longest_of(feature.ladder, feature.assumptions))
        for rung in models_of(feature.ladder)
        if rung.context is None and (known := window_of(rung, targets, window)) is not None
        for problem in too_long(f"feature {name}", rung, known, longest)
    ]
    if found:
        raise ConfigError("a rung takes fewer tokens than its feature's calls need", found[0].remedy, tuple(found))


def window_of(rung: Rung, targets: Targets, window: Callable[[str, str], int | None]) -> int | None:
    """How many tokens a rung takes: as it says itself, else as the price book knows its model; None: unknown."""
    if rung.context is not None:
        return rung.context
    led = targets.lead(b"POST", b"/v1/chat/completions", rung.model, rung.provider, anthropic=False)
    if isinstance(led, NoTarget):
        return None
    return window(led[0].vendor, led[0].rename or rung.model or "")


def _routes(plans: Sequence[Plan]) -> dict[str, Route]:
    """The routes by which rollouts judge single calls. Raises ConfigError where one is not the one that was proven."""
    found: dict[str, Route] = {}
    for plan in plans:
        if plan.route is None:
            continue
        try:
            content = Path(plan.route).read_bytes()
        except OSError as error:
            told = "Put it back beside breakeven.yaml, or take the rollout out."
            raise ConfigError(f"the route {plan.route} of {plan.task_class} cannot be read: {error.strerror}", told) from None
        if digest_of(content) not in Path(plan.route).name:
            raise ConfigError(
                f"the route {plan.route} was changed since it was proven for {plan.task_class}",
                "Put it back, or prove it anew: breakeven audit route, then audit accept.",
            )
        file = read_route(content, plan.route)
        if file.weak != plan.to:
            raise ConfigError(f"the route {plan.route} leads to {file.weak}, and the rollout to {plan.to}", "Name its own route.")
        found[plan.route] = Route(file)
    return found


def _route(ladder: Ladder | None) -> Route | None:
    """The trained route of a ladder. Raises ConfigError where its file is not there or chooses between other rungs."""
    if ladder is None or ladder.route is None:
        return None
    try:
        content = ladder.route.read_bytes()
    except OSError as error:
        raise ConfigError(f"the route {ladder.route} cannot be read: {error.strerror}", f"See {ladder.place}.") from None
    file = read_route(content, str(ladder.route))
    models = [rung.name for rung in ladder.rungs if rung.kind == "model"]
    unknown = next((name for name in (file.weak, file.strong) if name not in models), None)
    if unknown is not None:
        told = f"Its models are called {', '.join(models)}; train it again with --weak-rung and --strong-rung, or rename them."
        raise ConfigError(f"the route {ladder.route} chooses a rung {unknown!r} that the ladder at {ladder.place} has not", told)
    return Route(file)
