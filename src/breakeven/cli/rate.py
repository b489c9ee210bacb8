"""`breakeven rate`: price vendor response bodies and streams exactly, without a ledger."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from breakeven.cli.context import echo_json, ledger_options, load
from breakeven.economics.money import digits
from breakeven.errors import DataError, Problem, Unreachable, UsageError

if TYPE_CHECKING:
    from breakeven.economics.usage import UsagePart
    from breakeven.pricebook import Quote, RateCard, RatedLine
    from breakeven.providers import Reading

DATA_PROBLEM = 3
_ANSWER = ("message", "answer")  # how an iteration that is the answer itself is called, where a response has several


@click.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--provider", required=True, help="Who answered: openai, anthropic, google, bedrock, azure, ...")
@click.option(
    "--api", help="Whose shape the body has: chat, responses, messages, generate, embeddings, converse, ... Default: recognised."
)
@click.option("--model", help="The model, where the body does not say it (Bedrock, Cohere, Gemini).")
@click.option("--url", help="The address that was called; it may name the model, the region or the deployment.")
@click.option("--at", "at_text", metavar="INSTANT", help="When the call was made, like 2026-11-20T12:00:00Z. Default: now.")
@click.option(
    "--context", "context_texts", multiple=True, metavar="KEY=VALUE", help="What the body cannot say, like processing=batch."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per body and line.")
@ledger_options
def rate(  # noqa: PLR0913, PLR0917 - one argument per option
    file: Path,
    provider: str,
    api: str | None,
    model: str | None,
    url: str | None,
    at_text: str | None,
    context_texts: tuple[str, ...],
    as_json: bool,
    ledger_path: Path | None,
    config: Path | None,
) -> int:
    """Price the response bodies in FILE (`-`: standard input): one JSON body, an array, JSONL, or a recorded event stream."""
    from breakeven.providers import read_many

    at = instant(at_text)
    card = card_for(config, ledger_path)
    given = {"provider": provider, "api": api, "model": model, "url": url, "context": context(context_texts)}
    unreadable: list[Problem] = []
    results = [
        result_of(card, reading, at) for reading in _readable(read_many(_bytes(file), **given, where=_shown(file)), unreadable)
    ]
    for result in results:
        if as_json:
            echo_json(result)
        else:
            _draw(result)
    for problem in unreadable:
        click.echo(f"breakeven: {problem}", err=True)
    if not results and not unreadable:
        raise DataError(f"{_shown(file)} holds no response body", "Give JSON, an array, JSONL or an event stream.")
    return DATA_PROBLEM if unreadable else 0


def _readable(readings: Iterator[Reading], unreadable: list[Problem]) -> Iterator[Reading]:
    """Every body that can be read; one that cannot ends the input and is told after the others."""
    try:
        yield from readings
    except DataError as error:
        unreadable += error.problems or (Problem("input", error.what, error.remedy),)


def card_for(config: Path | None, ledger_path: Path | None) -> RateCard:
    """The rate card of the ledger where there is one, else of the installed catalogue; with the configured price files."""
    from breakeven.pricebook import open_card

    settings, ledger = load(config, ledger_path)
    kept = ledger.is_dir() and os.access(ledger, os.W_OK)
    return open_card(ledger / "prices" if kept else None, settings.overlays, utc_now())


def utc_now() -> datetime:
    """The present as naive UTC."""
    from datetime import UTC

    return datetime.now(UTC).replace(tzinfo=None)


def instant(text: str | None) -> datetime:
    """Naive UTC of an instant with its zone; now where there is none. Raises UsageError."""
    from breakeven.pricebook.catalogue import parse_instant

    if text is None:
        return utc_now()
    try:
        return parse_instant(text)
    except ValueError:
        raise UsageError(f"{text!r} is not an instant with a zone", "Write it like 2026-11-20T12:00:00Z.") from None


def context(texts: Iterable[str]) -> dict[str, str]:
    """The pricing context of `KEY=VALUE` texts. Raises UsageError."""
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not (key and equals and value):
            raise UsageError(f"--context {text!r} is not KEY=VALUE", "Write it like --context processing=batch.")
        found[key] = value
    return found


def _shown(file: Path) -> str:
    return "standard input" if str(file) == "-" else str(file)


def _bytes(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise Unreachable(f"{file} cannot be read: {error.strerror}", "Give an existing file, or - for standard input.") from None


def result_of(card: RateCard, reading: Reading, at: datetime) -> dict[str, Any]:
    """One body's price as the contract says. Money is text with every digit; what is unknown is null."""
    quotes, lines = _rated(card, reading, at)
    problems = [*reading.problems, *_price_problems(reading, quotes, lines)]
    ours = None if any(quote.problem for quote in quotes) else _sum(lines)
    state, cost = _outcome(reading, ours)
    result: dict[str, Any] = {
        "provider": reading.provider,
        "model": reading.model,
        "price_version": " + ".join(dict.fromkeys(quote.version for quote in quotes if quote.version)) or None,
        "currency": "USD",
        "usage": _usage(reading.parts),
        "lines": [_line(reading, quotes, line) for line in lines],
        "cost": digits(cost),
        "state": state,
        "problems": [{"where": p.where, "what": p.what, "remedy": p.remedy} for p in problems],
        "api": reading.api,
    }
    if len(reading.parts) > 1:
        result["parts"] = [{"model": p.model, "iteration": p.iteration, "usage": dict(p.usage)} for p in reading.parts]
    if reading.stated_cost is not None:
        result["list_cost"] = digits(ours)
        result["stated_upstream_cost"] = digits(reading.stated_upstream_cost)
    return result


