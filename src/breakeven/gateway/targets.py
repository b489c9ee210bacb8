"""Which vendor answers a request: by its path, its model and the declared routes. Only configured addresses can be reached.

| Path | Goes to |
|---|---|
| `/v1/messages...` | a provider of the Anthropic dialect |
| `/v1/...` | a provider of the OpenAI dialect (Anthropic's, where the caller speaks its dialect) |
| `/v1beta/...` | a provider of the vendor google |
| `/openai/deployments/...`, `/openai/...` where no provider is called so | a provider of the vendor azure |
| `/model/...` | a provider of the vendor bedrock |
| `/v1/projects/...`, `/v1beta1/projects/...` | a provider of the vendor vertex |
| `/NAME/...` | the provider of that name, whatever the rest is |

Among several the model decides: a route that matches it (which also names the fallbacks), a provider that lists it under `models`,
a provider that it names itself (`azure-eu/gpt-4o`), else the first one that lists no models.

A route may lead to a provider of the other dialect: then the call is translated, where its path can be (`providers/translation`). A
route for `*` of one dialect alone means every model of that dialect, so that it takes no calls of the other.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from urllib.parse import unquote, urlsplit

from breakeven.errors import ConfigError
from breakeven.gateway.paths import below, fault_of, model_in, with_model
from breakeven.gateway.proxies import address_of
from breakeven.gateway.signing import Signer, signer_of
from breakeven.gateway.wire.upstream import Address
from breakeven.providers import provider_of
from breakeven.providers.translation import LONGEST_ANSWER, TRANSLATIONS, Translation
from breakeven.settings import GatewaySettings, ProviderSettings, Route, RouteTarget

_MOST_CACHED, _LONGEST_CACHED = 10_000, 1024
_LONGEST_MODEL = 512
_BAD_REQUEST, _NOT_FOUND, _NOT_ALLOWED = 400, 404, 405
_METHODS = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"})
_NATIVE = (
    (re.compile(r"/v1beta/"), "google"),
    (re.compile(r"/openai/"), "azure"),
    (re.compile(r"/model/"), "bedrock"),
    (re.compile(r"/v1(?:beta1)?/projects/"), "vertex"),
)
_DEPLOYMENTS = "/openai/deployments/"  # Azure's alone, so that it is Azure's beside a provider called openai, too
_FREE = re.compile(
    r"/(?:files|uploads)(?:/.*)?\Z|/responses/(?:input_tokens|[^/]+/cancel)\Z"
    r"|/(?:messages/count_tokens|moderations|tokenize|detokenize)\Z|:countTokens\Z"
)
_UNREAD = re.compile(r"/batches(?:/|\Z)|:batchPredict\Z")  # billed later
_BINARY = re.compile(r"/(?:converse-stream|invoke-with-response-stream)\Z")


@dataclass(frozen=True, slots=True)
class NoTarget:
    """Nobody answers this request."""

    status: int
    message: str


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """Where one request goes: everything about it that does not depend on its headers and body.

    `path` is what is sent, with the query; `url` is for readers and records and has none, because a query may hold a secret.
    `model_in_url` is the model by which the vendor decides, where it stands in the path; what a body then names is without effect.
    `translation` is there where the caller speaks another dialect; `longest` is then the longest answer that is asked for where the
    caller says none. `binary`: the answer is a binary event stream. `metered`: the answer says what was used. `free`: nothing is
    charged for it. Neither: its cost is not known.
    """

    provider: ProviderSettings
    vendor: str
    dialect: str
    api: str
    address: Address
    host_header: bytes
    path: bytes = field(repr=False)
    url: str
    model_in_url: str | None = None
    rename: str | None = None
    parameters: tuple[tuple[str, bytes], ...] = ()
    binary: bool = False
    metered: bool = False
    free: bool = False
    context: Mapping[str, str] = field(default_factory=dict)
    labels: tuple[tuple[str, str], ...] = ()
    translation: Translation | None = None
    longest: int = LONGEST_ANSWER

    @property
    def caller_dialect(self) -> str:
        """The dialect that the caller speaks, in which it must be answered."""
        return self.dialect if self.translation is None else self.translation.caller


Found = tuple[Target, ...] | NoTarget


class Targets:
    """The providers and routes of one configuration. Raises ConfigError where a credential or its library is missing."""

    def __init__(self, settings: GatewaySettings, environment: Mapping[str, str] | None = None) -> None:
        given = os.environ if environment is None else environment
        self._providers = dict(settings.providers)
        self._routes = settings.routes
        self._cache: dict[tuple[bytes, bytes, str | None, bool], Found] = {}
        self._addresses = {name: address_of(provider, given) for name, provider in self._providers.items()}
        self._signers: dict[str, Signer] = {
            name: signer_of(each, self._addresses[name], given) for name, each in self._providers.items()
        }
        for route in self._routes:
            self._check_fallbacks(route)

    def find(self, method: bytes, target: bytes, model: str | None, *, anthropic: bool) -> Found:
        """The targets of a request, first choice first.

        `model` is the one that the body names; `anthropic`: the caller speaks Anthropic's dialect.
        """
        key = (method, target, model, anthropic)
        found = self._cache.get(key)
        if found is None:
            found = self._found(method, target, model, anthropic=anthropic)
            if len(target) + len(model or "") <= _LONGEST_CACHED:
                if len(self._cache) >= _MOST_CACHED:
                    self._cache.clear()
                self._cache[key] = found
        return found

    def headers(self, target: Target, method: bytes, body: bytes) -> list[tuple[bytes, bytes]]:
        """What is added to a request: the provider's credential, if there is one, and the headers that the configuration sets.

        Raises Unreachable where a signature cannot be made at the moment.
        """
        return self._signers[target.provider.name].headers(target, method, body)

    def constant(self, target: Target) -> bool:
        """Whether the added headers are the same for every call: keys are, signatures are not."""
        return self._signers[target.provider.name].constant

    def has_key(self, target: Target) -> bool:
        """Whether its provider has a credential of its own, so that the caller's is not shown to it."""
        return self._signers[target.provider.name].own

    def lead(self, method: bytes, target: bytes, model: str | None, provider: str | None, *, anthropic: bool) -> Found:
        """The targets of the same request for another model, at the provider named or wherever the model leads."""
        path = target.decode("ascii")
        first, _, rest = path[1:].partition("/")
        if provider is None:
            return self.find(method, target, model, anthropic=anthropic)
        path = f"/{rest}" if first in self._providers else path
        refusal = _refusal(method, path.encode(), model)
        return refusal or (self._aimed(RouteTarget(provider), method, path, model, anthropic=anthropic),)

    def _check_fallbacks(self, route: Route) -> None:
        """A caller's own key is for the vendor that it asked for, and must not be shown to another one when that one fails."""
        providers = [self._providers[each.provider] for each in route.to]
        first = providers[0]
        for each in providers if len({each.dialect for each in providers}) > 1 else ():
            if not self._signers[each.name].own:
                raise ConfigError(
                    f"route {route.model} leads to several dialects, and {each.name} has no key of its own",
                    f"Set the provider's key ({each.api_key_env or 'api_key_env'}): a key for one vendor is none for another.",
                )
        for fallback in (self._providers[each.provider] for each in route.to[1:]):
            if fallback.vendor != first.vendor and not self._signers[fallback.name].own:
                named = fallback.api_key_env or "api_key_env"
                raise ConfigError(
                    f"route {route.model}: callers' keys for {first.name} would be shown to its fallback {fallback.name}",
                    f"Give the provider {fallback.name} a key of its own ({named}), or take it out of the route.",
                )

    # --- finding ------------------------------------------------------------------------------------------------------------------

    def _found(self, method: bytes, target: bytes, model: str | None, *, anthropic: bool) -> Found:
        refusal = _refusal(method, target, model)
        if refusal is not None:
            return refusal
        path = target.decode("ascii")
        first, _, rest = path[1:].partition("/")
        named = self._providers.get(first)
        if named is not None and not (path.startswith(_DEPLOYMENTS) and self._native("azure")):
            return (self._target(named, method, f"/{rest}", model, None),)
        chosen = self._chosen(method, path, model, anthropic=anthropic)
        if isinstance(chosen, NoTarget):
            return chosen
        return tuple(self._aimed(each, method, path, model, anthropic=anthropic) for each in chosen)

    def _aimed(self, to: RouteTarget, method: bytes, path: str, model: str | None, *, anthropic: bool) -> Target:
        """One target, translated to where its provider speaks another dialect than the caller."""
        provider = self._providers[to.provider]
        bare = path.partition("?")[0]
        foreign = path.startswith("/v1/") and provider.dialect != _dialect(path, anthropic=anthropic)
        translation = TRANSLATIONS.get((bare, provider.dialect)) if foreign else None
        if translation is None:
            return self._target(provider, method, path, model, to.model)
        target = self._target(provider, method, translation.there, model, to.model)
        return replace(target, translation=translation, longest=to.max_tokens or LONGEST_ANSWER)

    def _chosen(self, method: bytes, path: str, model: str | None, *, anthropic: bool) -> Sequence[RouteTarget] | NoTarget:
        """Who answers a path that names no provider."""
        native = next((vendor for pattern, vendor in _NATIVE if pattern.match(path)), None)
        if native is not None:
            able = self._native(native)
            in_path = unquote(model_in(path, bedrock=native == "bedrock")) or None
            return self._able(able, in_path, f"provider of the vendor {native}")
        if path.startswith("/v1/"):
            dialect = _dialect(path, anthropic=anthropic)
            able = [each for each in self._providers.values() if each.dialect == dialect]
            return self._able(able, model, f"provider of the {dialect} dialect", path if method == b"POST" else "")
        names = ", ".join(f"/{name}/..." for name in self._providers)
        return NoTarget(_NOT_FOUND, f"No path like this one. There are /v1/... and {names}.")

    def _native(self, vendor: str) -> list[ProviderSettings]:
        """The providers that understand a vendor's own paths."""
        return [
            each for each in self._providers.values() if each.vendor == vendor and (vendor == "azure" or each.dialect == "native")
        ]

    def _able(
        self, able: Sequence[ProviderSettings], model: str | None, what: str, path: str = ""
    ) -> Sequence[RouteTarget] | NoTarget:
        """Who of those that understand a request answers for its model, and who of the others once it is translated."""
        names = {each.name for each in able}
        matching = [] if model is None else [each for each in self._routes if fnmatchcase(model, each.model)]
        routed = next((found for each in matching if (found := self._usable(each, path, names))), None)
        if routed is not None:
            return routed
        if not able:
            return NoTarget(_NOT_FOUND, f"No {what} is configured.")
        if model is None:
            return (RouteTarget(able[0].name),)
        prefix, _, rest = model.partition("/")
        listing = (each for each in able if any(fnmatchcase(model, pattern) for pattern in each.models))
        open_to_all = (each for each in able if not each.models)
        return (
            _only(next(listing, None))
            or ((RouteTarget(prefix, rest),) if rest and prefix in names else None)
            or _only(next(open_to_all, None))
            or NoTarget(_NOT_FOUND, f"No {what} serves the model {model}.")
        )

    def _translates(self, to: RouteTarget, path: str) -> bool:
        """A vendor of another dialect needs a key of ours: the caller's is for another vendor."""
        known = (path.partition("?")[0], self._providers[to.provider].dialect) in TRANSLATIONS
        return known and self._signers[to.provider].own

    def _usable(self, route: Route, path: str, names: set[str]) -> tuple[RouteTarget, ...]:
        """The targets of a route that can answer calls to this path, those of another dialect once the call is translated."""
        if route.model == "*" and not any(to.provider in names for to in route.to):
            return ()
        return tuple(to for to in route.to if to.provider in names or (path and self._translates(to, path)))

    def _target(self, provider: ProviderSettings, method: bytes, path: str, model: str | None, renamed: str | None) -> Target:
        base = urlsplit(provider.base_url)
        bedrock = provider.vendor == "bedrock"
        at_vendor = below(_base_path(provider, base.path, path), path, versioned=provider.dialect == "openai")
        in_path = bool(model_in(at_vendor, bedrock=bedrock))
        if in_path and renamed is not None:
            at_vendor = with_model(at_vendor, renamed, bedrock=bedrock)
        bare = at_vendor.partition("?")[0]
        url = f"{base.scheme}://{base.netloc}{bare}"
        address = self._addresses[provider.name]
        vendor = provider_of(provider.vendor)
        said = vendor.address(url)
        api = vendor.api(said.api or _invoked(provider, bare))
        free = _FREE.search(bare) is not None
        return Target(
            provider=provider,
            vendor=provider.vendor,
            dialect=provider.dialect,
            api=api.name if api is not None else "",
            address=address,
            host_header=base.netloc.encode(),
            path=_sent(address, base.netloc, at_vendor),
            url=url,
            model_in_url=said.model or unquote(model_in(bare, bedrock=bedrock)) or None,
            rename=renamed if renamed != model and not in_path else None,
            binary=bedrock and _BINARY.search(bare) is not None,
            metered=api is not None and method == b"POST" and not free and _UNREAD.search(bare) is None,
            free=free,
            context=dict(said.context) | ({"region": provider.region} if provider.region else {}),
            labels=(("provider", provider.name),),
        )


