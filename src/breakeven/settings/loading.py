"""The configuration: one frozen object, read once from `breakeven.yaml`, every message with file and line.

Policy as code: the file lives in the user's repository and is reviewed like code. Secrets stand in it only by the name of an
environment variable. No file at all means the defaults. What a later version will enforce (keys, the dashboard)
may be declared already; a warning says that this version does not enforce it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from breakeven.alignment.rollout import Plan
from breakeven.economics.allocation import DRIVERS, SPANS, FixedCost
from breakeven.economics.cost_class import COST_CLASSES, CostClassRule
from breakeven.economics.money import ATTO
from breakeven.economics.units import Review
from breakeven.economics.value import (
    COUNTED,
    DEFAULT_REALISATION,
    GRADES,
    REVENUE_DRIVERS,
    AvoidedCost,
    EventValue,
    RevenueShare,
    TimeSaved,
    UnitPrice,
    ValueModel,
)
from breakeven.errors import ConfigError, Problem
from breakeven.governance.access import Access
from breakeven.governance.budgets import Budget
from breakeven.governance.capture import CapturePolicy
from breakeven.governance.charter import Assumptions, Charter
from breakeven.governance.policy import Policy, PolicyBook, Setting
from breakeven.governance.privacy import Privacy
from breakeven.governance.schedule import Schedule
from breakeven.settings.access import access_of
from breakeven.settings.alerts import AlertSettings, alert_settings
from breakeven.settings.budgets import budgets_of
from breakeven.settings.capabilities import overreached
from breakeven.settings.charters import CHARTER_FIELDS, charter_fields
from breakeven.settings.clickhouse import ClickHouseSettings, clickhouse_of, is_clickhouse
from breakeven.settings.gateway import GatewaySettings, gateway_settings, unmet_needs, unserved_rungs
from breakeven.settings.handlers import HandlerSettings, handlers_of
from breakeven.settings.ladders import Capable, Ladder, ladder_of
from breakeven.settings.policies import attribution_target, policies_of
from breakeven.settings.privacy import privacy_of
from breakeven.settings.providers import default_providers
from breakeven.settings.reports import schedules_of
from breakeven.settings.rollouts import rollouts_of, warn_of_idle
from breakeven.settings.shipping import ShippingSettings, shipping_of
from breakeven.settings.telemetry import TelemetrySettings, telemetry_of
from breakeven.settings.web import WebSettings, web_settings
from breakeven.yamlfields import Fields, Problems, entries, items, suggestion
from breakeven.yamlfile import Node, parse_yaml, read_yaml

CURRENCY = "USD"
NOT_ENFORCED = ("keys",)
SECTIONS = (
    "ledger",
    "prices",
    "providers",
    "gateway",
    "routes",
    "features",
    "handlers",
    "budgets",
    "limits",
    "access",
    "policies",
    "attribution",
    "alerts",
    "reports",
    "cost_classes",
    "fixed_costs",
    "web",
    "privacy",
    "shipping",
    "telemetry",
    *NOT_ENFORCED,
)
FEATURE_FIELDS = (
    "owner", "unit", "description", "value", "margin_floor", "quality_floor", "error_cost", "rollouts", "budget", "review",
    "ladder", *CHARTER_FIELDS,
)  # fmt: skip
VALUE_KINDS: Mapping[str, tuple[str, ...]] = {
    "unit_price": ("price", "counts"),
    "time_saved": ("baseline_minutes", "ai_minutes", "review_minutes", "hourly_rate", "realisation", "counts"),
    "event_value": ("counts",),
    "avoided_cost": ("avoided", "baseline", "counts"),
    "revenue": ("share", "weight", "portion", "plans"),
}
REVIEW_FIELDS = ("minutes", "rework_minutes", "hourly_rate")
VALUE_FIELDS = ("id", "kind", "owner", "version", "grade", "from", "to", "why")
FIXED_COST_FIELDS = (
    "id", "amount", "currency", "from", "to", "per", "driver", "provider", "feature", "weights", "cost_class", "owner", "why",
)  # fmt: skip
COST_CLASS_FIELDS = ("class", "feature", "team", "environment", "workflow", "customer", "from", "to", "why")
_SECRET = re.compile(r"(^|_)(api_?key|secret|password|(access|auth|bearer)_?token)\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Feature:
    """What is declared about one feature: its value models, and its charter (`governance/charter.py` says what fields mean).

    `needs` is what its calls ask for that not every vendor can be given (`settings/dialects.py`).
    `prompt_cache` is how long vendors shall keep its prompts' beginnings (5m, 1h); None: it has not opted in.
    """

    name: str
    owner: str | None = None
    unit: str | None = None
    values: tuple[ValueModel, ...] = ()
    review: Review | None = None
    margin_floor: Decimal | None = None
    quality_floor: Decimal | None = None
    unit_cost_ceiling: int | None = None
    error_cost: int | None = None
    rollouts: tuple[Plan, ...] = ()
    rungs: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    assumptions: Assumptions | None = None
    retention: int | None = None
    needs: tuple[str, ...] = ()
    prompt_cache: str | None = None
    capture: CapturePolicy | None = None
    ladder: Ladder | None = None
    place: str = ""
    places: Mapping[str, str] = field(default_factory=dict)

    @property
    def charter(self) -> Charter:
        """What was declared, as the rules of governance read it."""
        return Charter(
            self.name, self.owner, self.unit, bool(self.values), self.margin_floor, self.quality_floor, self.unit_cost_ceiling,
            self.rungs, self.models, self.prompts, self.assumptions, self.retention, self.place, self.places,
            () if self.ladder is None else self.ladder.steps,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is configured. Paths are absolute or relative to the working directory, not to the file."""

    config: Path | None = None
    ledger: Path | None = None
    clickhouse: ClickHouseSettings | None = None
    overlays: tuple[Path, ...] = ()
    gateway: GatewaySettings = field(default_factory=lambda: GatewaySettings(providers=default_providers()))
    features: Mapping[str, Feature] = field(default_factory=dict)
    web: WebSettings = field(default_factory=WebSettings)
    handlers: Mapping[str, HandlerSettings] = field(default_factory=dict)
    budgets: tuple[Budget, ...] = ()
    policies: tuple[Policy, ...] = ()
    attribution_target: Decimal | None = None
    alerts: AlertSettings = field(default_factory=AlertSettings)
    reports: tuple[Schedule, ...] = ()
    cost_classes: tuple[CostClassRule, ...] = ()
    fixed_costs: tuple[FixedCost, ...] = ()
    access: Access = field(default_factory=Access)
    privacy: Privacy = field(default_factory=Privacy)
    shipping: ShippingSettings | None = None
    telemetry: TelemetrySettings | None = None
    later: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    warnings: tuple[Problem, ...] = ()

    @property
    def values(self) -> tuple[ValueModel, ...]:
        """The value models of all features."""
        return tuple(model for feature in self.features.values() for model in feature.values)

    @property
    def policy_book(self) -> PolicyBook:
        """The policies, compiled with the owners of the features; compile it once and keep it."""
        return PolicyBook(self.policies, Setting({name: feature.owner for name, feature in self.features.items()}))


