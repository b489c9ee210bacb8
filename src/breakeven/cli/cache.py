"""`breakeven cache`: what vendors' prompt caches save, and what they could save."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from breakeven.cli.context import ledger_options, load, open_facts
from breakeven.cli.imports import _pairs
from breakeven.cli.reports import _output, _period, output_options, period_option

if TYPE_CHECKING:
    from breakeven.exchange.prefixes import PrefixTraffic


@click.group()
def cache() -> None:
    """Vendors' prompt caches: what they saved, measured from usage, and what they could save."""


@cache.command()
@period_option
@output_options
@ledger_options
def report(*, period: str | None, as_json: bool, as_csv: bool, ledger_path: Path | None, config: Path | None) -> None:
    """Each feature's input: read from a cache, written to one, sent before; what it saved; whether to switch it on or off."""
    from breakeven.app import now, rate_card
    from breakeven.cli.draw_cache import draw_report
    from breakeven.reports.promptcache import prompt_cache

    settings, path = load(config, ledger_path)
    lifetimes = {name: feature.prompt_cache for name, feature in settings.features.items()}
    with open_facts(path, settings) as ledger:
        found = prompt_cache(ledger, lifetimes, rate_card(settings, path), _period(ledger, period), now())
    _output(found, as_json=as_json, as_csv=as_csv, rows=found.rows, drawn=draw_report)


@cache.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--provider", required=True, help="Whose prices: anthropic, openai, ...")
@click.option("--model", required=True, help="The model that the calls are priced at.")
@click.option(
    "--lifetime", type=click.Choice(["5m", "1h"]), default="5m", show_default=True, help="How long the vendor keeps a prefix."
)
@click.option("--map", "maps", multiple=True, metavar="FIELD=COLUMN", help="Take a field from this column (a.b reaches into JSON).")
@output_options
@ledger_options
def estimate(  # noqa: PLR0913 - one argument per option
    *,
    file: Path,
    provider: str,
    model: str,
    lifetime: str,
    maps: tuple[str, ...],
    as_json: bool,
    as_csv: bool,
    ledger_path: Path | None,
    config: Path | None,
) -> None:
    """Estimate what a prompt cache would save for the calls in FILE (CSV, JSON, JSONL or Parquet).

    Fields: input_tokens (all of them), cacheable_prefix_tokens (those that stood in a prompt's beginning seen before), and where
    known occurred_at and conversation (so that prefixes expire) and cache_read_tokens (what the vendor's cache did serve).
    """
    from breakeven.app import now, rate_card
    from breakeven.cli.draw_cache import draw_estimate
    from breakeven.exchange.importers.request import ImportRequest
    from breakeven.exchange.prefixes import read_prefixes
    from breakeven.providers.breakpoints import LIFETIMES, shortest
    from breakeven.reports.promptcache import Measured, cache_estimate, prices_of

    settings, path = load(config, ledger_path)
    least, at = shortest(model), now()
    request = ImportRequest([file], at, columns=_pairs("--map", maps))
    traffic = read_prefixes(file, request, LIFETIMES[lifetime], least)
    _tell(traffic)
    prices = prices_of(rate_card(settings, path), provider, model, lifetime, at)
    measured = Measured(traffic.calls, traffic.reuse, traffic.read, traffic.expires)
    found = cache_estimate(measured, prices, f"{provider} {model}", lifetime, least)
    _output(found, as_json=as_json, as_csv=as_csv, rows=[found], drawn=draw_estimate)


def _tell(traffic: PrefixTraffic) -> None:
    """The plan and the bad rows, to stderr."""
    for line in traffic.plan:
        click.echo(line, err=True)
    for problem in traffic.problems:
        click.echo(f"  {problem}", err=True)
    if traffic.rejected:
        click.echo(f"  {traffic.rejected:,} rows were left out", err=True)
