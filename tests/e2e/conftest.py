"""A browser before a real `breakeven serve`: what each page asks for, complains about and looks like."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from bench.screens import SETTLED
from playwright.sync_api import Browser, Page, sync_playwright

from breakeven.web.pages import STATIC

PATIENCE_MS = 15_000
NARROW = {"width": 360, "height": 800}
WIDE = {"width": 1280, "height": 900}
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")


def _chromium() -> str:
    found = next(
        filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "google-chrome", "chromium-browser"))), None
    )
    if found is None:
        message = "the tests of the dashboard need Chromium: apt-get install chromium-headless-shell"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return found


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for the tests of a module; its event loop ends with it, so that others may have their own."""
    assert (STATIC / "index.html").is_file(), "the dashboard is not built: make web"
    path = _chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


class Visit:
    """One page of the dashboard and everything that it does."""

    def __init__(self, page: Page, base: str) -> None:
        self.page, self.base = page, base
        self.complaints: list[str] = []
        self.foreign: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda said: self.complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self._asked(request.url))

    def _asked(self, url: str) -> None:
        if not url.startswith(("data:", "blob:")) and urlsplit(url).netloc != urlsplit(self.base).netloc:
            self.foreign.append(url)

    def open(self, path: str) -> Page:
        """Go there, and wait until every report of the page has come."""
        self.page.goto(self.base + path)
        self.settle()
        return self.page

    def settle(self) -> None:
        """Wait until nothing is being looked up any more and every picture is drawn."""
        self.page.locator("main h1, main h2").first.wait_for()
        self.page.wait_for_function(SETTLED)

    def overflow(self) -> int:
        """By how many pixels the page is wider than its window."""
        found: int = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        return max(0, found)

    def dubious(self) -> list[str]:
        """Pictures that the library itself warns about, or that are wider than their place."""
        found: list[str] = self.page.evaluate(
            """() => [...document.querySelectorAll('[data-figure]')]
                .filter((one) => one.textContent.includes('⚠') || one.scrollWidth > one.clientWidth + 1)
                .map((one) => one.dataset.figure)"""
        )
        return found

    def violations(self) -> list[str]:
        """What axe finds against WCAG 2.2 AA, by rule and place."""
        found = Axe().run(self.page, options={"runOnly": {"type": "tag", "values": list(RULES)}}).response
        return [
            f"{one['id']} at {node['target']}: {node.get('failureSummary', '')}"
            for one in found["violations"]
            for node in one["nodes"]
        ]

    def silent(self) -> None:
        """Raise unless nothing was complained about and nothing was asked of another host."""
        assert (self.complaints, self.foreign) == ([], [])


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Callable[..., Visit]]:
    """Visitors, each with a browser of his own; what they did is looked at in the end."""
    contexts = []

    def begin(base: str, **options: Any) -> Visit:
        context = chromium.new_context(**{"viewport": WIDE, "locale": "en-GB", "reduced_motion": "reduce", **options})
        contexts.append(context)
        return Visit(context.new_page(), base)

    yield begin
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def keep(repository: Path) -> Callable[[Page, str], None]:
    """Keeps a screenshot in build/screens, to be looked at by eye."""
    folder = repository / "build" / "screens"
    folder.mkdir(parents=True, exist_ok=True)

    def shot(page: Page, name: str) -> None:
        page.screenshot(path=folder / f"{re.sub(r'[^a-z0-9]+', '-', name.lower())}.png", full_page=True)

    return shot
