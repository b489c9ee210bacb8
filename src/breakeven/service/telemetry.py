"""Pushing sealed segments to an OpenTelemetry receiver, in threads of their own: one that is away holds up no books.

Where a push has come to stands in a file per signal beside the ledger, written after the receiver has taken a request. A kill in
between repeats that request: spans with the same ids, metrics with the same values at the same instants. Nothing is left out, since
segments wait, sealed, for as long as it takes.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from breakeven.errors import BreakevenError, ConfigError, LedgerDamaged
from breakeven.exchange.exporters.otlpsealed import Place, Series, grown, instant, metric_bodies, spans
from breakeven.exchange.sinks.port import NotSent
from breakeven.exchange.sinks.posting import post
from breakeven.ledger.layout import Layout, write_durably
from breakeven.ledger.seals import read_manifest, segment_numbers
from breakeven.settings import load_settings
from breakeven.settings.telemetry import Signal, TelemetrySettings

LONGEST_PAUSE = 300.0
POST_SECONDS = 10.0
LEAVING_SECONDS = 2.0
DIRECTORY = "telemetry"
PATHS: Mapping[Signal, str] = {"spans": "v1/traces", "metrics": "v1/metrics"}
EMPTY: Mapping[Signal, bytes] = {"spans": b'{"resourceSpans":[]}', "metrics": b'{"resourceMetrics":[]}'}
"""A request that brings nothing, to see whether it would be taken."""


class Mark(msgspec.Struct, frozen=True):
    """How far one signal has come: every segment up to `segment`, and of the next one every call up to `place`.

    `start` and `at`: since when metrics are summed up, and the instant of the latest, in nanoseconds.
    """

    segment: int
    place: Place | None = None
    start: int = 0
    at: int = 0
    series: dict[str, Series] = {}


class Telemetry:
    """Pushes what is sealed to where the configuration says, until told to stop; without `telemetry` it rests."""

    def __init__(self, layout: Layout, config: Path | None, environment: Mapping[str, str] = os.environ) -> None:
        self._layout = layout
        self._config = config
        self._environment = environment
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin, where a configuration may ask for it: a thread for each signal, so that neither waits for the other."""
        if self._config is not None:
            self._threads = [
                threading.Thread(target=self._run, args=(signal,), name=f"telemetry {signal}", daemon=True) for signal in PATHS
            ]
            for thread in self._threads:
                thread.start()

    def close(self) -> None:
        """Stop after what is being sent just now; what was not taken is sent by the next process."""
        self._stop.set()
        for thread in self._threads:
            thread.join(LEAVING_SECONDS)

    def _run(self, signal: Signal) -> None:
        pause, told = 1.0, ""
        while not self._stop.wait(pause):
            try:
                pause = self._round(signal)
                told = ""
            except Exception as error:  # noqa: BLE001 - pushing must not end with the first fault of a network
                after = error.after if isinstance(error, NotSent) else None
                pause = max(after or 0.0, min(LONGEST_PAUSE, max(1.0, pause * 2)))
                what = f"{error.what}. {error.remedy}" if isinstance(error, BreakevenError) else f"{type(error).__name__}: {error}"
                if what != told:
                    told = what
                    print(f"breakeven: telemetry ({signal}) waits and is tried again: {what}", file=sys.stderr, flush=True)  # noqa: T201 - the supervisor's log

    def _round(self, signal: Signal) -> float:
        """Push what there is; returns how long to rest."""
        wanted = load_settings(self._config).telemetry
        if wanted is None or signal not in wanted.send:
            return 5.0
        push(self._layout, wanted, signal, self._environment, self._stop.is_set)
        return wanted.every


def push(
    layout: Layout, wanted: TelemetrySettings, signal: Signal, environment: Mapping[str, str], stopped: Callable[[], bool]
) -> None:
    """Push every segment that is sealed and not taken yet, in order. Raises NotSent, ConfigError, LedgerDamaged."""
    url, headers = f"{wanted.endpoint}/{PATHS[signal]}", header_values(wanted, environment)
    mark = read_mark(layout, signal) or _first(layout, signal)
    for number in sorted(each for each in segment_numbers(layout) if each > mark.segment):
        manifest = read_manifest(layout.manifest(number))
        if signal == "spans":
            for body, _, place in spans(layout, manifest, mark.place, users=wanted.users):
                if stopped():
                    return
                post(url, body, headers, POST_SECONDS)
                mark = msgspec.structs.replace(mark, place=place)
                _write(layout, signal, mark)
            mark = Mark(number)
        else:
            at = max(instant(manifest), mark.at + 1)  # of two segments of one instant the later one holds
            mark = Mark(number, None, mark.start, at, grown(layout, manifest, mark.series))
            for body in metric_bodies(list(mark.series.values()), mark.start, at):
                if stopped():
                    return
                post(url, body, headers, POST_SECONDS)
        _write(layout, signal, mark)


def header_values(wanted: TelemetrySettings, environment: Mapping[str, str]) -> dict[str, str]:
    """The headers with the values of their variables. Raises ConfigError where one is not set."""
    found: dict[str, str] = {}
    for name, variable in wanted.headers.items():
        value = environment.get(variable, "").strip()
        if not value or not value.isprintable():
            raise ConfigError(
                f"the variable {variable} (telemetry: headers: {name}) is not set to one line",
                f"Set {variable} in the environment of `breakeven serve` and restart it.",
            )
        found[name] = value
    return found


def read_mark(layout: Layout, signal: Signal) -> Mark | None:
    """How far a signal has come; None where it has not begun. Raises LedgerDamaged."""
    path = _path(layout, signal)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Mark)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise LedgerDamaged(
            f"{path} is damaged: {error}", "Delete it: pushing begins anew with what is sealed from then on."
        ) from None


def _first(layout: Layout, signal: Signal) -> Mark:
    """Where it begins: behind what is sealed already, which `breakeven export otlp` sends. Written before anything is sent."""
    start = time.time_ns()
    mark = Mark(max(segment_numbers(layout), default=0), start=start, at=start)
    _path(layout, signal).parent.mkdir(exist_ok=True)
    _write(layout, signal, mark)
    return mark


def _write(layout: Layout, signal: Signal, mark: Mark) -> None:
    write_durably(_path(layout, signal), msgspec.json.encode(mark))


def _path(layout: Layout, signal: Signal) -> Path:
    return layout.root / DIRECTORY / f"{signal}.json"
