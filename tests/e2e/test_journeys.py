"""One journey for each reader, through a real browser before a real service."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import yaml
from playwright.sync_api import expect

from breakeven.ledger.tokens import create_token
from breakeven.testing import ScriptedUpstream

Visits = Callable[..., Any]
OCTOBER = "period=2026-10"


def test_leadership_reads_the_overview(site: Any, answer: Callable[..., Any], visit: Visits) -> None:
    """The first screenful says whether AI creates value, who is popular and unprofitable, what to do, in the server's words."""
    guest = visit(site.url)
    page = guest.open(f"/?{OCTOBER}")
    expect(page.get_by_text(answer("today", period="2026-10")["sentence"])).to_be_in_viewport()
    said = answer("portfolio", period="2026-10")
    expect(page.get_by_text(said["sentence"])).to_be_in_viewport()
    assert "Contract extraction is popular" in said["sentence"]
    expect(page.locator("[data-figure=adoption] svg")).to_be_in_viewport()
    expect(page.locator("#attention li")).to_have_count(3)
    expect(page.get_by_text("−8.9 points worse")).to_be_visible()
    guest.silent()


@pytest.mark.parametrize("path", ["/", "/pnl", "/pnl/Contract%20extraction", "/customers", "/alignment", "/calls"])
def test_all_time_has_nothing_to_compare_with(site: Any, visit: Visits, path: str) -> None:
    """Of all time no screen asks for a period before it or a forecast: nothing fails, and nothing is compared with."""
    guest = visit(site.url)
    page = guest.open(f"{path}?period=all")
    assert page.locator("main [role=alert]").count() == 0
    assert page.get_by_label("Compare with").count() == 0 or page.get_by_label("Compare with").input_value() == ""
    guest.silent()


def test_finance_reads_october_and_where_it_comes_from(site: Any, answer: Callable[..., Any], visit: Visits) -> None:
    """October's P&L with its total, its trail, its digits as CSV, and the loser's bridge with its picture."""
    guest = visit(site.url)
    page = guest.open(f"/pnl?{OCTOBER}&vs=previous")
    expect(page.locator("#pnl tfoot")).to_contain_text("41,710")
    page.get_by_role("button", name="Where this comes from: October 2026").click()
    trail = page.get_by_role("complementary")
    expect(trail).to_contain_text("163,911 calls")
    expect(trail).to_contain_text("value - cost")
    page.keyboard.press("Escape")
    expect(trail).to_have_count(0)
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile("^CSV: October")).click()
    assert answer("pnl", period="2026-10", vs="previous")["total"]["cost"] in Path(download.value.path()).read_text()
    page.get_by_role("row", name=re.compile("^Contract extraction")).click()
    guest.settle()
    expect(page).to_have_url(re.compile(r"/pnl/Contract%20extraction\?period=2026-10"))
    expect(page.locator("#bridge .sentence")).to_contain_text("$10,380 more than in September 2026")
    expect(page.locator("#scaling .sentence")).to_contain_text("cost would meet value at")
    with page.expect_download() as picture:
        page.locator("[data-figure=bridge]").get_by_role("button", name=re.compile("^PNG")).click()
    assert Path(picture.value.path()).read_bytes().startswith(b"\x89PNG")
    guest.silent()


def test_a_region_of_the_picture_fills_the_table(site: Any, visit: Visits) -> None:
    """Customers below break-even are chosen by drawing over the picture; the address keeps the region, a click takes it back."""
    guest = visit(site.url)
    page = guest.open(f"/customers?{OCTOBER}")
    picture = page.locator("[data-figure=scatter] svg").first
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    assert box is not None
    zero = page.locator("[data-figure=scatter] svg g[stroke-dasharray] line").first.bounding_box()
    assert zero is not None
    page.mouse.move(box["x"] + 58, zero["y"] + 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 4, box["y"] + box["height"] - 42, steps=4)
    page.mouse.up()
    expect(page).to_have_url(re.compile("region="))
    losing = page.locator("#customers tbody tr td:nth-child(5)").all_text_contents()
    assert losing
    assert all(text.startswith("▼") for text in losing)
    page.reload()
    guest.settle()
    expect(page.locator("#customers tbody tr")).to_have_count(len(losing))
    page.get_by_role("button", name="Show all").click()
    expect(page).not_to_have_url(re.compile("region="))
    guest.silent()


