"""What budgets cost a call (target: 20 µs of CPU for reserve and settle), and whether thousands of calls at once keep to one.

Run: python -m bench budgets
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from breakeven.accounts.journal import Journal
from breakeven.accounts.leases import Leases
from breakeven.accounts.sqlite import SqliteAccounts
from breakeven.gateway.admission import Admission
from breakeven.gateway.attribution import Attribution
from breakeven.gateway.costing import Rater
from breakeven.gateway.dialects import hints_of
from breakeven.gateway.estimating import Estimator
from breakeven.gateway.facts import now_ns
from breakeven.gateway.ladders import Ladders
from breakeven.gateway.targets import Targets
from breakeven.governance.budgets import Budget
from breakeven.governance.spans import Calendar
from breakeven.pricebook import open_card
from breakeven.settings import GatewaySettings
from breakeven.settings.providers import default_providers
from breakeven.testing import ScriptedUpstream

ROUNDS, CALLS = 5, 20_000
BODY = (
    b'{"model":"gpt-4o-mini","max_tokens":100,"messages":[{"role":"system","content":"' + b"You are terse. " * 40 + b'"},'
    b'{"role":"user","content":"' + b"What is a breakeven point? " * 40 + b'"}]}'
)
SCOPES = (("feature", "search"), ("team", "web"), ("customer", "acme"), ("environment", "production"))
LIMIT = "0.02"
CALLERS, HOSTS_WORKERS = 16, 3


def main() -> None:
    """Print the CPU time of admission and settlement, then what a load spends of a small strict budget."""
    with tempfile.TemporaryDirectory(prefix="breakeven-bench-") as folder:
        for count in (0, 1, 4):
            print(f"{f'admit and settle, {count} budgets':<47}{_cpu(Path(folder) / str(count), count):8.2f} µs")
    _load()


def _cpu(folder: Path, count: int) -> float:
    """Microseconds of CPU per call, the best of some rounds; what the store takes is in it."""
    folder.mkdir()
    targets = Targets(GatewaySettings(providers=default_providers()), {})
    found = targets.find(b"POST", b"/v1/chat/completions", "gpt-4o-mini", anthropic=False)
    card = open_card(folder / "prices", (), datetime.now(UTC).replace(tzinfo=None))
    budgets = tuple(
        Budget(f"b{at}", "usd", 10**30, Calendar("month"), scope=((name, (value,)),)) for at, (name, value) in enumerate(SCOPES)
    )
    store = SqliteAccounts(folder / "accounts.sqlite")
    for budget in budgets:
        store.set_outside("bench", budget.identity, {})
    with Journal(folder / "journal") as journal:
        leases = Leases(store, journal, "w", time.monotonic, time.time)
        admission = Admission(leases, time.monotonic)
        admission.configure(budgets[:count], Estimator(Rater(card), card.context_window), Ladders({}, targets))
        who = Attribution("search", "web", "acme", None, None, "production")
        head = SimpleNamespace(method=b"POST", target=b"/v1/chat/completions")
        call: Any = SimpleNamespace(
            targets=found, hints=hints_of(BODY), request=SimpleNamespace(body=BODY, head=head), attribution=who,
            caller=SimpleNamespace(key=None, anthropic=False), reservation=None, started_ns=now_ns(), gone=False,
        )  # fmt: skip
        best = min(_round(admission, call, who) for _ in range(ROUNDS))
    store.close()
    return best / CALLS * 1e6


def _round(admission: Admission, call: Any, who: Attribution) -> float:  # noqa: ANN401 - what admission asks of a call
    started = time.process_time()
    for number in range(CALLS):
        call.attribution, call.reservation, call.started_ns = who, None, now_ns()
        admission.admit(call)
        if call.reservation is not None:
            call.reservation.settle(10**14, 900, sent=True, last=True)
        if not number % 1_000:
            admission.tick()  # 50 ms at 20,000 calls a second
    return time.process_time() - started


def _load() -> None:
    """Thousands of calls at once against one strict budget, several workers."""
    config = f"budgets: {{b: {{limit: ${LIMIT}, period: month}}}}\n"
    with ScriptedUpstream() as vendor, tempfile.TemporaryDirectory(prefix="breakeven-bench-") as folder:
        providers = f"providers: {{openai: {{base_url: {vendor.url}/v1}}}}\n"
        with serving(Path(folder), config + providers, HOSTS_WORKERS) as url:
            statuses, costs, seconds = _called(url)
        billed = sum(each.billed for each in vendor.journal)
    spent = Decimal(costs.pop()) * billed
    title = f"{CALLERS} callers, {HOSTS_WORKERS} workers, strict ${LIMIT}"
    turned_away = f"{statuses[402]} x 402, {statuses[429]} x 429"
    print(f"{title:<47}${spent} billed, {billed} answered, {turned_away} in {seconds:.1f} s")
    print(f"{'overspend':<47}{max(Decimal(0), spent - Decimal(LIMIT))}")


@contextmanager
def serving(folder: Path, config: str, workers: int) -> Iterator[str]:
    """A running gateway with this configuration; its address."""
    path = folder / "breakeven.yaml"
    path.write_text(config, encoding="utf-8")
    command = [sys.executable, "-m", "breakeven", "serve", "--ledger", str(folder / "ledger"), "--config", str(path)]
    command += ["--gateway-port", "0", "--web-port", "0", "--workers", str(workers)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        address = next(line for line in process.stderr if "listens at" in line).split("listens at ")[1].split(" ")[0]
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _called(url: str) -> tuple[Counter[int], set[str], float]:
    statuses: Counter[int] = Counter()
    costs: set[str] = set()
    started = time.monotonic()

    def caller() -> None:
        while statuses[402] < CALLS // 20 and time.monotonic() - started < 60:
            request = urllib.request.Request(f"{url}/v1/chat/completions", BODY, {"content-type": "application/json"})  # noqa: S310 - our own gateway
            try:
                with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - as above
                    answer.read()
                    costs.add(answer.headers["breakeven-cost-usd"])
                    statuses[answer.status] += 1
            except urllib.error.HTTPError as error:
                error.read()
                statuses[error.code] += 1

    threads = [threading.Thread(target=caller) for _ in range(CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses, costs, time.monotonic() - started


if __name__ == "__main__":
    main()
