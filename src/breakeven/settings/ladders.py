"""A feature's ladder in `breakeven.yaml`: its capabilities from the cheapest up, and what makes a call climb.

ladder:
  rungs:
    - cache
    - handler: receipts
    - {model: gpt-5-mini, tier: small, parameters: {reasoning_effort: low}, timeout: 5s}
    - {model: asked, tier: frontier}
  checks:
    - schema: request
  control: 0.05
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from breakeven.alignment.caching import BOUNDARIES, CacheRules
from breakeven.alignment.checks import ORDERS, Checks
from breakeven.settings.checks import checks_of
from breakeven.settings.quantities import flag, inner, seconds, size, whole
from breakeven.yamlfields import Fields, Problems, items, suggestion
from breakeven.yamlfile import Node

ASKED = "asked"
"""As a model: the one that the caller asked for."""
CACHE, HANDLER = "cache", "handler"
TIERS = ("small", "mid", "frontier")
CLIMBS: tuple[Literal["check", "vendor", "deadline"], ...] = ("check", "vendor", "deadline")
LADDER_FIELDS = (
    "rungs", "start", "route", "climb", "deadline", "control", "skip", "baseline", "checks", "order", "cache", "context",
)  # fmt: skip
MODEL_FIELDS = ("model", "name", "tier", "provider", "parameters", "timeout", "checked", "takes", "context")
HANDLER_FIELDS = ("handler", "timeout", "checked")
CACHE_FIELDS = ("ttl", "size", "largest", "per", "temperature", "tools", "private")
CAPABILITIES = ("images", "audio", "files", "tools", "structured")
"""What a model may take beside text; *structured* is an answer that follows a schema."""
_MOST_TOKENS = 100_000_000
_SETTLED = (
    "model", "messages", "input", "system", "instructions", "stream", "stream_options", "n", "tools", "max_tokens",
    "max_completion_tokens", "max_output_tokens", "user", "metadata", "background", "store", "previous_response_id",
)  # fmt: skip
"""Members of a request that a rung must not set: they are what the caller asks."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:/-]{0,79}\Z")


@dataclass(frozen=True, slots=True)
class Rung:
    """One capability. `name` is what the ledger and the response header call it.

    `model` is None for what answers without one. `parameters` are members that the request gets besides. `timeout` is in seconds;
    None: as long as the provider may take. `checked`: the ladder's checks decide whether its answer stands. `takes`: what its model
    takes beside text; `context`: how many tokens, question and answer together; None: nothing is said.
    """

    name: str
    kind: Literal["cache", "handler", "model"]
    model: str | None = None
    handler: str | None = None
    provider: str | None = None
    tier: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    timeout: float | None = None
    checked: bool = False
    place: str = ""
    takes: tuple[str, ...] | None = None
    context: int | None = None


@dataclass(frozen=True, slots=True)
class Ladder:
    """The rungs of one feature, cheapest first; the last one answers whatever the others could not.

    `start`: the model rung at which calls begin; None: the first. `route`: the file of a trained route that chooses it for each
    call, as far as its certificate goes. `climb`: what makes a call climb beside a capability that
    declines. `deadline`: seconds after which a call goes straight to the last rung. `control`: the share of calls held there, from
    0 to 1. `header`: callers may choose by `breakeven-ladder`. `keys`: virtual keys whose calls are held at the last rung.
    `context`: how many tokens the longest of its calls need, question and answer together; None: nothing is said.
    `baseline`: the model, and its provider, against which the saving is booked; None: the one that the caller asked for.
    """

    rungs: tuple[Rung, ...]
    start: str | None = None
    climb: tuple[str, ...] = CLIMBS
    deadline: float | None = None
    control: float = 0.0
    header: bool = True
    keys: tuple[str, ...] = ()
    baseline: str | None = None
    baseline_provider: str | None = None
    checks: Checks = field(default_factory=Checks)
    cache: CacheRules = field(default_factory=CacheRules)
    place: str = ""
    route: Path | None = None
    context: int | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """What its rungs are called."""
        return tuple(rung.name for rung in self.rungs)

    @property
    def steps(self) -> tuple[tuple[str, str | None], ...]:
        """Its capabilities as governance knows them: `cache`, `handler`, or a model, each with its tier where it has one."""
        return tuple((rung.model or rung.kind, rung.tier) for rung in self.rungs if rung.model != ASKED)


class Capable(NamedTuple):
    """What ladders may name: providers, handlers, and files beside the configuration."""

    providers: tuple[str, ...] = ()
    handlers: tuple[str, ...] = ()
    folder: Path = Path()