def load_settings(config: Path | None) -> Settings:
    """The settings of the file `config`, or the defaults where there is none.

    Raises Unreachable where the file cannot be read and ConfigError naming every fault with file and line.
    """
    if config is None:
        return Settings()
    return _checked(read_yaml(config), config)


def parse_settings(text: str, name: str, config: Path) -> Settings:
    """The settings of a text, such as another revision's, which messages call `name`; its paths are as if it stood at `config`.

    Raises ConfigError naming every fault with file and line.
    """
    return _checked(parse_yaml(text, name), config)


def _checked(root: Node, config: Path) -> Settings:
    problems, warnings = Problems(), Problems()
    settings = _settings(root, config, problems, warnings)
    if problems.found:
        count = len(problems.found)
        raise ConfigError(
            f"{root.file} has {count} {'problem' if count == 1 else 'problems'}",
            "Correct the configuration and run the command again.",
            tuple(problems.found),
        )
    return settings


def _settings(root: Node, config: Path, problems: Problems, warnings: Problems) -> Settings:
    top = Fields(root, "the configuration", SECTIONS, problems)
    gateway = gateway_settings(top, config, problems, warnings)
    handlers = handlers_of(top, config, problems)
    capable = Capable(tuple(gateway.providers), tuple(handlers), config.parent)
    features = {
        name: _feature(name, node, capable, problems, warnings)
        for name, node in entries(top.get("features"), "features", problems).items()
    }
    for section in ("providers", "gateway", "routes", "alerts"):
        if (node := top.get(section)) is not None:
            _no_secrets(node, problems)
    models = [model for feature in features.values() for model in feature.values]
    _one_revenue_rule(models, top, problems)
    later = {name: _later(name, node, problems, warnings) for name in NOT_ENFORCED if (node := top.get(name)) is not None}
    budgets = budgets_of(top, _own_budgets(top, problems), {name: feature.owner for name, feature in features.items()}, problems)
    for name, feature in features.items():
        for what, remedy in unmet_needs(f"feature {name}", feature.needs, feature.models, gateway):
            problems.found.append(Problem(feature.places.get("needs", feature.place), what, remedy))
        if feature.ladder is not None:
            problems.found += unserved_rungs(f"feature {name}", feature.needs, feature.ladder, gateway)
            problems.found += overreached(f"feature {name}", feature.needs, feature.ladder, feature.assumptions)
    floors = {name: feature.margin_floor is not None for name, feature in features.items()}
    alerts = alert_settings(top, config, tuple(dict.fromkeys(each.id for each in budgets)), floors, problems, warnings)
    return Settings(
        config=config,
        ledger=_ledger(top, config, problems),
        clickhouse=clickhouse_of(top.get("ledger"), problems),
        overlays=_overlays(top, config, problems),
        gateway=gateway,
        features=features,
        handlers=handlers,
        access=access_of(top.get("access"), problems),
        web=web_settings(top.get("web"), problems),
        shipping=shipping_of(top.get("shipping"), problems),
        telemetry=telemetry_of(top.get("telemetry"), problems, warnings),
        privacy=privacy_of(top.get("privacy"), problems),
        budgets=budgets,
        alerts=alerts,
        reports=schedules_of(top, tuple(alerts.sinks), problems),
        policies=policies_of(top, problems),
        attribution_target=attribution_target(top, problems),
        cost_classes=tuple(_cost_class(node, problems) for node in items(top.get("cost_classes"), "cost_classes", problems)),
        fixed_costs=_fixed_costs(items(top.get("fixed_costs"), "fixed_costs", problems), problems),
        later=later,
        warnings=tuple(warnings.found),
    )


