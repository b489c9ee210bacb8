"""The section `alerts`: where alerts go, and which ones are told.

alerts:
  sinks:
    team: {kind: slack, url_env: SLACK_WEBHOOK_URL}
    pager: {kind: webhook, url: https://alerts.example.com/hook, secret_env: ALERT_SECRET}
  rules:
    - {when: threshold, to: team}
    - {when: customer_cost, line: $500, to: [team, pager]}
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from breakeven.economics.money import atto
from breakeven.governance.alerts import ALERTS, AlertKind, Rule
from breakeven.settings.providers import is_local
from breakeven.settings.quantities import seconds, whole
from breakeven.yamlfields import Fields, Problems, entries, items, suggestion
from breakeven.yamlfile import Node

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints

ALERT_FIELDS = ("every", "sinks", "rules")
RULE_FIELDS = ("when", "to", "budget", "feature", "customer", "line", "target", "days")
Kind = Literal["log", "webhook", "slack", "email"]
SINK_KINDS: tuple[Kind, ...] = ("log", "webhook", "slack", "email")
SINK_FIELDS: Mapping[Kind, tuple[str, ...]] = {
    "log": ("path",),
    "webhook": ("url", "url_env", "secret_env", "ca_file", "timeout"),
    "slack": ("url_env", "ca_file", "timeout"),
    "email": ("host", "port", "security", "ca_file", "username_env", "password_env", "from", "to", "timeout"),
}
Security = Literal["starttls", "tls", "none"]
SECURITIES: tuple[Security, ...] = ("starttls", "tls", "none")
PORTS: Mapping[Security, int] = {"starttls": 587, "tls": 465, "none": 25}
EVERY = 10.0
TIMEOUT = 10.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}\Z")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_MONEY = re.compile(r"\$?\s*([0-9][0-9,_]*(?:\.[0-9]+)?)\Z")
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,4})?)\s*%\Z")
_ADDRESS = re.compile(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+\Z")


@dataclass(frozen=True, slots=True)
class SinkSettings:
    """One place that alerts go to. Which fields mean something depends on `kind`; secrets are names of environment variables."""

    name: str
    kind: Kind
    path: Path | None = None
    url: str | None = None
    url_env: str | None = None
    secret_env: str | None = None
    host: str = ""
    port: int = 0
    security: Security = "starttls"
    username_env: str | None = None
    password_env: str | None = None
    sender: str = ""
    recipients: tuple[str, ...] = ()
    ca_file: Path | None = None
    timeout: float = TIMEOUT


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """What is told, where, and how often it is looked at, in seconds. Without sinks nothing is evaluated."""

    every: float = EVERY
    sinks: Mapping[str, SinkSettings] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()

    def kinds(self) -> tuple[AlertKind, ...]:
        """The kinds that a rule asks for, ours first."""
        wanted = dict.fromkeys(rule.when for rule in self.rules)
        ours = {kind.name: kind for kind in ALERTS if kind.name in wanted}
        return (*ours.values(), *(kind for name in wanted if name not in ours and (kind := alert_kind(name)) is not None))


def alert_kind(name: str) -> AlertKind | None:
    """The kind of alert that a rule names, ours or an installed one; None where there is none."""
    return next((kind for kind in ALERTS if kind.name == name), None) or _installed_kind(name)


def alert_settings(
    top: Fields, config: Path, budgets: Sequence[str], features: Mapping[str, bool], problems: Problems, warnings: Problems
) -> AlertSettings:
    """The section, checked. `budgets` are the ids of the file's budgets, `features` says which features have a margin floor."""
    node = top.get("alerts")
    if node is None or node.value is None:
        return AlertSettings()
    fields = Fields(node, "alerts", ALERT_FIELDS, problems)
    every = seconds(fields, "every", EVERY)
    if every < 1:
        fields.fault("every", f"every is {every:g}s", "Write at least 1s.")
    found = entries(fields.get("sinks"), "alerts: sinks", problems)
    sinks = {name: sink for name, each in found.items() if (sink := _sink(name, each, config, problems, warnings)) is not None}
    if "rules" not in fields:
        return AlertSettings(every, sinks, usual_rules(tuple(sinks)))
    rules = [
        rule
        for each in items(fields.get("rules"), "alerts: rules", problems)
        if (rule := _rule(each, tuple(found), budgets, features, problems, warnings)) is not None
    ]
    return AlertSettings(every, sinks, tuple(rules))