def test_the_keyboard_reaches_everything(site: Any, visit: Visits) -> None:
    """Skip link, screens by letter, rows by j and Enter, the filter by slash, the help by question mark."""
    guest = visit(site.url)
    page = guest.open(f"/?{OCTOBER}")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the answer")).to_be_focused()
    page.keyboard.press("g")
    page.keyboard.press("p")
    expect(page.get_by_role("heading", level=1)).to_have_text("Feature P&L")
    guest.settle()
    second = page.locator("tbody tr").nth(1).locator("th").text_content() or ""
    page.locator("tbody tr").first.focus()
    page.keyboard.press("j")
    expect(page.locator("tbody tr").nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/pnl/{quote(second)}"))
    guest.settle()
    page.keyboard.press("/")
    expect(page.locator("[data-filter]").first).to_be_focused()
    page.locator("h1").click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    guest.silent()


FOCUSED = "document.activeElement.id || document.activeElement.name || document.activeElement.tagName"


def test_the_focus_is_never_lost(site: Any, visit: Visits) -> None:
    """Opening a row, going back, taking a slider back, the help: whoever has only keys goes on from where he is."""
    guest = visit(site.url)
    page = guest.open(f"/pnl?{OCTOBER}")
    page.locator("tbody tr").first.focus()
    page.keyboard.press("Enter")
    guest.settle()
    assert page.evaluate(FOCUSED) == "answer"
    page.go_back()
    guest.settle()
    assert page.evaluate(FOCUSED) == "answer"
    button = page.get_by_role("button", name=re.compile("^CSV: October"))
    button.focus()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog").get_by_role("button")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(button).to_be_focused()
    guest.open(f"/scenarios?{OCTOBER}")
    page.locator("input[name=price]").focus()
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile("price=-5"))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page).not_to_have_url(re.compile("price="))
    assert page.evaluate(FOCUSED) == "price"
    guest.open(f"/calls?{OCTOBER}")
    page.keyboard.press("/")
    assert page.evaluate(FOCUSED) == "query"
    page.keyboard.type("cost>2 g?p")
    assert page.locator("input[name=query]").input_value() == "cost>2 g?p"
    guest.silent()


@pytest.fixture(scope="module")
def vendor() -> Iterator[ScriptedUpstream]:
    """A vendor that answers; it outlives the gateways before it."""
    with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture
def governed(demo_original: Path, serve_at: Callable[[Path, Path], Any], tmp_path: Path) -> Any:
    """The sample company, served from a copy with its configuration, so that it may be changed."""
    ledger = Path(shutil.copytree(demo_original, tmp_path / "ledger"))
    return serve_at(ledger, ledger / "breakeven.yaml")


