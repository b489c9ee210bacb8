"""What `breakeven doctor` looks at: each part that has to be there for the product to work, and how to mend the one that is not.

A check yields findings and raises nothing: what it meets becomes a finding with a remedy. Nothing is changed, no secret is shown,
and no model vendor is reached unless that is asked for.
"""

from __future__ import annotations

import os
import shutil
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from breakeven.accounts.address import redis_address
from breakeven.errors import BreakevenError, ConfigError
from breakeven.exchange.sinks import open_sink
from breakeven.exchange.sinks.posting import post
from breakeven.exchange.sinks.webhook import address, variable
from breakeven.gateway.preparation import prepared
from breakeven.gateway.proxies import address_of
from breakeven.gateway.rundir import RunDirectory
from breakeven.gateway.signing import signer_of
from breakeven.ledger import open_ledger
from breakeven.ledger.layout import Layout
from breakeven.ledger.seals import segment_numbers
from breakeven.service.checkrungs import ladders_told
from breakeven.service.telemetry import EMPTY, PATHS, header_values, read_mark
from breakeven.settings import Settings, SinkSettings, load_settings
from breakeven.web.pages import STATIC

State = Literal["fine", "warning", "fault"]
PATIENCE_SECONDS = 3.0
LEAST_FREE_BYTES = 2 * 1024**3
"""Below this a ledger that grows and seals may soon have no room; DuckDB also spills to the same disk."""


class Finding(msgspec.Struct, frozen=True):
    """What one look found: the part looked at, how it is, in words, and what to do where it is not fine."""

    part: str
    state: State
    what: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Bench:
    """What is looked at: the settings, the ledger's directory, the ports to be used, and the environment's variables."""

    settings: Settings
    ledger: Path
    web_port: int = 4001
    reach_vendors: bool = False
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)


def examine(
    config: Path | None, ledger: Path | None, default: Path, *, web_port: int = 4001, reach_vendors: bool = False
) -> list[Finding]:
    """Look at everything, in the order in which it has to work; a faulty configuration is told alone, since all else rests on it.

    `ledger` is the directory asked for, None where the configuration or else `default` decides.
    """
    try:
        settings = load_settings(config)
    except BreakevenError as error:
        return [*_told("configuration", error)]
    bench = Bench(settings, ledger or settings.ledger or default, web_port, reach_vendors)
    return [finding for check in CHECKS for finding in check(bench)]


def configuration(bench: Bench) -> Iterator[Finding]:
    """Where the configuration is, and what it warns of."""
    settings = bench.settings
    if settings.config is None:
        yield Finding("configuration", "warning", "there is no breakeven.yaml; defaults hold", "breakeven start")
        return
    yield Finding("configuration", "fine", f"{settings.config}: {len(settings.features)} features, {len(settings.budgets)} budgets")
    yield from (Finding("configuration", "warning", f"{each.where}: {each.what}", each.remedy) for each in settings.warnings)


def ledger(bench: Bench) -> Iterator[Finding]:
    """Whether the ledger opens, what it holds, and whether its disk has room."""
    if not Layout(bench.ledger).identity.is_file():
        remedy = "breakeven serve, or breakeven import FORMAT FILE, makes it"
        yield Finding("ledger", "warning", f"there is no ledger at {bench.ledger} yet", remedy)
    else:
        try:
            with open_ledger(bench.ledger) as opened:
                ((calls, last),) = opened.query("SELECT count(*), max(occurred_at) FROM calls")
            said = f"{bench.ledger}: {calls:,} calls" + (f", the last one at {last:%Y-%m-%d %H:%M} UTC" if last else "")
            yield Finding("ledger", "fine", said)
        except BreakevenError as error:
            yield from _told("ledger", error)
    standing = next(place for place in (bench.ledger, *bench.ledger.resolve().parents) if place.exists())
    free = shutil.disk_usage(standing).free
    if free < LEAST_FREE_BYTES:
        yield Finding("disk", "warning", f"{free / 1e9:.1f} GB are free at {standing}", "Free space, or move the ledger.")
    if not os.access(standing, os.W_OK):
        yield Finding("disk", "fault", f"{standing} cannot be written to", "Change its owner, or name another --ledger.")


