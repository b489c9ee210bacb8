"""Every screen in light, dark, print and on a telephone: with the sample company, with nothing, with what is partly known."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from bench.screens import OCTOBER, SCREENS

from breakeven.cli.main import run
from breakeven.web.pages import STATIC

LARGEST_APP = 150_000
LARGEST_PICTURE = 200_000
NARROW = {"width": 360, "height": 800}
PARTIAL = """timestamp,provider,model,input_tokens,output_tokens,feature,customer,call_id
2026-11-20T10:00:00Z,openai,gpt-4o,1000,200,search,acme,a
2026-11-20T11:00:00Z,openai,gpt-4o,1200,100,search,birch,b
2026-11-21T10:00:00Z,openai,model-that-nobody-prices,900,90,search,acme,c
2026-11-21T12:00:00Z,openai,gpt-4o-mini,700,50,,,d
2026-11-22T12:00:00Z,openai,model-that-nobody-prices,700,50,drafts,,e
"""
Visits = Callable[..., Any]


@pytest.mark.parametrize("screen", SCREENS)
def test_a_screen_holds_in_light_dark_print_and_on_a_telephone(site: Any, visit: Visits, keep: Any, screen: str) -> None:
    """No complaint, no other host, no picture cut off, nothing wider than the window, no violation of WCAG 2.2 AA."""
    guest = visit(site.url)
    page = guest.open(SCREENS[screen])
    assert page.locator("main [role=alert]").count() == 0
    assert (guest.overflow(), guest.dubious()) == (0, [])
    assert guest.violations() == []
    keep(page, f"{screen}-light")
    page.emulate_media(color_scheme="dark")
    assert guest.violations() == []
    keep(page, f"{screen}-dark")
    page.emulate_media(color_scheme="light", media="print")
    assert not page.locator("nav").is_visible()
    assert page.locator(".screen-only:visible").count() == 0
    keep(page, f"{screen}-print")
    page.emulate_media(media="screen")
    page.set_viewport_size(NARROW)
    guest.settle()
    page.wait_for_timeout(150)  # pictures are drawn anew for the width that they find
    assert (guest.overflow(), guest.dubious()) == (0, [])
    keep(page, f"{screen}-360")
    guest.silent()


def test_a_receipt_shows_its_lines_and_the_work_it_belongs_to(
    site: Any, answer: Callable[..., Any], visit: Visits, keep: Any
) -> None:
    """The receipt of a call that was cut off: lines, trace on the axis of time, and what bought nothing named in words."""
    call = answer("calls", period="2026-10", query="status:cut_off", limit="1")["rows"][0]["call_id"]
    guest = visit(site.url)
    page = guest.open(f"/calls/{call}")
    assert page.locator("[data-figure=trace] svg").count() == 1
    assert page.get_by_text("bought nothing").count() > 0
    assert guest.violations() == []
    keep(page, "receipt-light")
    page.set_viewport_size(NARROW)
    page.wait_for_timeout(150)
    assert (guest.overflow(), guest.dubious()) == (0, [])
    guest.silent()


@pytest.fixture(scope="module")
def partial(serve_for_module: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A ledger in which prices, features, customers, value and revenue are missing here and there."""
    site = serve_for_module("features: {search: {owner: web}}\n")
    calls = tmp_path_factory.mktemp("partial") / "calls.csv"
    calls.write_text(PARTIAL)
    assert run(["import", "calls", str(calls), "--ledger", str(site.ledger), "--config", str(site.config)]) == 0
    return site


@pytest.fixture(scope="module")
def empty(serve_for_module: Callable[[str], Any]) -> Any:
    """A ledger in which there is nothing."""
    return serve_for_module("{}\n")


HALF = {"overview": "/", "pnl": "/pnl", "feature": "/pnl/search", **{name: f"/{name}" for name in (
    "customers", "alignment", "budgets", "calls", "settings")}}  # fmt: skip


@pytest.mark.parametrize("state", ["empty", "partial"])
def test_every_screen_holds_with_nothing_and_with_half(
    request: pytest.FixtureRequest, visit: Visits, keep: Any, state: str
) -> None:
    """An empty and a half-known ledger: each screen says what it can, without complaint, on a telephone too."""
    site = request.getfixturevalue(state)
    guest = visit(site.url)
    for name, path in HALF.items():
        page = guest.open(path)
        assert guest.overflow() == 0, name
        assert guest.violations() == [], name
        keep(page, f"{name}-{state}")
    guest.page.set_viewport_size(NARROW)
    for name, path in HALF.items():
        guest.open(path)
        assert guest.overflow() == 0, name
    assert [text for text in guest.complaints if "status of 4" not in text] == []
    assert guest.foreign == []


