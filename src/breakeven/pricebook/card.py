"""The rate card: what every unit of every model costs, at any instant, in any context, as known at any time.

The same card serves both ways of pricing. Live: `rate(card.quote(key), usage)`. In SQL: one quote for each distinct provider,
model, context, time bucket and input band, multiplied with the quantities there; a price is constant inside a bucket (`bucket`)
and band.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from breakeven.errors import Problem
from breakeven.pricebook.catalogue import Model, Release, price_rows
from breakeven.pricebook.names import PROVIDER_NAMES, ProviderIndex, spellings
from breakeven.pricebook.rating import PricingKey, Quote, QuoteLine
from breakeven.pricebook.rows import EVERY_MODEL, TOOL_CLASSES, Adjustment, Alias, Declared, Layer, PriceRow, scaled
from breakeven.pricebook.timeline import Timeline

__all__ = ["PricingKey", "Quote", "QuoteLine", "RateCard"]
_LOCAL = frozenset({"ollama", "vllm", "local", "llamacpp", "llama.cpp", "lmstudio", "sglang", "tgi"})
_MOST_QUOTES = 50_000
_MATCH_NAMES = {"host": "base_url_host"}


@dataclass(frozen=True, slots=True)
class Listed:
    """One model of the card, for lists: whose it is, its name, how many dated rows, and which layers speak about it."""

    provider: str
    model: str
    rows: tuple[PriceRow, ...]


class RateCard:
    """Prices in three layers, per unit: the user's overlay over our corrections over the archived base catalogue."""

    def __init__(self, releases: Sequence[Release], layers: Sequence[Layer] = ()) -> None:
        self._releases = tuple(releases)
        self._layers = tuple(layers)
        self._indexes = [
            {provider.id: ProviderIndex(provider) for provider in release.archive.providers} for release in self._releases
        ]
        self._rows: dict[tuple[str, str], list[PriceRow]] = {}
        for row in (row for layer in layers for row in layer.rows):
            self._rows.setdefault((row.provider, row.model), []).append(row)
        self._withdrawn = frozenset[tuple[str, str]]().union(*(layer.withdrawn for layer in layers))
        self._adjustments: tuple[Adjustment, ...] = tuple(item for layer in layers for item in layer.adjustments)
        self._aliases: tuple[Alias, ...] = tuple(item for layer in layers for item in layer.aliases)
        self._pass_through = {pair: home for layer in layers for pair, home in layer.pass_through.items()}
        self._kinds = {pair: kind for layer in layers for pair, kind in layer.kinds.items()}
        self.declared: tuple[Declared, ...] = tuple(item for layer in layers for item in layer.declared)
        self.thresholds = tuple(sorted(set(self._thresholds())))
        """Every long-context threshold of the whole card, in order."""
        periods = [(item.start, item.end) for item in self._adjustments] + [(item.start, item.end) for item in self._aliases]
        self._edges = sorted({edge for period in periods for edge in period if edge is not None})
        self._quotes: dict[tuple[object, ...], Quote] = {}
        self._timelines: dict[tuple[str, str], Timeline | None] = {}
        self._instants: dict[tuple[str, str], tuple[datetime, ...]] = {}

    @property
    def version(self) -> str:
        """Which releases and layers the card is made of."""
        return " + ".join((*(release.name for release in self._releases), *(layer.name for layer in self._layers)))

    def quote(self, key: PricingKey) -> Quote:
        """What each class costs; `problem` says why there is no price, with the remedy.

        Between two dated changes, and within an input band, the answer of a model without windows of the week is the same one.
        """
        timeline = self.timeline(key.provider, key.model)
        if timeline is None or timeline.has_windows or self._aliases:
            return self._quoted(key)
        epoch = bisect_right(timeline.edges, key.at), bisect_right(self._edges, key.at)
        known = (key.provider, key.model, key.context, epoch, bisect_left(self.thresholds, key.total_input_tokens))
        quote = self._quotes.get(known)
        if quote is None:
            quote = self._quoted(key)
            if quote.problem is None:
                if len(self._quotes) >= _MOST_QUOTES:
                    self._quotes.clear()
                self._quotes[known] = quote
        return quote

    def _quoted(self, key: PricingKey) -> Quote:
        provider = PROVIDER_NAMES.get(key.provider.lower(), key.provider.lower())
        facts = _facts(provider, key)
        name = self._aliased(provider, key, facts)
        timeline = self.timeline(provider, name)
        if timeline is None:
            return Quote("", problem=self._unknown(key.provider, provider, name))
        if not timeline.has_standard_price(key.at):
            what = f"{provider} {timeline.model} has no price at {key.at.isoformat()}Z"
            return Quote(timeline.model, problem=Problem(f"{provider}/{name}", what, _add_remedy(provider, timeline.model)))
        facts["model"] = timeline.model
        facts.setdefault("model_kind", self._kinds.get((provider, timeline.model), ""))
        services = timeline.services(facts, key.at)
        missing = timeline.unknown_service(facts, services)
        if missing is not None:
            what = f"{provider} {timeline.model} has no price for {missing[0]} {missing[1]}"
            remedy = f"Add a price with 'when: {{{missing[0]}: {missing[1]}}}' to your price file."
            return Quote(timeline.model, problem=Problem(f"{provider}/{name}", what, remedy))
        lines = self._lines(timeline, key, services, facts, name)
        first = lines.get("input") or next(iter(lines.values()), ())
        return Quote(timeline.model, lines, first[0].price_version if first else "")

    def _lines(
        self, timeline: Timeline, key: PricingKey, services: Sequence[PriceRow], facts: Mapping[str, str], name: str
    ) -> dict[str, tuple[QuoteLine, ...]]:
        adjustments = [item for item in self._adjustments if _applies(item, key.at, facts, name)]
        lines: dict[str, tuple[QuoteLine, ...]] = {}
        for usage_class in timeline.classes:
            found = timeline.price(usage_class, key.at, services)
            if found is not None:
                price, row = found
                listed = QuoteLine(usage_class, "list", price.of_request(key.total_input_tokens), row.version, row.note)
                lines[usage_class] = (listed, *_adjusted(listed, adjustments))
        return lines

    def timeline(self, provider: str, model: str) -> Timeline | None:
        """The price history that a model's name leads to, or None where the book does not know the name."""
        provider = PROVIDER_NAMES.get(provider.lower(), provider.lower())
        key = (provider, model)
        if key not in self._timelines:
            self._timelines[key] = self._built(provider, model)
        return self._timelines[key]

    def context_window(self, provider: str, model: str) -> int | None:
        """How many tokens a model takes at most, question and answer together, as the newest release says; None: unknown."""
        provider = PROVIDER_NAMES.get(provider.lower(), provider.lower())
        _, entries = self._entries(provider, spellings(provider, model))
        return next((found.window for _, found in reversed(entries) if found.window is not None), None)

    def breakpoints(self, provider: str, model: str) -> tuple[datetime, ...]:
        """Instants off the full UTC hour at which this model's price may change."""
        key = (provider, model)
        if key not in self._instants:
            timeline = self.timeline(provider, model)
            off_hour = {edge for edge in self._edges if edge.minute or edge.second or edge.microsecond}
            self._instants[key] = tuple(sorted(off_hour | set(timeline.instants() if timeline else ())))
        return self._instants[key]

    def bucket(self, provider: str, model: str, at: datetime) -> datetime:
        """The start of the span around `at` in which this model's price is constant: the full hour, or a later breakpoint."""
        hour = at.replace(minute=0, second=0, microsecond=0)
        instants = self.breakpoints(provider, model)
        position = bisect_right(instants, at)
        return max(hour, instants[position - 1]) if position else hour

    def models(self) -> Iterator[Listed]:
        """Every model that any layer prices."""
        known = {(provider, model) for index in self._indexes for provider, entry in index.items() for model in entry.models}
        known |= {(provider, model) for provider, model in self._rows if model != EVERY_MODEL}
        for provider, model in sorted(known):
            timeline = self.timeline(provider, model)
            if timeline is not None and timeline.model == model:
                yield Listed(provider, model, timeline.rows)

    def _built(self, provider: str, model: str) -> Timeline | None:
        names = spellings(provider, model)
        home, entries = self._entries(provider, names)
        passed = self._passed_through(provider, entries[-1][1].id if entries else model)
        if passed is not None:
            return self._routed(provider, names, entries, passed)
        canonical = entries[-1][1].id.lower() if entries else next((name for name in names if (provider, name) in self._rows), "")
        if not canonical:
            return None
        wanted = tuple(dict.fromkeys((*names, canonical)))
        own = [row for name in wanted for row in self._rows.get((provider, name), ())]
        rows = [*own, *self._rows.get((provider, EVERY_MODEL), ())]
        if home != provider:
            borrowed = [row for name in wanted for row in self._rows.get((home, name), ())]
            rows += [_without_tools(row) for row in (*borrowed, *self._rows.get((home, EVERY_MODEL), ()))]
        if (home, canonical) not in self._withdrawn:
            base = _dated(home, entries, self._releases)
            rows += [_without_tools(row) for row in base] if home != provider else base
        extended = [item for layer in self._layers for item in layer.extended if item.provider == home]
        return Timeline(canonical, rows, wanted, extended)

    def _passed_through(self, provider: str, model: str) -> Timeline | None:
        """The history of the vendor whose list prices a router passes on for `vendor/model`."""
        vendor, _, rest = model.partition("/")
        home = self._pass_through.get((provider, vendor.lower()))
        passed = self.timeline(home, rest) if home and rest else None
        return passed if passed is not None and any(row.units and row.model != EVERY_MODEL for row in passed.rows) else None

    def _routed(self, router: str, names: Sequence[str], entries: Sequence[tuple[int, Model]], passed: Timeline) -> Timeline:
        """The vendor's history under the router's name, with the router's own fees and whatever the user says of the router."""
        canonical = entries[-1][1].id.lower() if entries else names[0]
        wanted = tuple(dict.fromkeys((*names, canonical)))
        own = [row for name in wanted for row in self._rows.get((router, name), ())]
        vendor = [replace(row, model=canonical if row.model != EVERY_MODEL else row.model) for row in passed.rows]
        return Timeline(canonical, [*own, *self._rows.get((router, EVERY_MODEL), ()), *vendor], wanted)

    def _entries(self, provider: str, names: Sequence[str]) -> tuple[str, list[tuple[int, Model]]]:
        """In each release the entry that the names lead to, of this provider or of the one whose prices it takes."""
        newest = next((index[provider] for index in reversed(self._indexes) if provider in index), None)
        for home in (provider, *(newest.fallback if newest else ())):
            found = [
                (position, model)
                for position, index in enumerate(self._indexes)
                if home in index and (model := index[home].find(names)) is not None
            ]
            if found or any((home, name) in self._rows for name in names):
                return home, found
        return provider, []

    def _aliased(self, provider: str, key: PricingKey, facts: Mapping[str, str]) -> str:
        for alias in self._aliases:
            given = {**facts, "arn": facts.get("arn") or key.model, "name": key.model}
            in_force = (alias.start is None or key.at >= alias.start) and (alias.end is None or key.at < alias.end)
            same = PROVIDER_NAMES.get(alias.provider, alias.provider) == provider
            if same and in_force and all(given.get(name, "").lower() == value.lower() for name, value in alias.match.items()):
                return alias.model
        return key.model

    def _thresholds(self) -> Iterator[int]:
        archived = (row for r in self._releases for p in r.archive.providers for model in p.models for row in model.rows)
        for row in archived:
            for price in row.units.values():
                yield from (over for over, _ in price.tiers)
        for rows in self._rows.values():
            yield from (over for row in rows for price in row.units.values() for over, _ in price.tiers)

    def _unknown(self, given: str, provider: str, name: str) -> Problem:
        where = f"{given}/{name}"
        declared = next((item for item in self.declared if item.section == "self_hosted"), None)
        if provider in _LOCAL:
            hint = f" ({declared.name} is declared as self-hosted)" if declared else ""
            what = f"{given} is self-hosted and has no price per token{hint}"
            return Problem(where, what, "Enter its machines as a fixed cost, or add a price per token to your price file.")
        if not any(provider in index for index in self._indexes) and not any(row == provider for row, _ in self._rows):
            return Problem(where, f"the price book has no provider {given!r}", _add_remedy(provider, name))
        return Problem(where, f"the price book has no model {name!r} of {provider}", _add_remedy(provider, name))