def _own_budgets(top: Fields, problems: Problems) -> dict[str, Node]:
    """The `budget` of each feature that has one."""
    found = entries(top.get("features"), "features", problems) if (node := top.get("features")) and node.mapping else {}
    return {name: own for name, node in found.items() if node.mapping and (own := node.mapping.get("budget")) is not None}


def _ledger(top: Fields, config: Path, problems: Problems) -> Path | None:
    node = top.get("ledger")
    if node is None or node.value is None:
        return None
    if isinstance(node.value, str):
        return None if is_clickhouse(node.value) else _beside(config, node.value)
    text = Fields(node, "ledger", tuple(node.mapping or ()), problems).text("path")  # `clickhouse_of` tells unknown names
    return _beside(config, text) if text else None


def _overlays(top: Fields, config: Path, problems: Problems) -> tuple[Path, ...]:
    node = top.get("prices")
    if node is None or node.value is None:
        return ()
    return tuple(_beside(config, text) for text in Fields(node, "prices", ("overlay",), problems).words("overlay"))


def _beside(config: Path, text: str) -> Path:
    """A path in the file is relative to the file, and `~` is the user's home."""
    return config.parent / Path(text).expanduser()


def _feature(name: str, node: Node, capable: Capable, problems: Problems, warnings: Problems) -> Feature:
    fields = Fields(node, f"feature {name}", FEATURE_FIELDS, problems)
    owner = fields.text("owner")
    charter = charter_fields(fields, problems)
    if charter["retention"] and "capture" not in fields and (kept := fields.get("retention")) is not None:
        warnings.add(kept, f"feature {name}: retention is declared, but no bodies are kept", "Add `capture:` to keep some.")
    models = tuple(
        model
        for item in items(fields.get("value"), f"feature {name}: value", problems)
        if (model := _value(name, owner, item, problems))
    )
    _no_overlap(models, fields)
    quality_floor = fields.number("quality_floor", high="1")
    rollouts = rollouts_of(fields.get("rollouts"), name, quality_floor, capable.folder, problems)
    ladder = ladder_of(fields.get("ladder"), name, capable, problems)
    warn_of_idle(fields.get("rollouts"), rollouts, ladder, warnings)
    return Feature(
        name=name,
        owner=owner,
        unit=fields.text("unit"),
        values=models,
        review=_review(name, fields.get("review"), problems),
        margin_floor=fields.number("margin_floor", low="-1", high="1"),
        quality_floor=quality_floor,
        error_cost=fields.money("error_cost"),
        rollouts=rollouts,
        ladder=ladder,
        **charter,
    )


