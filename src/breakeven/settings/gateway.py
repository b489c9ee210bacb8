"""The gateway's part of the configuration: how it listens, what it lets in, which models lead where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from breakeven.errors import Problem
from breakeven.settings.dialects import NEEDS, needs_unmet
from breakeven.settings.ladders import CAPABILITIES, Ladder
from breakeven.settings.providers import ProviderSettings, is_local, providers_of, variable
from breakeven.settings.quantities import flag, inner, seconds, size, whole
from breakeven.yamlfields import Fields, Problems, items, suggestion
from breakeven.yamlfile import Node

GATEWAY_FIELDS = (
    "host",
    "port",
    "workers",
    "keys",
    "admin_token_env",
    "limits",
    "drain",
    "grace",
    "usage_cost",
    "environment",
    "accounts",
    "cache",
    "shared_keys",
)
CARRIED = ("openai", "anthropic")
"""The dialects that calls are translated between."""
KEYS: tuple[Literal["required", "optional"], ...] = ("required", "optional")
_MOST_PORT, _MOST_WORKERS, _MOST_HEADERS, _MOST_TOKENS = 65_535, 256, 10_000, 10_000_000


@dataclass(frozen=True, slots=True)
class RouteTarget:
    """One place that a route leads to; `model` is the name it is called by there, where that is another one.

    `max_tokens` is the longest answer that is asked for where a translated call says none, and its vendor must be told one.
    """

    provider: str
    model: str | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """Calls for models that match `model` (a glob) go to the first target; the others are fallbacks in their order."""

    model: str
    to: tuple[RouteTarget, ...]


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """What a request may be at most; sizes in bytes."""

    body: int = 32 * 1024**2
    headers: int = 100
    header_bytes: int = 32 * 1024


@dataclass(frozen=True, slots=True)
class DrainLimits:
    """How far an answer is read on after its caller has gone: seconds and bytes."""

    time: float = 300.0
    bytes: int = 64 * 1024**2


@dataclass(frozen=True, slots=True)
class AccountsSettings:
    """Where the accounts of budgets, or kept answers, are: in a file of the ledger, or in Redis, for gateways on several hosts.

    `url` is an address without a password, `url_env` names a variable that holds one with it; neither: the file.
    """

    url: str | None = None
    url_env: str | None = None
    prefix: str = "breakeven"

    @property
    def shared(self) -> bool:
        """Whether several hosts share the accounts."""
        return self.url is not None or self.url_env is not None


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """How the gateway listens and what it lets in, and where it leads. `grace`: seconds for calls under way when it is stopped.

    `keys` is None where the file does not say: then the address it listens on decides.
    """

    host: str = "127.0.0.1"
    port: int = 4000
    workers: int = 1
    keys: Literal["required", "optional"] | None = None
    admin_token_env: str = "BREAKEVEN_ADMIN_TOKEN"  # noqa: S105 - the name of a variable, not a token
    limits: RequestLimits = RequestLimits()
    drain: DrainLimits = DrainLimits()
    grace: float = 30.0
    usage_cost: bool = False
    environment: str | None = None
    accounts: AccountsSettings = AccountsSettings()
    cache: AccountsSettings = AccountsSettings()
    shared_keys: AccountsSettings = AccountsSettings()
    providers: Mapping[str, ProviderSettings] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()

    def needs_keys(self, host: str | None = None) -> bool:
        """Whether callers must show a virtual key: as the file says, else wherever others than this machine can call.

        `host` is the address really listened on, where a command line has overruled the configured one.
        """
        return self.keys == "required" or (self.keys is None and not is_local(self.host if host is None else host))


def gateway_settings(top: Fields, config: Path, problems: Problems, warnings: Problems) -> GatewaySettings:
    """The gateway's settings from three sections of the file; faults go to `problems`, what is seldom meant to `warnings`."""
    known = providers_of(top.get("providers"), config, problems, warnings)
    routes = _routes(top.get("routes"), known, problems)
    node = top.get("gateway")
    if node is None or node.value is None:
        return GatewaySettings(providers=known, routes=routes)
    return _gateway(node, known, routes, problems, warnings)


