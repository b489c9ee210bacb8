"""Packs: what they say is what the reports say, the file is safe and offline, and the board's prints as two pages."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from decimal import Decimal
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pypdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.cli.main import run
from breakeven.governance import schedule
from breakeven.ledger import open_ledger
from breakeven.reports.packs import PACKS, Block, Pack, html_of, markdown_of
from breakeven.reports.packs.cells import moved, shown, signed
from breakeven.reports.packs.charts import svg
from breakeven.reports.packs.structure import Chart, ChartPoint, Column, Figure
from breakeven.reports.trail import Shares

PERIOD = "2026-10"
NAMES = tuple(kind.name for kind in PACKS)
HOSTILE = "<script>alert(1)</script>\"'&|`*_[x](http://evil.example) \n</style><img src=x onerror=y>"


@pytest.fixture(scope="module")
def october(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, Path]]:
    """The files of a pack of the sample company's October, each made once by the command."""
    folder = tmp_path_factory.mktemp("packs")
    made: dict[str, dict[str, Path]] = {}

    def files(name: str) -> dict[str, Path]:
        if name not in made:
            html, markdown = folder / f"{name}.html", folder / f"{name}.md"
            words = ["report", name, "--ledger", str(demo), "--period", PERIOD, "--html", str(html), "--md", str(markdown)]
            assert run(words) == 0
            made[name] = {"html": html, "md": markdown}
        return made[name]

    return files


@pytest.fixture(scope="module")
def answers() -> dict[tuple[str, ...], Any]:
    """What was asked already."""
    return {}