def usual_rules(sinks: tuple[str, ...]) -> tuple[Rule, ...]:
    """What is told where no rules are written: every kind that needs no line of its own, to every sink."""
    return tuple(Rule(kind.name, sinks, days=kind.days) for kind in ALERTS if kind.usual) if sinks else ()


def _names() -> tuple[str, ...]:
    return (*(kind.name for kind in ALERTS), *(point.name for point in _installed()))


@cache
def _installed_kind(name: str) -> AlertKind | None:
    """Looked for once: it is asked at every look, and looking reads the list of every installed package."""
    for point in _installed():
        if point.name == name:
            found: AlertKind = point.load()
            return found
    return None


def _installed() -> EntryPoints:
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow to import, and seldom needed

    return entry_points(group="breakeven.alerts")


# --- sinks ------------------------------------------------------------------------------------------------------------------------


def _sink(name: str, node: Node, config: Path, problems: Problems, warnings: Problems) -> SinkSettings | None:
    what = f"alerts: sink {name}"
    if not _NAME.match(name):
        problems.add(node, f"a sink cannot be called {name!r}", "Use letters, digits, spaces and . _ -; at most 64 of them.")
    probe = Fields(node, what, tuple(node.mapping or ()), problems)
    text = probe.text("kind", required=True) if node.mapping is not None else None
    kind = next((each for each in SINK_KINDS if each == text), None)
    if kind is None:
        if text is not None:
            probe.fault("kind", f"kind is {text!r}", suggestion(text, SINK_KINDS))
        return None
    fields = Fields(node, what, ("kind", *SINK_FIELDS[kind]), problems)
    if kind == "log":
        return SinkSettings(name, kind, path=_file(fields, "path", config))
    timeout = seconds(fields, "timeout", TIMEOUT)
    if kind == "email":
        return _email(name, fields, timeout, config, warnings)
    return _hook(name, kind, fields, timeout, config, warnings)


def _hook(name: str, kind: Kind, fields: Fields, timeout: float, config: Path, warnings: Problems) -> SinkSettings:
    """A webhook. Slack's address is a secret by itself, so that it is only ever named."""
    url, url_env = fields.text("url") if kind == "webhook" else None, _variable(fields, "url_env")
    if url is None and url_env is None:
        either = "`url_env: NAME_OF_A_VARIABLE`" if kind == "slack" else "`url: https://...` or `url_env: NAME_OF_A_VARIABLE`"
        fields.fault("url_env", "it has no address", f"Add {either}.")
    if url is not None and url_env is not None:
        fields.fault("url", "url and url_env both stand here", "Keep one of them.")
    if url is not None and (fault := address_fault(url)):
        fields.fault(
            "url", f"url {fault}", "Write https://HOST/PATH; an address that holds a secret goes into a variable: url_env."
        )
        url = None
    host = "" if url is None else urlsplit(url).hostname or ""
    if url is not None and url.startswith("http:") and not is_local(host):
        warnings.add(fields.node, f"{fields.what}: alerts travel unencrypted", "Use an https:// address.")
    secret, ca_file = _variable(fields, "secret_env"), _file(fields, "ca_file", config)
    return SinkSettings(name, kind, url=url, url_env=url_env, secret_env=secret, ca_file=ca_file, timeout=timeout)