def ladder_of(node: Node | None, feature: str, capable: Capable, problems: Problems) -> Ladder | None:
    """The ladder that a feature declares; None where it has none, or where its rungs are at fault (told in `problems`)."""
    if node is None or node.value is None:
        return None
    what = f"feature {feature}: ladder"
    fields = Fields(node, what, LADDER_FIELDS, problems)
    has_checks = fields.get("checks") is not None
    found = [_rung(item, what, capable, problems, checked=has_checks) for item in items(fields.get("rungs"), what, problems)]
    rungs = [rung for rung in found if rung is not None]
    if not found:
        fields.fault("rungs", "rungs is missing", "Name the capabilities, cheapest first: `rungs: [cache, {model: asked}]`.")
        return None
    _unique(rungs, fields)
    _ordered(rungs, fields)
    if not rungs or rungs[-1].kind != "model":
        rungs.append(Rung(ASKED, "model", ASKED, place=node.where))
    rungs[-1] = _last(rungs[-1], fields)
    order = fields.choice("order", ORDERS, "sequence")
    checks = checks_of(fields.get("checks"), what, problems, order)
    names = [rung.name for rung in rungs]
    start = _named(fields, "start", [rung.name for rung in rungs if rung.kind == "model"])
    if checks.agreement is not None and checks.agreement.rung not in names:
        fields.fault(
            "checks", f"agreement is with {checks.agreement.rung!r}, which is no rung", suggestion(checks.agreement.rung, names)
        )
    for check in checks.functions:
        if check.function not in capable.handlers:
            fields.fault("checks", f"there is no function {check.function!r}", suggestion(check.function, capable.handlers))
    skip = inner(fields, "skip", ("header", "keys"), problems)
    control = fields.number("control", high="1")
    baseline, baseline_provider = _baseline(fields, capable.providers, problems)
    deadline = seconds(fields, "deadline", 0.0) if "deadline" in fields else None
    return Ladder(
        tuple(rungs), start, _climb(fields), deadline, float(control or 0), flag(skip, "header", default=True), skip.words("keys"),
        baseline, baseline_provider, checks, _cache(inner(fields, "cache", CACHE_FIELDS, problems), rungs), node.where,
        _route(fields, capable.folder), _tokens(fields),
    )  # fmt: skip


def _route(fields: Fields, folder: Path) -> Path | None:
    text = fields.text("route")
    if text is not None and "start" in fields:
        fields.fault("start", "start and route both say where calls begin", "Keep one of them.")
    return None if text is None else folder / Path(text).expanduser()


def _rung(node: Node, what: str, capable: Capable, problems: Problems, *, checked: bool) -> Rung | None:
    if isinstance(node.value, str):
        return _short(node, what, capable, problems, checked=checked)
    if node.mapping is None:
        problems.add(node, f"{what}: a rung is {node.kind}", "Write `cache`, `handler: NAME` or `{model: NAME}`.")
        return None
    if HANDLER in node.mapping:
        fields = Fields(node, f"{what}: rung", HANDLER_FIELDS, problems)
        name = _named(fields, "handler", capable.handlers) or ""
        timeout = seconds(fields, "timeout", 0.0) if "timeout" in fields else None
        return Rung(
            f"{HANDLER}:{name}", "handler", handler=name, timeout=timeout, checked=flag(fields, "checked", default=checked),
            place=node.where,
        )  # fmt: skip
    fields = Fields(node, f"{what}: rung", MODEL_FIELDS, problems)
    model = fields.text("model", required=True) or ""
    tier = fields.choice("tier", TIERS, TIERS[0]) if "tier" in fields else None
    provider = _named(fields, "provider", capable.providers)
    name = fields.text("name") or tier or model
    if not _NAME.match(name) or name in (CACHE, "off", "ladder") or name.startswith(f"{HANDLER}:"):
        fields.fault("name", f"a rung is called {name[:80]!r}", "Use up to 80 letters, digits, spaces and . _ - : / for its name.")
    return Rung(
        name, "model", model, None, provider, tier, _parameters(fields),
        seconds(fields, "timeout", 0.0) if "timeout" in fields else None, flag(fields, "checked", default=checked), node.where,
        _known(fields, "takes", CAPABILITIES) if "takes" in fields else None, _tokens(fields),
    )  # fmt: skip


def _known(fields: Fields, name: str, known: Sequence[str]) -> tuple[str, ...]:
    """The words of a field, each of which has to be a known one."""
    words = fields.words(name)
    for word in words:
        if word not in known:
            fields.fault(name, f"{name} names {word!r}", suggestion(word, known))
    return words


def _tokens(fields: Fields) -> int | None:
    return whole(fields, "context", 1, 1, _MOST_TOKENS) if "context" in fields else None


