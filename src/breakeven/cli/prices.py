"""`breakeven prices`: list, show, compare and add dated prices; restate the ledger after a price was corrected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from breakeven.cli.acting import acting
from breakeven.cli.context import echo_json, ledger_options, load
from breakeven.cli.rate import card_for, context, instant, utc_now
from breakeven.economics.money import digits
from breakeven.errors import UsageError

_LISTED = ("input", "cache_read", "cache_write_5m", "output")
_NOTHING_CHANGED = "the releases say the same"


@click.group()
def prices() -> None:
    """The dated price book: archived base catalogue, our corrections, your price files."""


@prices.command("list")
@click.argument("model", default="")
@click.option("--provider", default="", help="Only this provider.")
@click.option("--at", "at_text", metavar="INSTANT", help="Prices at this instant. Default: now.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("--csv", "as_csv", is_flag=True, help="Comma-separated values.")
@ledger_options
def list_(  # noqa: PLR0917 - one argument per option
    model: str, provider: str, at_text: str | None, as_json: bool, as_csv: bool, ledger_path: Path | None, config: Path | None
) -> None:
    """List prices per million tokens of the models whose name contains MODEL."""
    from breakeven.pricebook.history import current_prices

    at = instant(at_text)
    found = list(current_prices(card_for(config, ledger_path), at, provider, model))
    rows: list[dict[str, Any]] = [
        {"provider": p.provider, "model": p.model, "layer": p.layer, "version": p.version, "prices": dict(p.prices)} for p in found
    ]
    if as_json:
        echo_json({"at": f"{at.isoformat()}Z", "currency": "USD", "rows": rows})
        return
    _table(
        [{**row, **{name: row["prices"].get(name, "") for name in _LISTED}} for row in rows],
        {
            "provider": "Provider",
            "model": "Model",
            **{name: name for name in _LISTED},
            "layer": "Layer",
            "version": "Price version",
        },
        as_csv=as_csv,
    )


@prices.command()
@click.argument("provider")
@click.argument("model")
@click.option("--at", "at_text", metavar="INSTANT", help="The price at this instant. Default: now.")
@click.option("--context", "context_texts", multiple=True, metavar="KEY=VALUE", help="What decides the price besides the model.")
@click.option("--input-tokens", default=0, help="Size of the request, for long-context tiers.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@ledger_options
def show(  # noqa: PLR0917 - one argument per option
    provider: str,
    model: str,
    at_text: str | None,
    context_texts: tuple[str, ...],
    input_tokens: int,
    as_json: bool,
    ledger_path: Path | None,
    config: Path | None,
) -> None:
    """Show what a model costs at an instant, and every dated row behind it with its source."""
    from breakeven.pricebook import PricingKey
    from breakeven.pricebook.history import history_of

    card = card_for(config, ledger_path)
    at = instant(at_text)
    quote = card.quote(PricingKey(provider, model, at, tuple(sorted(context(context_texts).items())), input_tokens))
    history = history_of(card, provider, model)
    lines = [
        {"class": line.usage_class, "kind": line.kind, "unit_price": digits(line.unit_price), "price_version": line.price_version}
        for priced in quote.lines.values()
        for line in priced
    ]
    rows = [{name: getattr(row, name) for name in row.__slots__} for row in history]
    declared = [f"{item.section}: {item.name}: {item.text} ({item.where})" for item in card.declared]
    if as_json:
        problem = quote.problem and {"where": quote.problem.where, "what": quote.problem.what, "remedy": quote.problem.remedy}
        named = {"provider": provider, "model": quote.model or model, "at": f"{at.isoformat()}Z", "currency": "USD"}
        echo_json({**named, "lines": lines, "rows": rows, "declared": declared, "problem": problem})
        return
    click.echo(f"{provider} · {quote.model or model} · {at.isoformat()}Z · USD per single unit")
    if quote.problem:
        click.echo(f"breakeven: {quote.problem}", err=True)
    _table(lines, {"class": "Class", "kind": "Kind", "unit_price": "Per unit", "price_version": "Price version"})
    click.echo("\nDated rows, the most binding first (USD per million tokens or thousand calls)")
    heads = {"layer": "Layer", "start": "From", "end": "To", "when": "When", "prices": "Prices", "source": "Source", "why": "Why"}
    _table(rows, heads)
    for line in declared:
        click.echo(line)


@prices.command()
@click.option("--from", "before", metavar="VERSION", help="The earlier release. Default: the one recorded before the last.")
@click.option("--to", "after", metavar="VERSION", help="The later release. Default: the last one recorded.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@ledger_options
def diff(before: str | None, after: str | None, as_json: bool, ledger_path: Path | None, config: Path | None) -> None:
    """Show what a later release of the base catalogue says otherwise than an earlier one."""
    from breakeven.pricebook.catalogue import ensure_archived
    from breakeven.pricebook.history import differences

    directory = _prices_directory(config, ledger_path)
    recorded = {archive.version: archive for archive in ensure_archived(directory, utc_now())}
    order = list(recorded)
    later = after or order[-1]
    earlier = before or (order[order.index(later) - 1] if later in order and order.index(later) else later)
    for version in (earlier, later):
        if version not in recorded:
            raise UsageError(f"release {version!r} is not recorded", f"Recorded are: {', '.join(order)}.")
    changes = differences(recorded[earlier], recorded[later])
    rows = [{"provider": c.provider, "model": c.model, "before": c.before, "after": c.after} for c in changes]
    if as_json:
        echo_json({"from": earlier, "to": later, "rows": rows})
        return
    click.echo(f"genai-prices {earlier} → {later}: {len(rows) or _NOTHING_CHANGED}{' models differ' if rows else ''}")
    _table(rows, {"provider": "Provider", "model": "Model", "before": "Before", "after": "After"})


@prices.command()
@click.option("--accept", is_flag=True, help="Let the installed release change closed periods too.")
@click.option("--by", default="", help="Who accepts it.")
@ledger_options
def update(accept: bool, by: str, ledger_path: Path | None, config: Path | None) -> None:
    """Record the installed release of the base catalogue; closed periods keep their prices unless it is accepted."""
    from breakeven.pricebook.catalogue import accept as accept_release
    from breakeven.pricebook.catalogue import archives, ensure_archived, installed_version
    from breakeven.pricebook.history import differences

    settings, path = load(config, ledger_path)
    directory = _prices_directory(config, ledger_path)
    known = archives(directory)
    recorded = ensure_archived(directory, utc_now())
    version = installed_version()
    if len(recorded) == len(known):
        click.echo(f"genai-prices {version} was recorded before")
    else:
        changed = len(differences(known[-1], recorded[-1])) if known else 0
        click.echo(f"genai-prices {version} is recorded; {changed} models differ from the release before")
    if accept:
        with acting(settings, path, "change prices", f"base prices {version}", why=by or None) as act:
            accept_release(directory, version, utc_now(), by)
            act.after = "accepted for closed periods"
        click.echo(
            f"genai-prices {version} is accepted for closed periods; price them again with: breakeven prices restate --from DATE"
        )


@prices.command()
@click.argument("provider")
@click.argument("model")
@click.option("--from", "start_text", required=True, metavar="INSTANT", help="From when on, like 2026-06-01T00:00:00Z.")
@click.option("--to", "end_text", metavar="INSTANT", help="Until when, exclusive. Default: open.")
@click.option("--input", "input_", metavar="PRICE", help="USD per million input tokens.")
@click.option("--output", metavar="PRICE", help="USD per million output tokens.")
@click.option("--cache-read", metavar="PRICE", help="USD per million tokens read from a cache.")
@click.option("--cache-write", metavar="PRICE", help="USD per million tokens written to a cache (shortest retention).")
@click.option("--cache-write-1h", metavar="PRICE", help="USD per million tokens written for an hour.")
@click.option(
    "--unit", "units", multiple=True, metavar="CLASS=PRICE", help="Any other usage class, like web_search=10 (per thousand)."
)
@click.option("--source", required=True, help="A name for where the price is written, like acme-contract.")
@click.option("--reference", default="", help="The contract, page or invoice itself, kept under sources.")
@click.option("--why", default="", help="Why this price and not the book's.")
@click.option("--file", "target", type=click.Path(path_type=Path), help="The price file. Default: the last one configured.")
@ledger_options
def add(  # noqa: PLR0913, PLR0917 - one argument per option
    provider: str,
    model: str,
    start_text: str,
    end_text: str | None,
    units: tuple[str, ...],
    source: str,
    reference: str,
    why: str,
    target: Path | None,
    ledger_path: Path | None,
    config: Path | None,
    **amounts: str | None,
) -> None:
    """Add a dated price to your price file; the rest of the file stays as it is."""
    from breakeven.pricebook.history import NewPrice, with_price, write_price_file

    settings, ledger = load(config, ledger_path)
    path = target or (settings.overlays[-1] if settings.overlays else Path("prices.yaml"))
    end = instant(end_text) if end_text else None
    new = NewPrice(provider, model, instant(start_text), _amounts(amounts, units), source, end, why, reference)
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    with acting(settings, ledger, "change prices", f"price of {provider} {model}", why=why or None) as act:
        write_price_file(path, with_price(before, str(path), new, utc_now()))
        act.after = f"{', '.join(f'{name} {price}' for name, price in new.units.items())} from {start_text}, source {source}"
    click.echo(f"{path}: {provider} {model} from {start_text}", err=True)
    if path not in settings.overlays:
        click.echo(f"  Put it in force: add 'prices: {{overlay: {path}}}' to breakeven.yaml.", err=True)
    click.echo(f"  For calls already recorded: breakeven prices restate --from {start_text[:10]} --dry-run", err=True)


@prices.command()
@click.option("--from", "since_text", required=True, metavar="DATE", help="Price again what happened since.")
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@ledger_options
def restate(since_text: str, dry_run: bool, as_json: bool, ledger_path: Path | None, config: Path | None) -> None:
    """Price recorded calls again with today's book: each changed line is reversed and written anew, nothing is overwritten."""
    from breakeven import app
    from breakeven.ledger import open_ledger
    from breakeven.ledger.restate import restate as restate_ledger

    settings, path = load(config, ledger_path)
    since = instant(since_text if "T" in since_text else f"{since_text}T00:00:00Z")
    with acting(settings, path, "change prices", f"costs since {since_text}") as act, open_ledger(path, write=True) as ledger:
        quotes = app.quotes_for(app.rate_card(settings, path))
        result = restate_ledger(ledger, quotes, since, utc_now(), dry_run=dry_run, cost_class=settings.cost_classes)
        act.done, act.before, act.after = not dry_run, digits(result.before), digits(result.after)
    change = result.after - result.before
    if as_json:
        amounts = {"before": digits(result.before), "after": digits(result.after), "change": digits(change)}
        counts = {"calls": result.calls, "reversed_lines": result.reversed_lines, "new_lines": result.new_lines}
        echo_json({"from": since_text, "dry_run": dry_run, **counts, **amounts, "by": result.by})
        return
    verb = "would change" if dry_run else "changed"
    click.echo(f"{result.calls} calls {verb}: {result.reversed_lines} lines reversed, {result.new_lines} written")
    click.echo(f"cost ${digits(result.before)} → ${digits(result.after)} ({digits(change)})")
    if result.corrections:
        booked = "would be" if dry_run else "are"
        click.echo(f"  {result.corrections} of the lines concern a closed period and {booked} booked after it", err=True)