def _review(feature: str, node: Node | None, problems: Problems) -> Review | None:
    """People's time on the answers: what a success costs besides the model."""
    if node is None:
        return None
    fields = Fields(node, f"feature {feature}: review", REVIEW_FIELDS, problems)
    return Review(
        fields.number("minutes") or Decimal(0),
        fields.number("rework_minutes") or Decimal(0),
        fields.money("hourly_rate", required=True) or 0,
    )


def _value(feature: str, owner: str | None, node: Node, problems: Problems) -> ValueModel | None:
    what = f"feature {feature}: value"
    kind = Fields(node, what, tuple(node.mapping or ()), problems).text("kind", required=True) if node.mapping is not None else None
    if kind is None or kind not in VALUE_KINDS:
        problems.add(node, f"{what} has the kind {kind!r}", suggestion(kind or "", tuple(VALUE_KINDS)))
        return None
    fields = Fields(node, what, VALUE_FIELDS + VALUE_KINDS[kind], problems)
    since, until = _dates(fields)
    common: dict[str, Any] = {
        "id": fields.text("id") or f"{feature}/{kind}",
        "feature": feature,
        "owner": fields.text("owner") or owner,
        "version": fields.text("version") or "1",
        "grade": fields.choice("grade", GRADES, "C"),
        "since": since,
        "until": until,
    }
    return _kind(kind, fields, common)


def _kind(kind: str, fields: Fields, common: dict[str, Any]) -> ValueModel:
    if kind == "revenue":
        portion = fields.number("portion", high="1")
        return RevenueShare(
            **common,
            driver=fields.choice("share", REVENUE_DRIVERS, "cost"),
            weight=ATTO if (weight := fields.money("weight")) is None else weight,
            portion=ATTO if portion is None else int(portion * ATTO),
            plans=fields.words("plans"),
        )
    counted = fields.choice("counts", COUNTED, "delivered")
    if kind == "unit_price":
        return UnitPrice(**common, counted=counted, price=fields.money("price", required=True) or 0)
    if kind == "avoided_cost":
        baseline = fields.text("baseline", required=True) or ""
        return AvoidedCost(**common, counted=counted, avoided=fields.money("avoided", required=True) or 0, baseline=baseline)
    if kind == "event_value":
        return EventValue(**common, counted=counted)
    realisation = fields.number("realisation", high="1")
    return TimeSaved(
        **common,
        counted=counted,
        baseline_minutes=fields.number("baseline_minutes", required=True) or Decimal(0),
        ai_minutes=fields.number("ai_minutes") or Decimal(0),
        review_minutes=fields.number("review_minutes") or Decimal(0),
        hourly_rate=fields.money("hourly_rate", required=True) or 0,
        realisation=DEFAULT_REALISATION if realisation is None else realisation,
    )


def _dates(fields: Fields, *, required: bool = False) -> tuple[Any, Any]:
    since, until = fields.instant("from", required=required), fields.instant("to")
    if since is not None and until is not None and until <= since:
        fields.fault("to", "to is not after from", "`from` is included, `to` is not; write a later date.")
    return since, until


def _no_overlap(models: tuple[ValueModel, ...], fields: Fields) -> None:
    """Two versions of one value model must not hold at once: their value would count twice."""
    for index, one in enumerate(models):
        for other in models[index + 1 :]:
            before = one.until is not None and other.since is not None and one.until <= other.since
            after = other.until is not None and one.since is not None and other.until <= one.since
            if one.id == other.id and not before and not after:
                fields.fault(
                    "value", f"value model {one.id!r} holds twice at once", "Give the versions `from` and `to` dates, or other ids."
                )


