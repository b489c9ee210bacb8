"""The live part of `breakeven demo`: a real gateway before the scripted vendor, and invented callers to watch."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from breakeven.cli.tail import line_of
from breakeven.errors import Unreachable

if TYPE_CHECKING:
    from breakeven.sample.live import LiveCall

_VENDORS = "# The scripted vendor of breakeven demo, while it runs; this line and what follows is taken out again."
_START_SECONDS = 30.0
_PAUSE_SECONDS = 0.1
_CALLERS = 2
_OK = 200
WHOLE_MONTH = "2026-10"
"""The last month that the sample company planted: what the live calls of today stand beside."""
_explained: set[str] = set()


def run_live(folder: Path, seed: int, seconds: float | None) -> None:
    """Send invented live calls through a gateway and show them arrive, for so many seconds or until Ctrl-C."""
    from breakeven.ledger.following import Follower, follow
    from breakeven.ledger.store import locate
    from breakeven.testing import ScriptedUpstream

    stop = threading.Event()
    with ScriptedUpstream() as vendor, gateway_before(folder, vendor.url) as address:
        follower = Follower(locate(folder))
        click.echo(f"\nlive: gateway at {address}, before a scripted vendor; these calls are invented too", err=True)
        web = _told(folder)["web"]
        click.echo(f"live: the dashboard, the year's last whole month first: {web}/?period={WHOLE_MONTH}", err=True)
        click.echo(f"live: these calls as they arrive: {web}/calls", err=True)
        click.echo(f"live: the vendor is at {vendor.url}; it can be made worse: docs/how-to/audit-a-feature.md", err=True)
        callers = [threading.Thread(target=_call, args=(address, seed + number, stop), daemon=True) for number in range(_CALLERS)]
        for caller in callers:
            caller.start()
        until = None if seconds is None else time.monotonic() + seconds
        try:
            for attempt in follow(follower, idle=lambda: until is not None and time.monotonic() > until):
                click.echo(line_of(attempt))
                if until is not None and time.monotonic() > until:
                    break
        except KeyboardInterrupt:
            click.echo("", err=True)
        stop.set()
        for caller in callers:
            caller.join()


@contextmanager
def gateway_before(folder: Path, vendor: str) -> Iterator[str]:
    """A running `breakeven serve` on the sample's ledger whose vendors are the scripted one; its address.

    The vendor stands at the end of the ledger's own `breakeven.yaml` meanwhile, so that what is decided there, such as a rollout,
    is in force; afterwards only that is taken out again.
    """
    config = folder / "breakeven.yaml"
    providers = f"providers:\n  openai: {{base_url: {vendor}/v1}}\n  anthropic: {{base_url: {vendor}/v1}}\n"
    config.write_text(f"{_own(config)}{_VENDORS}\n{providers}", encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "breakeven",
        "serve",
        "--ledger",
        str(folder),
        "--config",
        str(config),
        "--gateway-port",
        "0",
        "--web-port",
        "0",
    ]
    # A session of its own: Ctrl-C is for the demo, which ends the gateway in order.
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)  # noqa: S603 - our own command
    try:
        yield _address(folder, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        config.write_text(_own(config), encoding="utf-8")


def _own(config: Path) -> str:
    """The configuration without the scripted vendor."""
    return config.read_text(encoding="utf-8").partition(_VENDORS)[0]


def _address(folder: Path, process: subprocess.Popen[bytes]) -> str:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        told = _told(folder)
        if told.get("pid") == process.pid and _is_live(told["gateway"]):
            return str(told["gateway"])
        time.sleep(_PAUSE_SECONDS)
    raise Unreachable("the demo's gateway did not start", f"See why: breakeven serve --ledger {folder}")


def _told(folder: Path) -> dict[str, Any]:
    """What the running service says of itself; nothing before it does."""
    path = folder / "run" / "serve.json"
    return json.loads(path.read_bytes()) if path.is_file() else {}


def _is_live(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health/ready", timeout=1) as answer:  # noqa: S310 - our own gateway
            return int(answer.status) == _OK
    except OSError:
        return False


def _call(address: str, seed: int, stop: threading.Event) -> None:
    from breakeven.sample.live import live_calls

    for call in itertools.takewhile(lambda _call: not stop.is_set(), live_calls(seed)):
        _send(address, call)
        stop.wait(_PAUSE_SECONDS)


def _send(address: str, call: LiveCall) -> None:
    headers = {"content-type": "application/json", "anthropic-version": "2023-06-01", **call.headers}
    if "messages" not in call.path:
        del headers["anthropic-version"]
    request = urllib.request.Request(address + call.path, call.body, headers)  # noqa: S310 - our own gateway
    try:
        urllib.request.urlopen(request, timeout=10).read()  # noqa: S310 - as above
        if call.outcome is not None:
            outcome = {**call.outcome, "at": datetime.now(UTC).isoformat()}
            reported = json.dumps({"outcomes": [outcome]}).encode()
            urllib.request.urlopen(f"{address}/api/v1/outcomes", reported, timeout=10).read()  # noqa: S310 - as above
    except urllib.error.HTTPError as refused:
        _explain(refused)
    except OSError as error:
        click.echo(f"live: a call failed: {error}", err=True)


def _explain(refused: urllib.error.HTTPError) -> None:
    """What the gateway tells the developer whose call it refuses; once for each limit."""
    told = json.loads(refused.read()).get("error", {})
    name = told.get("budget") or told.get("policy") or told.get("code")
    if name not in _explained:
        _explained.add(name)
        click.echo(f"live: refused with {refused.code}: {told.get('message')}", err=True)
