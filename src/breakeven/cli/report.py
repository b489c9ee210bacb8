"""`breakeven report NAME`: a pack to send to somebody, as one offline HTML file, Markdown or JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from breakeven.cli.context import echo_json, ledger_options, load, open_facts
from breakeven.cli.forecast import _book
from breakeven.cli.reports import _period, now, period_option
from breakeven.errors import Unreachable, UsageError

if TYPE_CHECKING:
    from breakeven.reports.packs import Pack

STDOUT = "-"


@click.command()
@click.argument("name", metavar="board|finance|engineering")
@period_option
@click.option("--html", "html_path", metavar="FILE", help="Write one offline HTML file, which prints as pages; `-` for stdout.")
@click.option("--md", "markdown_path", metavar="FILE", help="Write Markdown; `-` for stdout, which is the default.")
@click.option("--json", "as_json", is_flag=True, help="JSON: money as strings of exact digits, null where unknown.")
@ledger_options
def report(
    *,
    name: str,
    period: str | None,
    html_path: str | None,
    markdown_path: str | None,
    as_json: bool,
    ledger_path: Path | None,
    config: Path | None,
) -> None:
    """A report to send: the board's two pages, the finance pack or the engineering pack, from the reports' own figures.

    The HTML is a single file without scripts: it opens from a mail, and printing it gives the PDF.
    """
    from breakeven.ledger.store import locate
    from breakeven.reports.packs import Sources, compose, html_of, markdown_of, pack_kind

    pack_kind(name)
    if as_json and (html_path or markdown_path):
        raise UsageError("--json excludes --html and --md", "Choose one of them.")
    if html_path == STDOUT and markdown_path == STDOUT:
        raise UsageError("--html and --md cannot both go to stdout", "Name a file for one of them.")
    settings, path = load(config, ledger_path)
    with open_facts(path, settings) as ledger:
        at = now()
        sources = Sources(ledger, settings, locate(path), _period(ledger, period), at, lambda: _book(settings, path, at))
        pack = compose(name, sources)
    if as_json:
        echo_json(pack)
        return
    if html_path is not None:
        _write(html_path, html_of(pack), pack)
    if markdown_path is not None or html_path is None:
        _write(markdown_path or STDOUT, markdown_of(pack), pack)


def _write(place: str, text: str, pack: Pack) -> None:
    if place == STDOUT:
        click.echo(text, nl=False)
        return
    try:
        Path(place).write_text(text, "utf-8")
    except OSError as error:
        raise Unreachable(f"{place} cannot be written: {error.strerror}", "Check the path and its permissions.") from None
    click.echo(f"breakeven: {pack.title}, {pack.label}: {place}", err=True)