def prices_and_keys(bench: Bench) -> Iterator[Finding]:
    """Whether a gateway could load prices, keys and routes. That archives prices, so it is not tried where no ledger is."""
    if not Layout(bench.ledger).identity.is_file():
        return
    try:
        prepared(bench.ledger, bench.settings.config)
    except ConfigError as error:
        if not error.what.startswith("provider "):  # each provider is told by its own check
            yield from _told("prices and keys", error)
        return
    except BreakevenError as error:
        yield from _told("prices and keys", error)
        return
    yield Finding("prices and keys", "fine", "prices, virtual keys and routes load")


def ladders(bench: Bench) -> Iterator[Finding]:
    """Whether the rungs of ladders can take what their features' calls were like; what is not known of them is said once."""
    if not Layout(bench.ledger).identity.is_file():
        return
    try:
        for one in ladders_told(bench.settings, bench.ledger):
            yield Finding("ladders", one.state, one.what, one.remedy)
    except BreakevenError as error:
        if not error.what.startswith("provider "):  # each provider is told by its own check
            yield from _told("ladders", error)


def providers(bench: Bench) -> Iterator[Finding]:
    """Whether each provider's credential is there and, where asked for, whether its address can be reached."""
    for name, provider in bench.settings.gateway.providers.items():
        part = f"provider {name}"
        try:
            way = address_of(provider, bench.environment)
            own = signer_of(provider, way, bench.environment).own
        except BreakevenError as error:
            yield from _told(part, error)
            continue
        keys = "a key of its own" if own else "the callers' own keys"
        fault = _unreachable(way.proxy or (way.host, way.port)) if bench.reach_vendors else None
        if fault is None:
            reached = ", reached" if bench.reach_vendors else ""
            yield Finding(part, "fine", f"{provider.base_url} with {keys}{reached}")
        else:
            yield Finding(
                part, "fault", f"{provider.base_url} cannot be reached: {fault}", "Check its base_url, proxy and firewall."
            )


def service(bench: Bench) -> Iterator[Finding]:
    """Whether the ledger is served and answers; else whether the ports are free to serve it."""
    serving = RunDirectory(bench.ledger).serving()
    if serving is None:
        gateway = bench.settings.gateway
        for what, host, port in (("gateway", gateway.host, gateway.port), ("dashboard", gateway.host, bench.web_port)):
            if _taken(host, port):
                option = "--gateway-port" if what == "gateway" else "--web-port"
                yield Finding(what, "fault", f"port {port} is in use by another program", f"breakeven serve {option} PORT")
            else:
                yield Finding(what, "fine", f"not running; port {port} is free")
        return
    for what, base in (("gateway", serving.gateway), ("dashboard", serving.web)):
        fault = _unready(f"{base}/health/ready")
        if fault is None:
            yield Finding(what, "fine", f"{base} is ready")
        else:
            yield Finding(what, "fault", f"{base} is not ready: {fault}", "Look at the output of `breakeven serve`.")


def dashboard(_bench: Bench) -> Iterator[Finding]:
    """Whether the dashboard's files are part of this installation."""
    if not (STATIC / "index.html").is_file():
        yield Finding("dashboard", "warning", "the dashboard was not built into this installation", "make web")


def shared_stores(bench: Bench) -> Iterator[Finding]:
    """Whether every Redis that the configuration names answers."""
    gateway = bench.settings.gateway
    for section, where in (("accounts", gateway.accounts), ("cache", gateway.cache), ("shared_keys", gateway.shared_keys)):
        if not where.shared:
            continue
        part = f"gateway.{section}"
        try:
            url = redis_address(where, bench.environment, part)
        except BreakevenError as error:
            yield from _told(part, error)
            continue
        import redis  # noqa: PLC0415 - an extra

        try:
            with redis.Redis.from_url(url, socket_timeout=PATIENCE_SECONDS, socket_connect_timeout=PATIENCE_SECONDS) as client:
                client.ping()
            yield Finding(part, "fine", "Redis answers")
        except (redis.RedisError, OSError, ValueError) as error:
            yield Finding(part, "fault", f"Redis does not answer: {error}", "Start it, or correct its address.")