def _gateway(
    node: Node, providers: Mapping[str, ProviderSettings], routes: tuple[Route, ...], problems: Problems, warnings: Problems
) -> GatewaySettings:
    base = GatewaySettings()
    fields = Fields(node, "gateway", GATEWAY_FIELDS, problems)
    host = fields.text("host") or base.host
    limits = inner(fields, "limits", ("body", "headers", "header_bytes"), problems)
    drain = inner(fields, "drain", ("time", "bytes"), problems)
    keys = fields.choice("keys", KEYS, "required") if "keys" in fields else None
    if keys == "optional" and not is_local(host):
        warnings.add(
            node, f"whoever reaches {host} may spend what the providers' keys may", "Leave `keys` out, or set `keys: required`."
        )
    return GatewaySettings(
        host=host,
        port=whole(fields, "port", base.port, 0, _MOST_PORT),
        workers=whole(fields, "workers", base.workers, 1, _MOST_WORKERS),
        keys=keys,
        admin_token_env=variable(fields, "admin_token_env") or base.admin_token_env,
        limits=RequestLimits(
            size(limits, "body", base.limits.body),
            whole(limits, "headers", base.limits.headers, 1, _MOST_HEADERS),
            size(limits, "header_bytes", base.limits.header_bytes),
        ),
        drain=DrainLimits(seconds(drain, "time", base.drain.time), size(drain, "bytes", base.drain.bytes)),
        grace=seconds(fields, "grace", base.grace),
        usage_cost=flag(fields, "usage_cost", default=False),
        environment=fields.text("environment"),
        accounts=_accounts(inner(fields, "accounts", ("redis", "redis_env", "prefix"), problems)),
        cache=_accounts(inner(fields, "cache", ("redis", "redis_env", "prefix"), problems)),
        shared_keys=_accounts(inner(fields, "shared_keys", ("redis", "redis_env", "prefix"), problems)),
        providers=providers,
        routes=routes,
    )


def _accounts(fields: Fields) -> AccountsSettings:
    url, named = fields.text("redis"), variable(fields, "redis_env") or None
    if url is not None and not url.startswith(("redis://", "rediss://", "unix://")):
        fields.fault("redis", f"redis is {url[:40]!r}", "Write an address: redis://host:6379/0, rediss:// with TLS, or unix://.")
    if url is not None and "@" in url:
        fields.fault(
            "redis", "redis holds a password", "Put the whole address into an environment variable and name it: redis_env."
        )
    if url is not None and named is not None:
        fields.fault("redis_env", "redis and redis_env are both there", "Leave one of the two out.")
    return AccountsSettings(url, named, fields.text("prefix") or AccountsSettings().prefix)


# --- routes -----------------------------------------------------------------------------------------------------------------------


def _routes(node: Node | None, providers: Mapping[str, ProviderSettings], problems: Problems) -> tuple[Route, ...]:
    routes: list[Route] = []
    for item in items(node, "routes", problems):
        fields = Fields(item, "route", ("model", "to", "needs"), problems)
        model = fields.text("model", required=True) or ""
        if any(model == other.model for other in routes):
            fields.fault("model", f"the model {model!r} has a route already", "Join the two routes: the first one decides.")
        targets = tuple(_target(each, providers, problems) for each in _one_or_more(fields.get("to")))
        if not targets:
            fields.fault("to", "to is missing", "Name the provider that answers first, then its fallbacks.")
            continue
        led = [providers[each.provider] for each in targets if each.provider in providers]
        _check_alike(model, led, fields)
        _check_needs(f"route {model}", fields, led)
        routes.append(Route(model, targets))
    return tuple(routes)


