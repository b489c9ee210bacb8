"""PDF files as inputs: read with their columns, learned from and answered like any text; faulty ones are told."""

from __future__ import annotations

import io
import json
import re
from itertools import islice
from pathlib import Path
from types import ModuleType

import duckdb
import pypdf
import pytest
from click.testing import CliRunner, Result
from reportlab.pdfgen.canvas import Canvas

from breakeven.alignment.compiled.wording import agrees
from breakeven.alignment.task import Declined, Reply, Task
from breakeven.cli.main import cli, run
from breakeven.errors import DataError
from breakeven.exchange.documents import pdf_text
from breakeven.sample.documents import invented_invoices

HOW_TO = "docs/how-to/take-a-repeatable-feature-off-the-model.md"


def pdf_of(text: str) -> bytes:
    """A page with this text in a typewriter's letters."""
    target = io.BytesIO()
    canvas = Canvas(target)
    canvas.setFont("Courier", 9)
    for number, line in enumerate(text.splitlines()):
        canvas.drawString(40, 800 - 12 * number, line)
    canvas.save()
    return target.getvalue()


def command(*words: object) -> Result:
    """One command line."""
    return CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=False)


@pytest.fixture(scope="module")
def invented(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 160 invented invoices as PDF files, the first half named in past.jsonl, the other in later.jsonl."""
    folder = tmp_path_factory.mktemp("invoices")
    rows: list[str] = []
    for one in islice(invented_invoices(21), 160):
        name = f"{one.number}.pdf"
        (folder / name).write_bytes(pdf_of(one.text))
        rows.append(json.dumps({"id": name, "pdf": name, "answer": json.loads(one.answer)}))
    (folder / "past.jsonl").write_text("\n".join(rows[:80]))
    (folder / "later.jsonl").write_text("\n".join(rows[80:]))
    return folder


@pytest.fixture(scope="module")
def real(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The eight real invoices, named in a file of examples with number and total."""
    rows: list[str] = []
    for path in sorted((shared_data / "documents" / "invoices").glob("*.pdf")):
        told = json.loads(path.with_suffix(".json").read_text())
        told = told[0] if isinstance(told, list) else told
        answer = {"number": told["invoice_number"], "total": told.get("amount"), "date": told["date"], "supplier": told["issuer"]}
        rows.append(json.dumps({"id": path.stem, "pdf": str(path), "answer": answer}))
    assert len(rows) == 8
    target = tmp_path_factory.mktemp("real") / "real.jsonl"
    target.write_text("\n".join(rows))
    return target


def test_a_handler_is_learned_from_pdf_files_and_declines_strangers(invented: Path, real: Path) -> None:
    """Of 80 later invoices of repeated layouts more than half are answered, all rightly; of eight real ones of other firms none."""
    handler = invented / "handler.json"
    parts = ("--input", "pdf", "--output", "answer")
    assert command("compile", "learn", invented / "past.jsonl", *parts, "-o", handler).exit_code == 0
    later = json.loads(command("compile", "replay", invented / "later.jsonl", *parts, "--handler", handler, "--json").stdout)
    assert later["answered"] > 40
    assert later["agreement"] == 1.0
    strangers = json.loads(command("compile", "replay", real, *parts, "--handler", handler, "--json").stdout)
    assert (strangers["examples"], strangers["answered"]) == (8, 0)


def test_real_invoices_keep_their_columns(real: Path) -> None:
    """Number and total of the eight are in the text that is read, the total at the end of a cell of its own or beside its label."""
    for row in map(json.loads, real.read_text().splitlines()):
        text = pdf_text(Path(row["pdf"]).read_bytes(), row["id"])
        assert row["answer"]["number"].replace("_", " ") in text.replace("# ", "#").replace("_", " ")
        total = row["answer"]["total"]
        if total is not None:
            whole, cents = f"{total:.2f}".split(".")
            assert re.search(rf"{whole}(?:[.,]{cents}){'?' if cents == '00' else ''}", text)


def documented(repository: Path, name: str) -> ModuleType:
    """The registered handler that the how-to shows and that has this name in it."""
    page = (repository / HOW_TO).read_text(encoding="utf-8")
    code = next(block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if f"{name} = " in block)
    module = ModuleType("documented")
    exec(code, module.__dict__)  # noqa: S102 - the documentation's own example
    return module


def test_the_documented_handler_reads_real_invoices(repository: Path, real: Path) -> None:
    """It answers the two suppliers it knows as recorded, and declines all other invoices and prompts."""
    handle = documented(repository, "QUALITYHOSTING").handle
    known = 0
    for row in map(json.loads, real.read_text().splitlines()):
        answer = handle(Task(pdf_text(Path(row["pdf"]).read_bytes(), row["id"])))
        if answer is not None:
            known += 1
            assert (answer["number"], float(answer["total"]), answer["date"]) == (
                row["answer"]["number"], row["answer"]["total"], row["answer"]["date"],
            )  # fmt: skip
    assert known == 2
    assert handle(Task("What is the total of an invoice from QualityHosting AG?")) is None
    assert not isinstance(handle(Task("")), Reply | Declined)


@pytest.mark.parametrize(
    ("content", "fault"),
    [(b"%PDF-1.4 nothing", "cannot be read as PDF"), (b"", "cannot be read as PDF"), (pdf_of(""), "holds no text")],
)
def test_faulty_pdf_files_are_told(content: bytes, fault: str) -> None:
    """What is wrong with which file."""
    with pytest.raises(DataError, match=f"letter.pdf {fault}"):
        pdf_text(content, "letter.pdf")


def test_an_encrypted_pdf_is_told(tmp_path: Path) -> None:
    """Without its password it is not read; a file of examples that names it, or none, is told with its line."""
    writer = pypdf.PdfWriter(io.BytesIO(pdf_of("Secret")))
    writer.encrypt("password", algorithm="RC4-128")
    writer.write(tmp_path / "locked.pdf")
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"pdf": "locked.pdf", "answer": "x"}\n{"pdf": "missing.pdf", "answer": "x"}\n')
    result = CliRunner(catch_exceptions=True).invoke(cli, ["compile", "replay", str(rows), "--input", "pdf", "--output", "answer"])
    assert result.exception is not None
    assert run(["compile", "replay", str(rows), "--input", "pdf", "--output", "answer"]) == 3


def test_the_documented_pattern_reads_real_contracts(repository: Path, shared_data: Path) -> None:
    """It answers most of 246 contracts, nearly always with the recorded place, whatever is said of its country."""
    handle = documented(repository, "GOVERNED").handle
    contracts = duckdb.read_parquet(str(shared_data / "documents" / "contracts_cuad.parquet"))
    rows = contracts.select("text", "expected_json").fetchall()
    answers = [(handle(Task(text)), json.loads(told)["answers"]["Governing Law"]) for text, told in rows]
    answered = [(place, recorded) for place, recorded in answers if place is not None]
    assert len(answered) >= 0.6 * len(rows)
    assert sum(agrees(place, recorded) for place, recorded in answered) >= 0.9 * len(answered)
    assert sum(bare(place) == bare(recorded) for place, recorded in answered) >= 0.94 * len(answered)


def bare(place: str) -> str:
    """A place without its country or what kind of place it is."""
    return re.sub(r"People.s Republic of |Province of |, Canada| and Wales|; Wales", "", place)
