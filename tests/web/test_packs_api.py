"""Packs over HTTP: the same files as the command's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from breakeven.cli.main import run


@pytest.mark.parametrize("form", ["html", "md"])
def test_a_download_is_what_the_command_writes(site: Any, tmp_path: Path, form: str) -> None:
    """The same text but for the instant at which it was made, as an attachment with a name."""
    with site.client() as client:
        found = client.get("/api/v1/reports/engineering", params={"period": "2026-10", "format": form})
    assert found.status_code == 200, found.text
    assert found.headers["content-disposition"] == f'attachment; filename="engineering-2026-10.{form}"'
    assert found.headers["content-type"].split(";")[0] == {"html": "text/html", "md": "text/markdown"}[form]
    file = tmp_path / "file"
    assert run(["report", "engineering", "--ledger", str(site.ledger), "--period", "2026-10", f"--{form}", str(file)]) == 0

    def without_instant(text: str) -> list[str]:
        return [line for line in text.splitlines() if "made" not in line.lower() and "Content-Security-Policy" not in line]

    assert without_instant(found.text) == without_instant(file.read_text())


def test_json_is_the_structure(site: Any) -> None:
    """Without a format the pack is JSON, with pages of blocks."""
    with site.client() as client:
        found = client.get("/api/v1/reports/board?period=2026-10")
    pack = json.loads(found.content)
    assert [len(page) for page in pack["pages"]] == [6, 7]
    assert pack["sentence"].startswith("In October 2026 AI earned $100,900")


def test_an_unknown_report_is_told_with_those_there_are(site: Any) -> None:
    """A faulty name or format is a fault of the request."""
    with site.client() as client:
        unknown, form = client.get("/api/v1/reports/bored"), client.get("/api/v1/reports/board?format=pdf")
    assert unknown.status_code == 400
    assert "board, finance, engineering" in unknown.json()["error"]["remedy"]
    assert form.status_code == 400