def _add_remedy(provider: str, model: str) -> str:
    return f"Run: breakeven prices add {provider} {model or 'MODEL'} --from INSTANT --input PRICE --output PRICE --source SOURCE"


def _facts(provider: str, key: PricingKey) -> dict[str, str]:
    facts = {name: value for name, value in key.context if value}
    for name, other in _MATCH_NAMES.items():
        if name in facts:
            facts.setdefault(other, facts[name])
    for name in ("service_tier", "processing", "speed", "inference_geo"):
        if name in facts:
            facts[name] = facts[name].lower().replace("-", "_")
    if facts.get("service_tier") == "batch":
        facts["processing"] = facts.pop("service_tier")
    facts["provider"] = provider
    return facts


def _applies(item: Adjustment, at: datetime, facts: Mapping[str, str], name: str) -> bool:
    in_force = (item.start is None or at >= item.start) and (item.end is None or at < item.end)
    given = PROVIDER_NAMES.get(name, name)
    return in_force and (item.match.holds(facts) or item.match.holds({**facts, "model": given.lower()}))


def _adjusted(listed: QuoteLine, adjustments: Iterable[Adjustment]) -> Iterator[QuoteLine]:
    """Each adjustment acts on the price that the ones before it left, and shows only its own difference."""
    running = listed.unit_price
    for item in adjustments:
        if listed.usage_class in item.classes:
            difference = scaled(running, item.factor) - running
            running += difference
            yield QuoteLine(listed.usage_class, f"{item.kind}:{item.name}", difference, item.version)