def _short(node: Node, what: str, capable: Capable, problems: Problems, *, checked: bool) -> Rung | None:
    text = str(node.value).strip()
    if text == CACHE:
        return Rung(CACHE, "cache", place=node.where)
    if text == ASKED:
        return Rung(ASKED, "model", ASKED, checked=checked, place=node.where)
    if text.startswith(f"{HANDLER}:") and text != f"{HANDLER}:":
        name = text.removeprefix(f"{HANDLER}:").strip()
        if name not in capable.handlers:
            problems.add(node, f"{what}: there is no handler {name!r}", suggestion(name, capable.handlers))
        return Rung(f"{HANDLER}:{name}", "handler", handler=name, checked=checked, place=node.where)
    problems.add(node, f"{what}: there is no rung {text!r}", "Write `cache`, `handler:NAME`, `asked` or `{model: NAME}`.")
    return None


def _parameters(fields: Fields) -> Mapping[str, Any]:
    node = fields.get("parameters")
    if node is None or node.value is None:
        return {}
    if node.mapping is None:
        fields.fault("parameters", f"parameters is {node.kind}", "Write `name: value` lines, such as `reasoning_effort: low`.")
        return {}
    for name in node.mapping:
        if name in _SETTLED:
            fields.fault("parameters", f"parameters sets {name}, which is the caller's", "Leave it out.")
    plain = node.plain()
    return {str(name): value for name, value in plain.items()} if isinstance(plain, dict) else {}


def _unique(rungs: Sequence[Rung], fields: Fields) -> None:
    names = [rung.name for rung in rungs]
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        fields.fault("rungs", f"two rungs are called {name!r}", "Give each a `name` of its own.")


def _ordered(rungs: Sequence[Rung], fields: Fields) -> None:
    """What answers without a model comes first: it costs nothing to ask it."""
    kinds = [rung.kind for rung in rungs]
    first = next((at for at, kind in enumerate(kinds) if kind == "model"), len(kinds))
    late = next((rung for rung in rungs[first:] if rung.kind != "model"), None)
    if late is not None:
        fields.fault("rungs", f"{late.name} stands after a model", "Put the cache and handlers before the models.")
    if CACHE in kinds and kinds.index("cache") > 0:
        fields.fault("rungs", "the cache stands after a handler", "Put it first.")


def _last(rung: Rung, fields: Fields) -> Rung:
    """The last rung answers whatever it says: nothing is above it."""
    if rung.timeout is not None:
        fields.fault("rungs", f"the last rung, {rung.name}, has a timeout", "Leave it to the provider's timeouts.")
    return Rung(
        rung.name, rung.kind, rung.model, None, rung.provider, rung.tier, rung.parameters, None, checked=False, place=rung.place,
        takes=rung.takes, context=rung.context,
    )  # fmt: skip


def _named(fields: Fields, name: str, known: Sequence[str]) -> str | None:
    text = fields.text(name)
    if text is not None and text not in known:
        fields.fault(name, f"{name} is {text!r}", suggestion(text, known))
        return None
    return text


def _climb(fields: Fields) -> tuple[str, ...]:
    return _known(fields, "climb", CLIMBS) if "climb" in fields else CLIMBS


def _baseline(fields: Fields, providers: Sequence[str], problems: Problems) -> tuple[str | None, str | None]:
    node = fields.get("baseline")
    if node is None or node.mapping is None:
        text = fields.text("baseline")
        return (None if text == ASKED else text), None
    found = Fields(node, f"{fields.what}: baseline", ("model", "provider"), problems)
    return found.text("model", required=True), _named(found, "provider", providers)


def _cache(fields: Fields, rungs: Sequence[Rung]) -> CacheRules:
    base = CacheRules()
    if fields.node.mapping and not any(rung.kind == "cache" for rung in rungs):
        fields.fault("ttl", "the cache is described, and no rung is `cache`", "Add `cache` as the first rung.")
    per = fields.words("per") if "per" in fields else base.per
    if per == ("feature",):
        per = ()
    for word in per:
        if word not in BOUNDARIES:
            fields.fault("per", f"per names {word!r}", suggestion(word, (*BOUNDARIES, "feature")))
    private = fields.words("private")
    for pattern in private:
        try:
            re.compile(pattern)
        except re.error as error:
            fields.fault("private", f"private holds {pattern!r}: {error}", "Write a regular expression.")
    temperature = fields.number("temperature", high="2")
    return CacheRules(
        seconds(fields, "ttl", base.ttl), size(fields, "size", base.size), size(fields, "largest", base.largest), per,
        base.temperature if temperature is None else float(temperature), fields.words("tools"), private,
    )  # fmt: skip