def _refusal(method: bytes, target: bytes, model: str | None) -> NoTarget | None:
    """Why a request is not forwarded to anybody."""
    if method not in _METHODS:
        return NoTarget(_NOT_ALLOWED, "This method is not forwarded.")  # TRACE would show the vendor's key to the caller
    if len(model or "") > _LONGEST_MODEL:
        return NoTarget(_BAD_REQUEST, f"The model's name has more than {_LONGEST_MODEL} characters.")
    fault = fault_of(target)
    return NoTarget(_BAD_REQUEST, fault) if fault else None


def _dialect(path: str, *, anthropic: bool) -> str:
    """What the caller of a `/v1/` path speaks."""
    return "anthropic" if anthropic or path.startswith("/v1/messages") else "openai"


def _only(provider: ProviderSettings | None) -> tuple[RouteTarget, ...] | None:
    return None if provider is None else (RouteTarget(provider.name),)


def _base_path(provider: ProviderSettings, base: str, path: str) -> str:
    """The base path of a provider. At Azure `/v1` lies below `/openai`, and one resource serves both this and the older paths."""
    return "/openai/v1" if provider.vendor == "azure" and base in ("", "/openai") and path.startswith("/v1/") else base


def _invoked(provider: ProviderSettings, path: str) -> str:
    """The API of a model that is invoked by its own vendor's body; the address of other calls says it."""
    if provider.vendor != "bedrock" or not path.endswith(("/invoke", "/invoke-with-response-stream")):
        return ""
    return "anthropic" if "anthropic." in path else "bedrock_invoke"


def _sent(address: Address, authority: str, path: str) -> bytes:
    """What stands in the request line: the path, but the whole address where a proxy forwards a call that is not encrypted."""
    return (path if address.tls or address.proxy is None else f"http://{authority}{path}").encode()