def _without_tools(row: PriceRow) -> PriceRow:
    """A row of another provider without its tool fees: who hosts a model charges its own fees for tools."""
    if not TOOL_CLASSES & row.units.keys():
        return row
    return replace(row, units={name: price for name, price in row.units.items() if name not in TOOL_CLASSES})


def _dated(home: str, entries: Sequence[tuple[int, Model]], releases: Sequence[Release]) -> list[PriceRow]:
    """The base rows, each release clipped to the time from which it holds; a release that repeats the one before adds nothing."""
    kept: list[tuple[Model, Release]] = []
    for position, model in entries:
        if not kept or kept[-1][0].rows != model.rows:
            kept.append((model, releases[position]))
    rows: list[PriceRow] = []
    for number, (model, release) in enumerate(kept):
        start = release.valid_from if number else None
        end = kept[number + 1][1].valid_from if number + 1 < len(kept) else None
        rows += [row for raw in price_rows(home, model, release.name) if (row := _clipped(raw, start, end)) is not None]
    return rows


def _clipped(row: PriceRow, start: datetime | None, end: datetime | None) -> PriceRow | None:
    starts = [edge for edge in (row.start, start) if edge is not None]
    ends = [edge for edge in (row.end, end) if edge is not None]
    clipped = replace(row, start=max(starts, default=None), end=min(ends, default=None))
    empty = clipped.start is not None and clipped.end is not None and clipped.start >= clipped.end
    return None if empty else clipped