def _rated(card: RateCard, reading: Reading, at: datetime) -> tuple[list[Quote], list[RatedLine]]:
    """Each model iteration at its own model's price and its own size."""
    from breakeven.economics.usage import total_input_tokens
    from breakeven.pricebook import PricingKey
    from breakeven.pricebook import rate as rate_usage

    quotes: list[Quote] = []
    lines: list[RatedLine] = []
    if reading.state != "metered":
        return quotes, lines
    facts = tuple(sorted(reading.context.items()))
    for number, part in enumerate(reading.parts):
        model = part.model or reading.model
        quotes.append(card.quote(PricingKey(reading.provider, model, at, facts, total_input_tokens(part.usage))))
        lines += rate_usage(quotes[-1], part.usage, number)
    return quotes, lines


def _outcome(reading: Reading, ours: int | None) -> tuple[str, int | None]:
    """The state and the cost: what the vendor states beats the list price, and what is unknown stays unknown."""
    if reading.state == "not_billed":
        return "not_billed", 0
    if reading.stated_cost is not None:
        return "stated", reading.stated_cost
    if reading.state == "usage_missing":
        return "usage_missing", None
    return ("unpriced", None) if ours is None else ("metered", ours)


def _sum(lines: Iterable[RatedLine]) -> int | None:
    from breakeven.pricebook import total

    return total(lines)


def _price_problems(reading: Reading, quotes: Iterable[Quote], lines: Iterable[RatedLine]) -> Iterator[Problem]:
    yield from dict.fromkeys(quote.problem for quote in quotes if quote.problem is not None)
    if any(quote.problem for quote in quotes):
        return
    where = f"{reading.provider}/{reading.model}"
    for line in lines:
        if line.cost is None:
            yield Problem(
                where, line.reason, f"Run: breakeven prices add {reading.provider} {reading.model} --unit {line.usage_class}=PRICE"
            )
        elif line.reason:
            yield Problem(where, line.reason, "Nothing to do while the allowance lasts.")


def _usage(parts: Sequence[UsagePart]) -> dict[str, int]:
    """What the answer itself used, as the vendor's own totals say; other iterations (compaction, advisor) stand under `parts`."""
    summed: dict[str, int] = {}
    for part in [part for part in parts if part.iteration in _ANSWER] or parts[:1]:
        for name, quantity in part.usage.items():
            summed[name] = summed.get(name, 0) + quantity
    return summed


def _line(reading: Reading, quotes: list[Quote], line: RatedLine) -> dict[str, Any]:
    model = quotes[line.part].model or reading.parts[line.part].model or reading.model
    return {
        "sku": f"{reading.provider}/{model}/{line.usage_class}",
        "quantity": line.quantity,
        "unit_price": digits(line.unit_price),
        "cost": digits(line.cost),
        "class": line.usage_class,
        "kind": line.kind,
        "state": line.state,
        "price_version": line.price_version,
        "part": line.part,
    }


def _draw(result: Mapping[str, Any]) -> None:
    """The receipt of one body, for people."""
    from breakeven.cli.tables import Column, draw

    cost = "unknown" if result["cost"] is None else f"${result['cost']}"
    click.echo(f"{result['provider']} · {result['model'] or 'unknown model'} · {result['state']} · {cost}")
    if result["lines"]:
        texts = {
            name: [str(line[name]) if line[name] is not None else "unknown" for line in result["lines"]]
            for name in ("class", "kind", "quantity", "unit_price", "cost", "price_version")
        }
        heads = {"class": "Class", "kind": "Kind", "quantity": "Quantity", "unit_price": "Per unit", "cost": "Cost, USD"}
        columns = [Column(head, texts[name], left=name in ("class", "kind")) for name, head in heads.items()]
        draw([*columns, Column("Price version", texts["price_version"], drop=1, left=True)])
    if "list_cost" in result:
        click.echo(f"at list prices: {result['list_cost'] or 'unknown'}")
    for problem in result["problems"]:
        click.echo(f"breakeven: {problem['where']}: {problem['what']}. {problem['remedy']}", err=True)