@pytest.fixture
def said(demo: Path, answers: dict[tuple[str, ...], Any], capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """What a command says as JSON about the sample company's October; each is asked once."""

    def ask(*words: str) -> Any:
        if words not in answers:
            capsys.readouterr()
            assert run([*words, "--ledger", str(demo), "--period", PERIOD, "--json"]) == 0
            answers[words] = json.loads(capsys.readouterr().out)
        return answers[words]

    return ask


# --- what it says -----------------------------------------------------------------------------------------------------------------


def test_the_board_says_what_the_reports_say(said: Callable[..., Any]) -> None:
    """Sentences, rows and trails of the blocks are those of the commands, digit for digit."""
    pack, pnl = said("report", "board"), said("pnl", "--vs", "previous")
    blocks = {block["id"]: block for page in pack["pages"] for block in page}
    assert (pack["sentence"], pack["shares"]) == (pnl["sentence"], pnl["shares"])
    assert blocks["features"]["trail"] == pnl["trail"]
    keys = [column["key"] for column in blocks["features"]["columns"]]
    assert keys == ["feature", "owner", "value", "cost", "contribution", "margin", "cost_per_outcome", "cost_change", "verdict"]
    for cells, row in zip(blocks["features"]["rows"], pnl["rows"], strict=True):
        assert cells[2:8] == [row[key] for key in keys[2:8]]
    assert [figure["value"] for figure in pack["figures"][:4]] == [
        pnl["total"][key] for key in ("value", "cost", "contribution", "margin")
    ]
    bridge = said("why", "cost", "--vs", "previous")
    assert [row[:2] for row in blocks["why-cost"]["rows"]] == [[bar["name"], bar["change"]] for bar in bridge["bars"]]
    for identity, command in (
        ("why-cost", ("why", "cost", "--vs", "previous")),
        ("units", ("units",)),
        ("adoption", ("portfolio",)),
        ("scenarios", ("scenario",)),
        ("savings-predicted", ("audit",)),
        ("savings-verified", ("ladder", "list")),
        ("owners", ("owner", "coverage")),
    ):
        assert blocks[identity]["sentence"] == said(*command)["sentence"], identity


def test_cost_classes_sum_to_the_cost(said: Callable[..., Any]) -> None:
    """Classes and features divide the same variable cost, exactly."""
    pnl = said("pnl")["total"]["cost"]
    block = next(block for page in said("report", "board")["pages"] for block in page if block["id"] == "cost-classes")
    assert sum(Decimal(cell or "0") for row in block["rows"] for cell in row[1:-1]) == Decimal(pnl)
    assert sum(Decimal(cell) for cell in block["total"][1:-1]) == Decimal(pnl)


@pytest.mark.parametrize("name", NAMES)
def test_every_block_answers_its_question(name: str, said: Callable[..., Any]) -> None:
    """Each block has question, sentence, command and trail, its cells fit its columns, and none failed on the sample company."""
    pack = said("report", name)
    blocks = [block for page in pack["pages"] for block in page]
    assert len({block["id"] for block in blocks}) == len(blocks)
    for block in blocks:
        assert block["question"].endswith("?"), block["id"]
        assert block["sentence"], block["id"]
        assert "cannot be said:" not in block["sentence"], block["sentence"]
        assert block["trail"], block["id"]
        assert block["more"].startswith("breakeven "), block["id"]
        rows = [*block["rows"], *([block["total"]] if block["total"] else [])]
        assert {len(row) for row in rows} <= {len(block["columns"])}, block["id"]
    assert pack["methods"]


def test_what_a_report_cannot_answer_is_said_in_its_place(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All time has no period before it: the bridge says so, and everything else is there."""
    assert run(["report", "board", "--ledger", str(demo), "--period", "all", "--md", "-"]) == 0
    text = capsys.readouterr().out
    assert "This cannot be said: a bridge needs a period to compare with." in text
    assert "## Unit economics against target" in text


def test_an_empty_ledger_gives_a_report_that_says_nothing_is_known(
    tmp_path: Path, add_nothing: Callable[[Path], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """No call, no figure: unknown stays an en dash and no block breaks the pack."""
    root = add_nothing(tmp_path / "ledger")
    for name in NAMES:
        html = tmp_path / f"{name}.html"
        assert run(["report", name, "--ledger", str(root), "--html", str(html), "--period", "2026-10"]) == 0
        assert "–" in html.read_text()
    capsys.readouterr()


@pytest.fixture
def add_nothing() -> Callable[[Path], Path]:
    """A ledger without any call."""

    def made(root: Path) -> Path:
        with open_ledger(root, write=True, create=True):
            return root

    return made


def test_an_unknown_report_and_two_outputs_are_usage_faults(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The message names the reports there are, and what excludes what."""
    assert run(["report", "bord", "--ledger", str(demo)]) == 2
    assert "board, finance, engineering" in capsys.readouterr().err
    assert run(["report", "board", "--ledger", str(demo), "--json", "--html", "x"]) == 2
    assert "--json excludes" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_said(demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A directory is no file: exit code 4 and what to do."""
    assert run(["report", "engineering", "--ledger", str(demo), "--period", PERIOD, "--html", str(tmp_path)]) == 4
    assert "cannot be written" in capsys.readouterr().err


def test_what_can_be_scheduled_is_what_there_is() -> None:
    """The configuration's reports are the packs."""
    assert schedule.REPORTS == NAMES


# --- the file ---------------------------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """What a browser would see of a file: its elements, their attributes and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the element."""
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        self.words += data

    def tags(self) -> list[str]:
        """The elements by name, in order."""
        return [tag for tag, _ in self.elements]


def harmless(page: Page) -> None:
    """Nothing to run, nothing to fetch, nothing to send."""
    assert not {"script", "link", "img", "iframe", "object", "embed", "form", "base", "a"} & set(page.tags())
    for _, attributes in page.elements:
        assert not {name for name in attributes if name.startswith("on") or name in ("src", "href", "style", "srcset")}


@pytest.mark.parametrize("name", NAMES)
def test_the_file_runs_and_fetches_nothing(name: str, october: Callable[[str], dict[str, Path]]) -> None:
    """One file under 200 kB without script or address; its policy forbids all but the one style sheet, which it names rightly."""
    text = october(name)["html"].read_text()
    page = Page(text)
    harmless(page)
    assert len(text) < 200_000
    assert "http:" not in text
    assert "https:" not in text
    assert "url(" not in text
    policy = next(attributes["content"] for tag, attributes in page.elements if attributes.get("http-equiv") and tag == "meta")
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@pytest.mark.parametrize("name", NAMES)
def test_pictures_and_tables_are_told_to_those_who_do_not_see(name: str, october: Callable[[str], dict[str, Path]]) -> None:
    """Each chart is an image with title and description and stands beside a table; each table has a caption and heads."""
    page = Page(october(name)["html"].read_text())
    tags = page.tags()
    charts = [attributes for tag, attributes in page.elements if tag == "svg"]
    assert charts
    identities = [attributes["id"] for tag, attributes in page.elements if tag in ("title", "desc") and "id" in attributes]
    for chart in charts:
        assert chart["role"] == "img"
        assert str(chart["aria-labelledby"]).split() == [one for one in identities if one in str(chart["aria-labelledby"]).split()]
    assert tags.count("caption") == tags.count("table")
    assert {attributes.get("scope") for tag, attributes in page.elements if tag == "th"} == {"col", "row"}
    assert tags.count("h1") == 1
    all_identities = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(all_identities) == len(set(all_identities))


def pack_of(text: str, chart: Chart | None = None) -> Pack:
    """A pack in which everything that can hold a text holds this one."""
    block = Block(
        id="x",
        title=text,
        question=text,
        sentence=text,
        columns=[Column("a", text), Column("b", text, "money")],
        rows=[[text, "1"], [text, None]],
        total=[text, "2"],
        rows_printed=1,
        chart=chart or Chart("pairs", text, text, (text,), [ChartPoint(text, ["1"]), ChartPoint(text, [None])]),
        notes=[text],
        more=text,
    )
    return Pack(
        name="board", title=text, reader=text, period=text, label=text, start=text, end=text, versus=text, currency="USD",
        made_at="2026-11-02T06:00:00Z", sentence=f"{text}!", figures=[Figure(text, "text", text, "1", "up")],
        shares=Shares(1.0, None, None),
        pages=[[block]], methods={text: text},
    )  # fmt: skip


def cells(line: str) -> int:
    """The bars that divide a line of Markdown; those of a command within backticks divide nothing."""
    return 0 if line.startswith("More: ") else line.count("|") - line.count("\\|")


@given(st.one_of(st.just(HOSTILE), st.text(max_size=40), st.sampled_from(["</style>", "]]>", "\\", '"', "\x00", "|", "\n# x"])))
def test_names_from_a_ledger_make_no_element_no_style_and_no_cell(text: str) -> None:
    """Whatever a name holds, the file has the same elements as with a plain one, and Markdown as many lines and cells."""
    text = f"x{text}"
    plain, hostile = html_of(pack_of("name")), html_of(pack_of(text))
    page = Page(hostile)
    harmless(page)
    assert page.tags() == Page(plain).tags()
    lines, others = markdown_of(pack_of("name")).splitlines(), markdown_of(pack_of(text)).split("\n")[:-1]
    assert [cells(line) for line in lines] == [cells(line) for line in others]


# --- paper ------------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Prints an HTML file as a browser does."""
    chromium = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    assert chromium is not None, "printing needs Chromium: apt-get install chromium-headless-shell"
    folder = tmp_path_factory.mktemp("printed")

    def to_pdf(file: Path) -> Path:
        pdf = folder / f"{file.stem}.pdf"
        options = ["--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}", "--no-pdf-header-footer"]
        subprocess.run(
            [chromium, *options, f"--print-to-pdf={pdf}", file.resolve().as_uri()], check=True, capture_output=True, timeout=120
        )
        return pdf

    return to_pdf


def test_the_board_report_prints_as_two_pages(
    october: Callable[[str], dict[str, Path]], printed: Callable[[Path], Path], tmp_path: Path
) -> None:
    """On Letter and on A4 it is two pages; the sentence, the figures and the foot with period and badges are on paper as text."""
    letter = october("board")["html"]
    text = letter.read_text()
    a4 = tmp_path / "a4.html"
    a4.write_text(re.sub(r"<meta http-equiv[^>]*>", "", text).replace("@page {", "@page { size: A4;"))
    for file, height in ((letter, 792), (a4, 842)):
        pages = pypdf.PdfReader(printed(file)).pages
        assert [round(float(page.mediabox.height)) for page in pages] == [height, height]
        words = [" ".join(page.extract_text().split()) for page in pages]
        assert "In October 2026 AI earned $100,900 and cost $41,710: it created $59,190 (58.7%)." in words[0]
        assert "18,400 20,015 −1,615 −8.8%" in words[0]
        assert "Forecast of November 2026" in words[1]
        assert "How the figures are made" in words[1]
        for number, page in enumerate(words, start=1):
            assert f"{number} of 2" in page
            assert "October 2026 · USD" in page
            assert "96.8% attributed · not reconciled" in page


# --- cells and charts -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "cell", "said"),
    [
        ("money", "41709.99951838", "41,710"),
        ("money", "-1615.07953198", "−1,615"),
        ("money", "0.048580096", "0.0486"),
        ("money", None, "–"),
        ("change", "10379.9", "+10,380"),
        ("change", "-480", "−480"),
        ("change", "0", "±0"),
        ("share", -0.0877, "−8.8%"),
        ("share", 1, "100.0%"),
        ("factor", 1.509, "1.51 ×"),
        ("count", 41200, "41,200"),
        ("money_range", ["8210.53", "8249.47"], "8,211 to 8,249"),
        ("money_range", ["4290.1", "4290.2"], "4,290"),
        ("money_range", [None, "5"], "– to 5.00"),
        ("money_range", [None, None], "–"),
        ("share_range", [0.465, 0.628], "46.5% to 62.8%"),
        ("verdict", "destroys", "▼ destroys value"),
        ("verdict", "unknown", "unknown"),
    ],
)
def test_a_cell_is_written_by_what_it_is(kind: Any, cell: Any, said: str) -> None:
    """Money keeps its meaning at any size, ranges name both ends, unknown is an en dash."""
    assert shown(kind, cell) == said


def test_a_change_says_in_words_whether_it_is_better() -> None:
    """Colour is never the only carrier: more cost is worse, more value better, no change unchanged."""
    assert moved(Figure("Cost", "money", "1", "10710", "down")) == "▲ +10,710, worse"
    assert moved(Figure("Value", "money", "1", "-5", "up")) == "▼ −5.00, worse"
    assert moved(Figure("Value", "money", "1", "5", "up")) == "▲ +5.00, better"
    assert moved(Figure("Value", "money", "1", "0", "up")) == "unchanged"
    assert moved(Figure("Value", "money", "1", None, "up")) == "change unknown"
    assert signed("0.00") == "±0"


MONEY = st.decimals(-(10**9), 10**9, places=6).map(str)


@given(st.lists(MONEY, min_size=1, max_size=12), MONEY)
def test_each_step_of_a_waterfall_begins_where_the_last_one_ended(changes: list[str], before: str) -> None:
    """Bars touch: the right or left edge of each is an edge of the next, and nothing leaves the picture."""
    after = str(Decimal(before) + sum(map(Decimal, changes)))
    points = [ChartPoint("before", [before], whole=True), *(ChartPoint("x", [one]) for one in changes)]
    drawn = svg(Chart("waterfall", "t", "d", ("change",), [*points, ChartPoint("after", [after], whole=True)]), "w")
    bars = [
        (float(x), float(x) + float(width))
        for x, width in re.findall(r'<rect class="(?:whole|rise|fall)" x="([\d.-]+)" y="[\d.]+" width="([\d.]+)"', drawn)
    ]
    assert len(bars) == len(points) + 1
    for (left, right), (start, end) in pairwise(bars):
        assert min(abs(one - other) for one in (left, right) for other in (start, end)) <= 1.0
    assert all(0 <= left <= right <= 341 for left, right in bars)


def test_what_is_unknown_is_drawn_as_unknown_and_not_as_nothing() -> None:
    """A bar without a value is hatched and named."""
    drawn = svg(Chart("pairs", "t", "d", ("value", "cost"), [ChartPoint("nobody", [None, "5"])]), "p")
    assert drawn.count('class="unknown"') == 1
    assert ">unknown<" in drawn


def test_a_band_holds_its_line_and_tells_known_from_forecast() -> None:
    """What has happened is drawn whole, what is forecast dashed, and the band is one area."""
    points = [ChartPoint("1", ["1", None, None]), ChartPoint("2", ["2", None, None])]
    points += [ChartPoint(str(day), [str(day), str(day - 1), str(day + 1)], known=False) for day in range(3, 6)]
    drawn = svg(Chart("band", "t", "d", ("expected", "90%"), points), "b")
    assert drawn.count('class="line"') == 1
    assert drawn.count('class="line dashed"') == 3
    assert drawn.count("<polygon") == 1
