"""How long the dashboard takes in a headless browser: the first view of each screen, and from a click or key to the next frame.

Run: python -m bench dashboard. BENCH_LEDGER names a ledger to look at instead of the sample company's.

Targets: first view within 1 s on the sample company, interactions within 100 ms.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from bench.screens import FRONT_PAGE, SCREENS, SETTLED

ROUNDS = 5
CLICKS = {
    "sort a table": "thead button >> nth=2",
    "open where a figure comes from": "button[aria-label^='Where this comes from'] >> nth=0",
    "show a picture as a table": "figure button >> nth=0",
}
CLICKED = """(one) => new Promise((done) => {
    const began = performance.now();
    one.click();
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
})"""
KEYED = """(key) => new Promise((done) => {
    const began = performance.now();
    document.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
})"""


def main() -> None:
    """Print the medians."""
    browser_path = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if browser_path is None:
        raise SystemExit("Install chromium-headless-shell first.")
    with _served() as base, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"])
        print("| Screen | first, s | again, s |\n|---|---|---|")
        for name, path in {"front page": FRONT_PAGE, **SCREENS}.items():
            cold = _view(browser.new_page(), base + path)
            warm = [_view(browser.new_page(), base + path) for _ in range(ROUNDS)]
            print(f"| {name} | {cold:.2f} | {statistics.median(warm):.2f} |")
        page = browser.new_page()
        _view(page, base + SCREENS["overview"])
        for name, where in CLICKS.items():
            _view(page, base + SCREENS["pnl" if "table" in name and "picture" not in name else "overview"])
            taken = [float(page.locator(where).evaluate(CLICKED)) for _ in range(ROUNDS)]
            print(f"{name}: {statistics.median(taken):.0f} ms")
        taken = [float(page.evaluate(KEYED, "?")) for _ in range(ROUNDS)]
        print(f"help by key: {statistics.median(taken):.0f} ms")
        browser.close()


def _view(page: Page, url: str) -> float:
    """Seconds from asking for a page until every report of it is drawn."""
    began = time.perf_counter()
    page.goto(url)
    page.wait_for_function(SETTLED, polling=5)
    return time.perf_counter() - began


@contextmanager
def _served() -> Iterator[str]:
    """A service over a copy of a ledger, on free ports."""
    with tempfile.TemporaryDirectory(prefix="breakeven-bench-") as folder:
        ledger = Path(folder) / "ledger"
        command = [sys.executable, "-m", "breakeven"]
        if "BENCH_LEDGER" in os.environ:
            shutil.copytree(os.environ["BENCH_LEDGER"], ledger)
        else:
            subprocess.run([*command, "demo", "--no-live", "--ledger", str(ledger)], check=True, capture_output=True)
        told = ledger / "run" / "serve.json"
        ports = ["--gateway-port", "0", "--web-port", "0"]
        service = subprocess.Popen([*command, "serve", *ports, "--ledger", str(ledger)], stderr=subprocess.DEVNULL)
        try:
            while not told.is_file() or json.loads(told.read_bytes())["pid"] != service.pid:
                time.sleep(0.05)
            time.sleep(1)
            yield json.loads(told.read_bytes())["web"]
        finally:
            service.send_signal(signal.SIGTERM)
            service.wait()


if __name__ == "__main__":
    main()
