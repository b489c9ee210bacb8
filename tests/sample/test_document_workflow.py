"""The document workflow: before and after, on a real gateway, the same for the same seed."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import islice
from pathlib import Path

from click.testing import CliRunner

from breakeven.cli.documentdemo import document_workflow
from breakeven.cli.main import cli
from breakeven.sample.documents import invented_invoices
from breakeven.sample.prompts import NAMES, TICKETS, plain_requests


def test_the_ladder_lowers_the_invoice_and_answers_as_the_frontier_did(tmp_path: Path) -> None:
    """Most documents need no model any more, none is answered otherwise than before, and the ledger shows the difference."""
    folder = tmp_path / "documents"
    result = document_workflow(folder, 150, 5)
    assert result.answered > 0.6 * result.documents
    assert result.agreed == result.answered
    share = 1 - Decimal(result.answered) / result.documents
    assert (
        result.cost_after < (share + Decimal("0.2")) * result.cost_before
    )  # a twentieth of the answered is checked with the model
    assert "at least 9" in result.sentence
    found = CliRunner().invoke(cli, ["pnl", "--ledger", str(folder), "--period", "all", "--by", "workflow", "--json"])
    rows = {row["label"]: row for row in json.loads(found.stdout)["rows"]}
    assert {label: row["outcomes"] for label, row in rows.items()} == {"before: frontier model": 150, "after: handler first": 150}
    assert Decimal(rows["after: handler first"]["cost"]) == result.cost_after


def test_the_same_seed_makes_the_same_documents_and_prompts() -> None:
    """Byte for byte; another seed makes others."""

    def made(seed: int) -> list[bytes]:
        plain = [one.body for feature in (TICKETS, NAMES) for one in islice(plain_requests(feature, seed), 50)]
        return [*(one.body for one in islice(invented_invoices(seed), 50)), *plain]

    assert made(4) == made(4) != made(5)


def test_documents_say_that_they_are_invented() -> None:
    """Every invoice says so itself."""
    assert all("This invoice is invented." in one.text for one in islice(invented_invoices(9), 100))