def clickhouse(bench: Bench) -> Iterator[Finding]:
    """Whether the ClickHouse that the configuration names answers."""
    if bench.settings.clickhouse is None:
        return
    from breakeven.ledger.clickhouse.connection import connected  # noqa: PLC0415 - an extra

    try:
        with closing(connected(bench.settings.clickhouse.address)):
            yield Finding("ClickHouse", "fine", f"{bench.settings.clickhouse.address} answers")
    except BreakevenError as error:
        yield from _told("ClickHouse", error)


def object_store(bench: Bench) -> Iterator[Finding]:
    """Whether the bucket that segments are shipped through can be listed."""
    shipping = bench.settings.shipping
    if shipping is None:
        return
    from breakeven.service.objectstore import ObjectStore  # noqa: PLC0415 - an extra

    try:
        next(ObjectStore(shipping).names(shipping.prefix), None)
    except BreakevenError as error:
        yield from _told("shipping", error)
        return
    yield Finding("shipping", "fine", f"the bucket {shipping.bucket} can be listed")


def telemetry(bench: Bench) -> Iterator[Finding]:
    """Whether the OpenTelemetry receiver takes an empty request of every signal, and how much waits for it."""
    wanted = bench.settings.telemetry
    if wanted is None:
        return
    layout = Layout(bench.ledger)
    for signal in wanted.send:
        part = f"telemetry {signal}"
        try:
            headers = header_values(wanted, bench.environment)
            post(f"{wanted.endpoint}/{PATHS[signal]}", EMPTY[signal], headers, PATIENCE_SECONDS)
            mark = read_mark(layout, signal)
        except BreakevenError as error:
            yield from _told(part, error)
            continue
        waiting = 0 if mark is None else sum(number > mark.segment for number in segment_numbers(layout))
        yield Finding(part, "fine", f"{wanted.endpoint} answers; {waiting:,} sealed segments wait")


def sinks(bench: Bench) -> Iterator[Finding]:
    """Whether every sink of alerts has what it needs; `breakeven alerts test NAME` sends one."""
    for name, sink in bench.settings.alerts.sinks.items():
        try:
            open_sink(sink, bench.environment)
            _variables(sink, bench.environment)
        except BreakevenError as error:
            yield from _told(f"sink {name}", error)
        else:
            yield Finding(f"sink {name}", "fine", f"{sink.kind}; try it: breakeven alerts test {name}")


Check = Callable[[Bench], Iterator[Finding]]
CHECKS: Sequence[Check] = (
    configuration, ledger, prices_and_keys, ladders, providers, service, dashboard, shared_stores, clickhouse, object_store,
    telemetry, sinks,
)  # fmt: skip
"""Every check; another one is a function here and its name in this list."""


def _told(part: str, error: BreakevenError) -> Iterator[Finding]:
    problems = getattr(error, "problems", ())
    if problems:
        yield from (Finding(part, "fault", f"{each.where}: {each.what}", each.remedy) for each in problems)
    else:
        yield Finding(part, "fault", error.what.removeprefix(f"{part}: "), error.remedy)


def _variables(sink: SinkSettings, environment: Mapping[str, str]) -> None:
    """Raise NotSent for the first environment variable that a sink names and that is not set."""
    if sink.url_env is not None:
        address(sink, environment)
    for name in (sink.secret_env, sink.username_env, sink.password_env):
        if name is not None:
            variable(environment, name)


def _unreachable(place: tuple[str, int]) -> str | None:
    """Why no connection to a host and port can be made; None where it can."""
    try:
        with socket.create_connection(place, PATIENCE_SECONDS):
            return None
    except OSError as error:
        return str(error)


def _taken(host: str, port: int) -> bool:
    """Whether somebody listens at a port already; 0 means any free one."""
    if port == 0:
        return False
    with closing(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def _unready(url: str) -> str | None:
    """Why a health address does not say that all is well; None where it does."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS):  # noqa: S310 - an address of our own service
            return None
    except (urllib.error.URLError, OSError) as error:
        return str(error)
