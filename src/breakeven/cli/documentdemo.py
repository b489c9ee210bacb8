"""The document workflow of the sample company: first every invoice on the frontier model, then what was learned from it.

A gateway before the scripted vendor, which plays the recorded answers; bodies kept by consent; a handler compiled from them; then
the next invoices. The ledger is one of its own, so that nothing of it mixes with the year of the sample company.
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from breakeven.cli.context import load, open_for_reading
from breakeven.cli.livedemo import gateway_before
from breakeven.errors import Unreachable

if TYPE_CHECKING:
    from breakeven.sample.documents import InventedInvoice

BEFORE, AFTER = "before: frontier model", "after: handler first"
_CAPTURE_SECONDS = 30.0
_BATCH = 500
_OK = 200
_WITHOUT_MODEL = ("handler", "cache")


@dataclass(frozen=True, slots=True)
class DocumentWorkflow:
    """What the workflow cost before and after, and how the handler did; dollars, exact."""

    documents: int
    answered: int
    agreed: int
    cost_before: Decimal
    cost_after: Decimal

    @property
    def sentence(self) -> str:
        """The result in one sentence."""
        from breakeven.alignment.compiled.certificate import lower_bound

        before, after = (cost / self.documents for cost in (self.cost_before, self.cost_after))
        saved = 1 - self.cost_after / self.cost_before
        bound = lower_bound(self.agreed, self.answered)
        return (
            f"A document cost ${before:.5f} on the frontier model and ${after:.5f} with the handler before it: the vendor's "
            f"invoice for {self.documents:,} documents falls from ${self.cost_before:.4f} to ${self.cost_after:.4f} "
            f"({saved:.1%} less). "
            f"{self.answered:,} of {self.documents:,} ({self.answered / self.documents:.1%}) were answered without a model, "
            f"{self.agreed:,} of them as the frontier model would have (at least {bound:.1%}, with 95% confidence)."
        )


def document_workflow(folder: Path, count: int, seed: int) -> DocumentWorkflow:
    """Run it in a ledger of its own in `folder`; `count` documents before and as many after. Prints what it does to stderr."""
    from breakeven.cli.compile import learn
    from breakeven.ledger import open_ledger
    from breakeven.sample.documents import FEATURE, invented_invoices, truth_of
    from breakeven.sample.texts import DOCUMENTS_CONFIG, DOCUMENTS_HANDLER, DOCUMENTS_LADDER
    from breakeven.testing import ScriptedUpstream

    open_ledger(folder, write=True, create=True).close()
    found = list(islice(invented_invoices(seed), 2 * count))
    past, later = found[:count], found[count:]
    truth = truth_of(found)
    with ScriptedUpstream(truth=lambda body: truth.get(_prompt(body))) as vendor:
        (folder / "breakeven.yaml").write_text(DOCUMENTS_CONFIG + "\n", encoding="utf-8")
        with gateway_before(folder, vendor.url) as address:
            click.echo(f"{count:,} invented invoices on the frontier model, kept with the feature's consent ...", err=True)
            _through(address, past, BEFORE)
            _wait_until_kept(folder, FEATURE, count)
        click.echo("breakeven compile learn --from-captures:", err=True)
        learn.main(
            args=["--ledger", str(folder), "--from-captures", FEATURE, "-o", str(folder / DOCUMENTS_HANDLER)],
            prog_name="breakeven compile learn",
            standalone_mode=False,
        )
        (folder / "breakeven.yaml").write_text(DOCUMENTS_CONFIG + DOCUMENTS_LADDER, encoding="utf-8")
        with gateway_before(folder, vendor.url) as address:
            click.echo(f"{count:,} more invoices up the ladder cache, handler, frontier model ...", err=True)
            answers = _through(address, later, AFTER)
    costs = _costs(folder)
    agreed = sum(json.loads(answers[one.number]) == json.loads(one.answer) for one in later if one.number in answers)
    return DocumentWorkflow(count, len(answers), agreed, costs.get(BEFORE, Decimal(0)), costs.get(AFTER, Decimal(0)))


def show_documents(folder: Path, count: int, seed: int) -> None:
    """Run it and print the P&L before and after, and the sentence."""
    from breakeven.cli.reports import pnl

    click.echo("\nThe document workflow (invented invoices, a ledger of its own):", err=True)
    result = document_workflow(folder, count, seed)
    pnl.main(
        args=["--ledger", str(folder), "--period", "all", "--by", "workflow"], prog_name="breakeven pnl", standalone_mode=False
    )
    click.echo(result.sentence)


def _prompt(body: bytes) -> str:
    try:
        return str(json.loads(body)["messages"][-1]["content"])
    except (ValueError, LookupError, TypeError):
        return ""


def _through(address: str, invoices: Sequence[InventedInvoice], workflow: str) -> dict[int, str]:
    """Send invoices through the gateway and report them delivered; returns what was answered without a model, by number."""
    connection = _connected(address)
    without_model: dict[int, str] = {}
    for one in invoices:
        headers = {
            "content-type": "application/json", "breakeven-feature": _feature(), "breakeven-customer": one.customer,
            "breakeven-workflow": workflow,
        }  # fmt: skip
        connection.request("POST", "/v1/chat/completions", one.body, headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != _OK:
            raise Unreachable(f"the gateway answered {answer.status}: {content[:200]!r}", "This is a fault of Breakeven.")
        if answer.headers.get("breakeven-rung", "").startswith(_WITHOUT_MODEL):
            without_model[one.number] = json.loads(content)["choices"][0]["message"]["content"]
    _delivered(connection, invoices, workflow)
    connection.close()
    return without_model


def _delivered(connection: http.client.HTTPConnection, invoices: Sequence[InventedInvoice], workflow: str) -> None:
    """Every invoice is a unit delivered, whoever answered it."""
    at = datetime.now(UTC).isoformat()
    for start in range(0, len(invoices), _BATCH):
        rows = [
            {"id": f"{workflow}/{one.number}", "at": at, "unit": "document", "quantity": 1, "succeeded": True,
             "feature": _feature(),
            "customer": one.customer, "workflow": workflow}
            for one in invoices[start : start + _BATCH]
        ]  # fmt: skip
        connection.request("POST", "/api/v1/outcomes", json.dumps({"outcomes": rows}), {"content-type": "application/json"})
        connection.getresponse().read()


def _feature() -> str:
    from breakeven.sample.documents import FEATURE

    return FEATURE


def _connected(address: str) -> http.client.HTTPConnection:
    found = urllib.parse.urlsplit(address)
    return http.client.HTTPConnection(found.hostname or "127.0.0.1", found.port, timeout=30)


def _wait_until_kept(folder: Path, feature: str, count: int) -> None:
    """Bodies are written beside the calls, a moment later."""
    from breakeven.ledger.captures import read
    from breakeven.ledger.layout import Layout

    until = time.monotonic() + _CAPTURE_SECONDS
    while sum(1 for _ in read(Layout(folder), feature)) < count:
        if time.monotonic() > until:
            raise Unreachable("the gateway did not keep all bodies", "Free space on the disk; see /metrics: captures_dropped.")
        time.sleep(0.1)


def _costs(folder: Path) -> dict[str, Decimal]:
    """What each phase cost, exact."""
    _, path = load(None, folder)
    with open_for_reading(path) as ledger:
        rows = ledger.query("SELECT workflow, sum(cost) FROM cost_lines WHERE workflow IS NOT NULL GROUP BY workflow")
    return dict(rows)