def _check_alike(model: str, targets: list[ProviderSettings], fields: Fields) -> None:
    """Calls are translated between the dialects of OpenAI and Anthropic; a vendor's own API is for callers of that API alone."""
    shapes = sorted({each.vendor if each.dialect == "native" else each.dialect for each in targets})
    if len(shapes) > 1 and any(each.dialect == "native" for each in targets):
        remedy = "Name providers of one API; only the dialects openai and anthropic are translated into each other."
        fields.fault("to", f"route {model} leads to dialects {', '.join(shapes)}", remedy)


def _check_needs(what: str, fields: Fields, targets: Iterable[ProviderSettings]) -> None:
    """What calls of a route need must reach each of its targets, translated where that speaks another dialect."""
    needs = known_needs(fields)
    for target in targets:
        for what_lacks, remedy in lacking(what, needs, target):
            fields.fault("needs", what_lacks, remedy)


def known_needs(fields: Fields) -> tuple[str, ...]:
    """The field `needs`: names of members and APIs as the statement of support has them."""
    needs = fields.words("needs")
    for need in needs:
        if need not in NEEDS and need not in CAPABILITIES:
            known = sorted({*NEEDS, *CAPABILITIES})
            fields.fault("needs", f"{need!r} is nothing that calls are known to need", suggestion(need, known))
    return needs


def lacking(what: str, needs: tuple[str, ...], target: ProviderSettings) -> list[tuple[str, str]]:
    """What of these needs a provider cannot be given, each as a fault and its remedy."""
    remedy = "Name a provider that speaks the dialect of the call that has it, or take it out of `needs`."
    return [
        (f"{what} needs {need}, which {target.name} cannot be given: {why}", remedy)
        for need, why in needs_unmet(needs, target.dialect)
    ]


def unmet_needs(what: str, needs: tuple[str, ...], models: tuple[str, ...], gateway: GatewaySettings) -> list[tuple[str, str]]:
    """What a feature that uses these models needs and the routes of its models cannot carry."""
    found: list[tuple[str, str]] = []
    for model in models if needs else ():
        route = next((each for each in gateway.routes if fnmatchcase(model, each.model)), None)
        for to in route.to if route is not None else ():
            if to.provider in gateway.providers:
                found += lacking(f"{what} ({model})", needs, gateway.providers[to.provider])
    return found


def unserved_rungs(what: str, needs: tuple[str, ...], ladder: Ladder, gateway: GatewaySettings) -> list[Problem]:
    """The rungs of a ladder whose provider can never answer a ladder's calls, or cannot be given what they need."""
    found: list[Problem] = []
    for rung in ladder.rungs:
        provider = None if rung.provider is None else gateway.providers.get(rung.provider)
        if provider is None:
            routed = (rung.model or "",) if rung.provider is None else ()
            lacks = unmet_needs(f"{what}: rung {rung.name}", needs, routed, gateway)
            found += [Problem(rung.place, lack, remedy) for lack, remedy in lacks]
            continue
        named = f"{what}: rung {rung.name}"
        if provider.dialect not in CARRIED:
            why = f"{named} leads to {provider.name}, which speaks an API of its own that no call is translated into"
            found.append(Problem(rung.place, why, f"Name a provider of the dialect {' or '.join(CARRIED)}."))
        found += [Problem(rung.place, lack, remedy) for lack, remedy in lacking(named, needs, provider)]
    return found


def _one_or_more(node: Node | None) -> tuple[Node, ...]:
    if node is None or node.value is None:
        return ()
    return node.sequence if node.sequence is not None else (node,)


def _target(node: Node, providers: Mapping[str, ProviderSettings], problems: Problems) -> RouteTarget:
    if node.mapping is not None:
        fields = Fields(node, "route target", ("provider", "model", "max_tokens"), problems)
        longest = whole(fields, "max_tokens", 1, 1, _MOST_TOKENS) if "max_tokens" in fields else None
        target = RouteTarget(fields.text("provider", required=True) or "", fields.text("model"), longest)
    else:
        target = RouteTarget(str(node.value))
    if target.provider not in providers:
        problems.add(node, f"no provider is called {target.provider!r}", suggestion(target.provider, tuple(providers)))
    return target