def test_finance_ties_october_to_the_invoice_and_closes_it(governed: Any, visit: Visits) -> None:
    """The vendor's file is held against the books in the browser: sums, causes, remedies. It closes without one when told to."""
    guest = visit(governed.url)
    page = guest.open(f"/pnl?{OCTOBER}")
    books = page.locator("#books")
    expect(books.locator(".sentence")).to_contain_text("was metered in October 2026 and held against no invoice yet")
    expect(books.locator("tfoot")).to_contain_text("41,710.00")
    books.get_by_label("Invoice file").set_input_files(governed.ledger / "invoice-anthropic-2026-10-invented.csv")
    books.get_by_role("button", name="Check an invoice").click()
    expect(books).to_contain_text("Metered 14,846.89, invoiced 15,083.96, difference 237.07.")
    expect(books).to_contain_text("(1.57%, tolerance 0.50%)")
    expect(books.get_by_role("row", name=re.compile("^unseen key"))).to_contain_text("breakeven import aggregates")
    books.get_by_label("Remark").fill("no invoice of OpenAI yet")
    close = books.get_by_role("button", name="Close October 2026")
    close.click()
    expect(books.get_by_role("alert")).to_contain_text("October 2026 was not closed: no invoice was posted for it")
    books.get_by_label("also without an invoice").check()
    with page.expect_response(re.compile("/api/v1/books")):
        close.click()
    expect(books).to_contain_text("October 2026 is closed: signed off by")
    expect(close).to_have_count(0)
    signed = json.loads((governed.ledger / "closes" / "2026-10.json").read_bytes())
    assert (signed["why"], round(Decimal(signed["statement"]["cost"]))) == ("no invoice of OpenAI yet", 41710)
    guest.open(f"/budgets?{OCTOBER}")
    expect(page.locator("#decisions")).to_contain_text("close periods")
    guest.open(f"/pnl/Contract%20extraction?{OCTOBER}")
    expect(page.locator("#books tfoot")).to_contain_text("20,015.00")
    expect(page.locator("#books form")).to_have_count(0)
    assert "403" in guest.complaints.pop(0)  # the browser itself notes the refusal
    guest.silent()


def test_engineer_accepts_all_of_a_feature(governed: Any, visit: Visits) -> None:
    """Every class of a feature that pays is accepted in one change, shown before it is written, each noted as a decision."""
    guest = visit(governed.url)
    page = guest.open(f"/alignment?{OCTOBER}")
    page.get_by_role("row", name=re.compile("^clause lookup")).click()
    guest.settle()
    page.get_by_label("Why").fill("all of it is proven")
    page.get_by_role("button", name="Accept all of Contract extraction that pays").click()
    for moved in ("class: clause lookup, to: small", "class: header fields, to: handler"):
        expect(page.locator("pre")).to_contain_text(moved)
    page.get_by_role("button", name="Write it to the file").click()
    expect(page.get_by_text("Written.")).to_be_visible()
    declared = yaml.safe_load(governed.config.read_text())["features"]["Contract extraction"]["rollouts"]
    assert sorted((one["class"], one["to"]) for one in declared) == [("clause lookup", "small"), ("header fields", "handler")]
    guest.open(f"/budgets?{OCTOBER}")
    for name in ("clause lookup", "header fields"):
        expect(page.locator("#decisions")).to_contain_text(name)
    guest.silent()


def test_engineer_and_owner_change_what_the_file_says(governed: Any, visit: Visits) -> None:
    """A finding is accepted and a limit set: the difference first, then the file, then the decisions log."""
    before = governed.config.read_text()
    guest = visit(governed.url)
    page = guest.open(f"/alignment?{OCTOBER}")
    page.get_by_role("row", name=re.compile("^clause lookup")).click()
    guest.settle()
    expect(page.get_by_text("What would overturn this")).to_be_visible()
    page.get_by_label("Why").fill("replays agree")
    page.get_by_role("button", name="Accept: write a rollout").click()
    expect(page.locator("pre")).to_contain_text("+")
    assert governed.config.read_text() == before, "a dry run writes nothing"
    page.get_by_role("button", name="Write it to the file").click()
    expect(page.get_by_text("Written.")).to_be_visible()
    declared = yaml.safe_load(governed.config.read_text())["features"]["Contract extraction"]["rollouts"]
    assert [(one["class"], one["to"]) for one in declared] == [("clause lookup", "small")]
    page.get_by_role("button", name="All findings").click()
    expect(page.get_by_role("row", name=re.compile("^clause lookup"))).to_contain_text("accepted")

    guest.open(f"/budgets?{OCTOBER}")
    over = page.get_by_role("row", name=re.compile("^feature Contract extraction"))
    expect(over).to_contain_text("▼ 100%")
    expect(over).to_contain_text("refusing")
    over.click()
    form = page.get_by_role("form", name="Set another limit")
    expect(form.get_by_label("Budget")).to_have_value("feature Contract extraction")
    form.get_by_label("Limit").fill("$25,000")
    form.get_by_label("Why").fill("until the rollout is through")
    form.get_by_role("button", name="Show the change").click()
    expect(page.locator("pre")).to_contain_text("25,000")
    form.get_by_role("button", name="Write it to the file").click()
    expect(page.get_by_text("Written.")).to_be_visible()
    assert yaml.safe_load(governed.config.read_text())["features"]["Contract extraction"]["budget"]["limit"] == "$25,000"
    expect(page.locator("#decisions")).to_contain_text("until the rollout is through")
    guest.silent()