def _amounts(options: Mapping[str, str | None], units: Iterable[str]) -> dict[str, str]:
    """The prices by usage class, from the named options and from `CLASS=PRICE`."""
    given = {"input": options["input_"], "output": options["output"], "cache_read": options["cache_read"]}
    given |= {"cache_write_5m": options["cache_write"], "cache_write_1h": options["cache_write_1h"]}
    found = {name: price for name, price in given.items() if price is not None}
    found |= context(units)
    if not found:
        raise UsageError("no price is given", "Give --input and --output, or --unit CLASS=PRICE.")
    return found


def _prices_directory(config: Path | None, ledger_path: Path | None) -> Path:
    _, ledger = load(config, ledger_path)
    return ledger / "prices"


def _table(rows: Sequence[Mapping[str, Any]], heads: Mapping[str, str], *, as_csv: bool = False) -> None:
    import csv
    import sys

    from breakeven.cli.tables import Column, draw

    if as_csv:
        writer = csv.writer(sys.stdout)
        writer.writerow(heads)
        writer.writerows([row[name] for name in heads] for row in rows)
    elif rows:
        numeric = {*_LISTED, "unit_price"}
        draw([Column(head, [str(row[name] or "") for row in rows], drop=index // 4, left=name not in numeric)
              for index, (name, head) in enumerate(heads.items())])  # fmt: skip
    else:
        click.echo("nothing to show", err=True)