VAST = """
    SELECT TIMESTAMP '2025-11-01' + to_days(day::INTEGER) + INTERVAL 9 HOUR AS occurred_at,
        ['openai', 'openai', 'anthropic'][(1 + hash(day, feature, customer) % 3)::BIGINT] AS provider,
        ['gpt-4o', 'gpt-5-mini', 'claude-sonnet-4-6'][(1 + hash(day, feature, customer) % 3)::BIGINT] AS model,
        'feature-' || feature AS feature, 'customer-' || customer AS customer, 57 AS call_count,
        57 * (500 + hash(customer, day) % 4000)::BIGINT AS input, 57 * (hash(feature, day) % 2000)::BIGINT AS cache_read,
        57 * (100 + hash(day, feature) % 700)::BIGINT AS output
    FROM range(365) AS days(day), range(8) AS features(feature), range(100) AS customers(customer)"""
"""A year of 292,000 daily sums of 57 calls each, with three cost lines a call: what the rollups of 50 million lines hold."""


@pytest.fixture(scope="module")
def vast(serve_for_module: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A ledger whose rollups are those of 50 million cost lines."""
    value = "{kind: unit_price, price: 1, grade: B}"
    site = serve_for_module(f"features: {{feature-0: {{owner: web, value: {value}}}, feature-1: {{owner: web}}}}\n")
    calls = tmp_path_factory.mktemp("vast") / "calls.parquet"
    with duckdb.connect() as engine:
        engine.execute(f"COPY ({VAST}) TO '{calls}' (FORMAT parquet)")
    assert run(["import", "aggregates", str(calls), "--ledger", str(site.ledger), "--config", str(site.config)]) == 0
    return site


def test_every_screen_holds_on_rollups_of_fifty_million_lines(vast: Any, visit: Visits, keep: Any) -> None:
    """Sixteen million calls of 8 features and 100 customers: each screen, wide and on a telephone, without complaint."""
    with vast.client() as client:
        total = client.get("/api/v1/pnl", params={"period": "all"}).json()["total"]
    assert total["calls"] * 3 == 49_932_000
    guest = visit(vast.url)
    for size in (None, NARROW):
        if size:
            guest.page.set_viewport_size(size)
        for name, path in {**HALF, "feature": "/pnl/feature-0", "scenarios": "/scenarios"}.items():
            page = guest.open(f"{path}?{OCTOBER}")
            assert page.locator("main [role=alert]").count() == 0, name
            assert (guest.overflow(), guest.dubious()) == (0, []), name
            if not size:
                assert guest.violations() == [], name
                keep(page, f"{name}-vast")
    guest.silent()


def test_an_empty_ledger_greets_with_four_steps(empty: Any, visit: Visits) -> None:
    """Where nothing is recorded yet, the first page says how to come to the first number."""
    guest = visit(empty.url)
    page = guest.open("/")
    assert page.get_by_role("heading", name="Four steps to the first number").is_visible()
    assert page.locator("main ol li").count() == 4


def test_what_is_not_known_is_hatched_and_named(partial: Any, visit: Visits) -> None:
    """Calls without a price are no zero: the badge, the hatching and the sentence say so."""
    guest = visit(partial.url)
    page = guest.open("/pnl")
    assert page.locator("td.hatched, th.hatched").count() > 0
    assert "unknown" in (page.locator("#pnl .sentence").text_content() or "")
    guest.open("/calls")
    assert page.get_by_text("unpriced").count() > 0


def test_the_application_is_small() -> None:
    """All scripts and styles together are at most 150 KB as they travel."""
    files = [*(STATIC / "assets").iterdir(), STATIC / "index.html"]
    assert sum(len(gzip.compress(path.read_bytes(), 9)) for path in files) <= LARGEST_APP


def test_a_frozen_picture_of_the_overview(site: Any, visit: Visits, repository: Path) -> None:
    """The picture with which the README opens is there; BREAKEVEN_REWRITE_PICTURES=1 makes it anew."""
    target = repository / "docs" / "images" / "overview.png"
    guest = visit(site.url, viewport={"width": 1180, "height": 760})
    page = guest.open(f"/?{OCTOBER}")
    page.locator("#contradiction .sentence").wait_for()
    if os.environ.get("BREAKEVEN_REWRITE_PICTURES"):
        target.parent.mkdir(exist_ok=True)
        page.screenshot(path=target)
    assert target.read_bytes().startswith(b"\x89PNG")
    assert target.stat().st_size < LARGEST_PICTURE