def test_a_call_through_the_gateway_shows_within_two_seconds(
    vendor: ScriptedUpstream, serve: Callable[[str], Any], visit: Visits
) -> None:
    """Calls: a call made while somebody looks appears without a reload, at most two seconds after its answer."""
    site = serve(f'providers: {{openai: {{base_url: "{vendor.url}/v1"}}}}\nfeatures: {{search: {{owner: web}}}}\n')
    guest = visit(site.url)
    page = guest.open("/calls?period=all")
    expect(page.get_by_text("There is nothing to show.")).to_be_visible()
    with httpx.Client(trust_env=False, timeout=10.0) as client:
        answer = client.post(
            f"{site.gateway}/v1/chat/completions",
            headers={"authorization": "Bearer test", "breakeven-feature": "search"},
            json={"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]},
        )
    assert answer.status_code == 200, answer.text
    began = time.monotonic()
    expect(page.get_by_role("row", name=re.compile("search"))).to_be_visible(timeout=2_000)
    assert time.monotonic() - began < 2.0
    guest.silent()


def test_views_and_comparisons_are_kept(site: Any, visit: Visits) -> None:
    """A view of the calls outlives the page; a scenario is held against another, under an address that others can open."""
    guest = visit(site.url)
    page = guest.open(f"/calls?{OCTOBER}&query=cost%3E1&sort=latency")
    page.get_by_label("Name of the view").fill("slow and dear")
    page.get_by_role("button", name="Save this view").click()
    guest.open("/calls")
    page.locator("select[name=view]").select_option("slow and dear")
    expect(page).to_have_url(re.compile(r"query=cost%3E1&sort=latency"))
    guest.open(f"/scenarios?{OCTOBER}&price=-30%25")
    page.get_by_role("button", name="Keep to compare").click()
    page.locator("input[name=tokens]").fill("60")
    expect(page).to_have_url(re.compile(r"tokens=%2B60%25"))
    guest.settle()
    expect(page.locator("#compared tbody tr")).to_have_count(2)
    other = visit(site.url)
    other.open(page.url.removeprefix(site.url))
    expect(other.page.locator("#compared tbody tr")).to_have_count(2)
    guest.silent()


def test_a_viewers_link_lets_look_and_nothing_else(serve: Callable[[str], Any], visit: Visits) -> None:
    """With roles declared the page asks for a token; a link signs in as a viewer, who sees no form that changes anything."""
    site = serve("access: {people: {fin: {role: finance}}}\nfeatures: {search: {owner: web}}\n")
    guest = visit(site.url)
    page = guest.page
    page.goto(site.url)
    expect(page.get_by_label("Token")).to_be_visible()
    assert guest.violations() == []
    page.get_by_label("Token").fill("bek_wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("This token does not exist")
    page.get_by_label("Token").fill(create_token(site.ledger, "fin", datetime.now(UTC).replace(tzinfo=None), 1)[1])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    guest.open("/budgets")
    expect(page.get_by_role("form", name="Assign an owner")).to_be_visible()
    guest.open("/settings")
    page.get_by_role("button", name="Make the link").click()
    link = page.locator("main pre").text_content() or ""
    other = visit(site.url)
    other.open(link.removeprefix(site.url))
    expect(other.page.get_by_role("heading", level=1)).to_have_text("Overview")
    assert "#link" not in other.page.url
    other.open("/budgets")
    expect(other.page.get_by_role("form", name="Assign an owner")).to_have_count(0)
    other.silent()