def address_fault(url: str) -> str:
    """What is wrong with an address of a webhook in the file, in words that do not repeat it; empty: nothing."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "is no address"
    if parts.scheme not in ("http", "https") or not host or port == 0 or not url.isprintable() or " " in url:
        return "is no http or https address of a host"
    return "has a user, a query or a fragment, which may be secret" if "@" in parts.netloc or "?" in url or "#" in url else ""


def _email(name: str, fields: Fields, timeout: float, config: Path, warnings: Problems) -> SinkSettings:
    security = fields.choice("security", SECURITIES, "starttls")
    host = fields.text("host", required=True) or ""
    user, password = _variable(fields, "username_env"), _variable(fields, "password_env")
    if (user is None) != (password is None):
        fields.fault("username_env", "username_env and password_env belong together", "Add both, or neither.")
    if security == "none" and host and not is_local(host):
        warnings.add(fields.node, f"{fields.what}: alerts travel unencrypted", "Use `security: starttls` or `security: tls`.")
    fields.text("from", required=True)
    if not fields.words("to"):
        fields.fault("to", "it has no recipient", "Add `to: [somebody@example.com]`.")
    return SinkSettings(
        name,
        "email",
        host=host,
        port=whole(fields, "port", PORTS[security], 1, 65_535),
        security=security,
        username_env=user,
        password_env=password,
        sender=next(iter(_addresses(fields, "from")), ""),
        recipients=_addresses(fields, "to"),
        ca_file=_file(fields, "ca_file", config),
        timeout=timeout,
    )


def _file(fields: Fields, name: str, config: Path) -> Path | None:
    """A file named relative to the configuration."""
    text = fields.text(name)
    return config.parent / Path(text).expanduser() if text else None


def _addresses(fields: Fields, name: str) -> tuple[str, ...]:
    found = fields.words(name)
    for address in found:
        if not _ADDRESS.match(address) or not address.isprintable():
            fields.fault(name, f"{name} has {address[:80]!r}, which is no address", "Write NAME@DOMAIN.")
    return found


def _variable(fields: Fields, name: str) -> str | None:
    """The name of an environment variable. What is no such name is not repeated: it may be the secret itself."""
    text = fields.text(name)
    if text is not None and not _VARIABLE.match(text):
        fields.fault(name, f"{name} is no name of an environment variable", "Write the variable's name, such as ALERT_SECRET.")
        return None
    return text


# --- rules ------------------------------------------------------------------------------------------------------------------------


def _rule(
    node: Node, sinks: tuple[str, ...], budgets: Sequence[str], features: Mapping[str, bool], problems: Problems, warnings: Problems
) -> Rule | None:
    fields = Fields(node, "alerts: rule", RULE_FIELDS, problems)
    when = fields.text("when", required=True)
    kind = None if when is None else alert_kind(when)
    if kind is None:
        if when is not None:
            fields.fault("when", f"there is no alert {when!r}", suggestion(when, _names()))
        return None
    fields.what = f"alerts: rule {kind.name}"
    _understood(fields, kind)
    rule = Rule(
        when=kind.name,
        to=_to(fields, sinks),
        budgets=_named(fields, "budget", budgets),
        features=fields.words("feature"),
        customers=fields.words("customer"),
        line=_line(fields),
        target=_target(fields),
        days=whole(fields, "days", kind.days or 1, 1, 366) if kind.days is not None else None,
        place=f"{Path(node.file).name}:{node.line}",
    )
    for name in rule.features:
        if kind.name == "margin" and not features.get(name, False):
            warnings.add(node, f"feature {name} has no margin_floor, so that this rule never tells of it", "Declare its floor.")
    return rule


def _understood(fields: Fields, kind: AlertKind) -> None:
    """A field that the kind does not look at would be believed and do nothing."""
    for name in RULE_FIELDS[2:]:
        if name in fields and name not in kind.fields:
            known = ", ".join(("when", "to", *kind.fields))
            fields.fault(name, f"{name} means nothing here", f"A rule {kind.name} knows: {known}.")
    for name in kind.required:
        if name not in fields:
            example = {"line": "line: $500", "target": "target: 98%"}.get(name, f"{name}: ...")
            fields.fault(name, f"{name} is missing", f"Add `{example}`.")


def _to(fields: Fields, sinks: tuple[str, ...]) -> tuple[str, ...]:
    """The sinks named, or all of them where none is."""
    return _named(fields, "to", sinks) or _any(fields, sinks)


def _any(fields: Fields, sinks: tuple[str, ...]) -> tuple[str, ...]:
    if not sinks:
        fields.fault("to", "there is no sink to tell", "Add one: `alerts: {sinks: {log: {kind: log}}}`.")
    return sinks


def _named(fields: Fields, name: str, known: Sequence[str]) -> tuple[str, ...]:
    words = fields.words(name)
    for word in words:
        if word not in known:
            noun = "sink" if name == "to" else name
            fields.fault(name, f"there is no {noun} {word!r}", suggestion(word, known) if known else f"Declare the {noun} first.")
    return tuple(word for word in words if word in known)


def _line(fields: Fields) -> int | None:
    text = fields.text("line")
    if text is None:
        return None
    found = _MONEY.match(text)
    try:
        amount = atto(Decimal(re.sub("[,_]", "", found[1]))) if found is not None else 0
    except ValueError:
        amount = 0
    if amount <= 0:
        fields.fault("line", f"line is {text[:40]!r}", "Write an amount above 0: `$500`.")
        return None
    return amount


def _target(fields: Fields) -> Decimal | None:
    text = fields.text("target")
    if text is None:
        return None
    found = _PERCENT.match(text)
    try:
        share = Decimal(found[1]) / 100 if found is not None else Decimal(text)
    except ArithmeticError:
        share = Decimal(-1)
    if not 0 < share <= 1:
        fields.fault("target", f"target is {text[:40]!r}", "Write a share above 0 and at most 1: 0.98, or 98%.")
        return None
    return share