def _one_revenue_rule(models: list[ValueModel], top: Fields, problems: Problems) -> None:
    """Features share the same revenue, so that they must share it by the same rule."""
    rules = sorted({model.driver for model in models if isinstance(model, RevenueShare)})
    node = top.get("features")
    if len(rules) > 1 and node is not None:
        problems.add(
            node, f"features share revenue by different rules: {', '.join(rules)}", "Declare the same `share` for all of them."
        )


def _cost_class(node: Node, problems: Problems) -> CostClassRule:
    fields = Fields(node, "cost class", COST_CLASS_FIELDS, problems)
    fields.text("class", required=True)
    since, until = _dates(fields)
    return CostClassRule(
        cost_class=fields.choice("class", COST_CLASSES, COST_CLASSES[0]),
        feature=fields.text("feature"),
        team=fields.text("team"),
        environment=fields.text("environment"),
        workflow=fields.text("workflow"),
        customer=fields.text("customer"),
        since=since,
        until=until,
    )


def _fixed_costs(nodes: tuple[Node, ...], problems: Problems) -> tuple[FixedCost, ...]:
    costs: list[FixedCost] = []
    for node in nodes:
        cost = _fixed_cost(node, problems)
        if any(cost.id == known.id for known in costs):
            problems.add(
                node,
                f"fixed cost {cost.id!r} stands here twice",
                "Give each its own id; a new price is a new entry with later dates.",
            )
        costs.append(cost)
    return tuple(costs)


def _fixed_cost(node: Node, problems: Problems) -> FixedCost:
    fields = Fields(node, "fixed cost", FIXED_COST_FIELDS, problems)
    identity = fields.text("id", required=True) or ""
    fields.what = f"fixed cost {identity}" if identity else fields.what
    if (currency := fields.text("currency")) not in (None, CURRENCY):
        fields.fault("currency", f"currency is {currency}", f"Amounts of this ledger are in {CURRENCY}; convert at a dated rate.")
    since, until = _dates(fields, required=True)
    per = fields.choice("per", SPANS, "span")
    if per == "span" and until is None:
        fields.fault("to", "an amount for a span needs its end", "Add `to: DATE`, or `per: month`.")
    driver = fields.choice("driver", DRIVERS, "cost")
    weights = fields.weights("weights")
    if (driver == "weights") != bool(weights):
        fields.fault("weights", "weights and `driver: weights` belong together", "Add both, or neither.")
    cost_class = fields.choice("cost_class", COST_CLASSES, COST_CLASSES[0])
    return FixedCost(
        id=identity,
        amount=fields.money("amount", required=True) or 0,
        start=since,
        end=until,
        per=per,
        driver=driver,
        provider=fields.text("provider"),
        feature=fields.text("feature"),
        weights=weights,
        cost_class=cost_class,
        owner=fields.text("owner"),
    )


def _later(name: str, node: Node, problems: Problems, warnings: Problems) -> Mapping[str, Any]:
    warnings.add(node, f"section {name} is not enforced by this version", "Keep it; it is checked only for being well formed.")
    if node.mapping is None and node.value is not None:
        problems.add(node, f"section {name} is {node.kind} instead of a mapping", "Write `name:` lines with fields below each.")
        return {}
    return _plain(node, problems)


def _plain(node: Node, problems: Problems) -> Mapping[str, Any]:
    _no_secrets(node, problems)
    plain = node.plain()
    if plain is not None and not isinstance(plain, dict):
        problems.add(node, f"{node.kind} stands where a mapping is expected", "Write `name: value` lines.")
    return plain if isinstance(plain, dict) else {}


def _no_secrets(node: Node, problems: Problems) -> None:
    for name, child in (node.mapping or {}).items():
        if _SECRET.search(name) and isinstance(child.value, str):
            problems.add(
                child,
                f"{name} holds a secret in clear text",
                f"Put it into an environment variable and write {name}_env: ITS_NAME.",
            )
        _no_secrets(child, problems)
    for child in node.sequence or ():
        _no_secrets(child, problems)
