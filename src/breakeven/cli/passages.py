"""`breakeven compile passages`: of long inputs send only the passages that an answer needs."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from time import thread_time_ns
from typing import TYPE_CHECKING, Any

import click

from breakeven.cli.context import echo_json
from breakeven.cli.examples import file_bytes, reach, rows_of
from breakeven.errors import DataError, Problem, Unreachable, UsageError

if TYPE_CHECKING:
    from breakeven.alignment.passages.learning import Evidenced, PassageReplay
    from breakeven.alignment.passages.selector import PassageFile

_MILLION, _THOUSAND = 1_000_000, 1_000
_CHARACTERS_PER_TOKEN = 4
_NAMES = ("id", "document_id")


@click.group()
def passages() -> None:
    """Which passages of a long input an answer needs: learned from examples with their evidence, with the recall certified."""


def _example_options(command: Any) -> Any:  # noqa: ANN401 - a decorator of click commands
    """Add where the examples' parts stand."""
    tokens_help = "Field with the tokens of the input. Default: four characters are taken for a token."
    command = click.option("--tokens", "tokens", metavar="FIELD", help=tokens_help)(command)
    price_help = "Dollars per million input tokens: says what a thousand inputs cost, whole and in passages."
    command = click.option("--price", type=str, metavar="USD", help=price_help)(command)
    fields_help = "Only the evidence of these fields, separated by commas. Default: of all."
    command = click.option("--fields", "fields_text", default="", metavar="A,B,...", help=fields_help)(command)
    evidence_help = "Field with the evidence: an object of answer fields, each with the passages (texts) that its answer rests on."
    command = click.option("--evidence", required=True, metavar="FIELD", help=evidence_help)(command)
    command = click.option("--input", "input_", required=True, metavar="FIELD", help="Field with the input text.")(command)
    return click.argument("file", type=click.Path(path_type=Path))(command)


_floor_option = click.option(
    "--floor", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.95, show_default=True,
    help="Share of the evidence that must be among the passages sent, with 95% confidence.",
)  # fmt: skip


@passages.command()
@_example_options
@_floor_option
@click.option("-o", "--out", "target", type=click.Path(path_type=Path), required=True, help="Where the selector is written.")
@click.option("--seed", type=int, default=0, show_default=True, help="Draws which examples try which weights.")
@click.option("--json", "as_json", is_flag=True, help="The summary as one JSON document.")
def learn(floor: float, target: Path, seed: int, as_json: bool, price: str | None, **options: Any) -> None:  # noqa: ANN401 - options of click
    """Learn a selector of passages from the examples in FILE (JSONL, .gz, or Parquet) and write it as readable JSON."""
    from random import Random

    from breakeven.alignment.passages.learning import learn_passages
    from breakeven.alignment.passages.selector import written

    given = _Examples(**options)
    found = learn_passages(given.examples, given.fields, floor, Random(seed))  # noqa: S311 - draws folds, guards nothing
    try:
        target.write_bytes(written(found))
    except OSError as error:
        raise Unreachable(f"{target} cannot be written: {error.strerror}", "Give another file with -o.") from None
    kept = next((row for row in found.record if row.threshold == found.threshold), None)
    summary: dict[str, object] = {
        "examples": found.examples,
        "threshold": found.threshold,
        "recall": None if kept is None else kept.recall,
        "recall_lower_bound": None if kept is None else kept.recall_lower_bound,
        "sent": None if kept is None else kept.sent,
        **_economics(given, price, 1.0 if kept is None else kept.sent),
    }
    if as_json:
        echo_json(summary)
    elif kept is None:
        best = max(row.recall_lower_bound for row in found.record)
        click.echo(
            f"Written to {target}, but it sends everything: {found.examples:,} examples prove a recall of {best:.1%} at most."
        )
    else:
        click.echo(f"Written to {target}. Of {found.examples:,} examples, each tried with weights it had no part in,")
        click.echo(_sentence(kept.recall, kept.recall_lower_bound, kept.sent, given, price))


@passages.command()
@_example_options
@_floor_option
@click.option("--selector", type=click.Path(path_type=Path), help="Replay with this selector; learn nothing.")
@click.option("--seed", type=int, default=0, show_default=True, help="Draws the half that is learned from.")
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON document.")
def replay(
    floor: float,
    selector: Path | None,
    seed: int,
    as_json: bool,
    price: str | None,
    **options: Any,  # noqa: ANN401 - options of click
) -> None:
    """Measure recall and saving on the examples in FILE: with a selector, or learned on a random half and tried on the other."""
    from random import Random

    from breakeven.alignment.passages.learning import learn_passages, replay_passages

    given = _Examples(**options)
    if selector is None:
        chance = Random(seed)  # noqa: S311 - draws a half, guards nothing
        order = list(range(len(given.examples)))
        chance.shuffle(order)
        half = len(order) // 2
        found = learn_passages([given.examples[number] for number in order[:half]], given.fields, floor, chance)
        given = given.only(order[half:])
    else:
        found = _load(selector)
    result = replay_passages(found, given.examples, thread_time_ns)
    if as_json:
        echo_json({**asdict(result), "threshold": found.threshold, **_economics(given, price, result.sent)})
    else:
        _draw(found, result, given, price)


@passages.command()
@click.argument("selector", type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
def select(selector: Path, file: Path) -> None:
    """Print the passages of the text in FILE (- for stdin) that SELECTOR would send; `[...]` stands where some were left out."""
    from breakeven.alignment.passages.selector import select as choose

    text = sys.stdin.read() if str(file) == "-" else file_bytes(file).decode("utf-8", "replace")
    chosen = choose(_load(selector), text)
    click.echo(chosen.text)
    click.echo(f"{chosen.share:.1%} of the text, {len(chosen.sent):,} passages", err=True)


@passages.command()
@click.argument("selector", type=click.Path(path_type=Path))
@click.option("--words", "count", type=click.IntRange(min=1), default=20, show_default=True, help="How many weights to show.")
def show(selector: Path, count: int) -> None:
    """What a selector promises, the record behind it, and what speaks most for and against a passage."""
    file = _load(selector)
    click.echo(f"Learned from {file.examples:,} examples for {', '.join(file.fields) or 'all fields'}.")
    at = "nothing is left out: no record keeps the promise" if file.threshold is None else f"log-odds of {file.threshold:g} or more"
    click.echo(f"Promise: {file.floor:.1%} of the evidence is sent, with {file.confidence:.0%} confidence; sent is: {at}.")
    click.echo("threshold  recall  at least    sent")
    for row in file.record:
        mark = "  <- in force" if row.threshold == file.threshold else ""
        click.echo(f"{row.threshold:>9g}  {row.recall:>6.1%}  {row.recall_lower_bound:>8.1%}  {row.sent:>6.1%}{mark}")
    ordered = sorted(file.weights.items(), key=lambda rule: -rule[1])
    click.echo("for:     " + ", ".join(f"{name} {weight:+.1f}" for name, weight in ordered[:count]))
    click.echo("against: " + ", ".join(f"{name} {weight:+.1f}" for name, weight in ordered[: -count - 1 : -1]))


class _Examples:
    """The examples of a file, with their tokens."""

    def __init__(self, file: Path, input_: str, evidence: str, fields_text: str, tokens: str | None) -> None:
        self.fields = [name.strip() for name in fields_text.split(",") if name.strip()]
        self.examples: list[Evidenced] = []
        self.tokens: list[int] = []
        self.estimated = tokens is None
        problems: list[Problem] = []
        for where, row in rows_of(file):
            try:
                self._add(row, where, input_, evidence, tokens)
            except DataError as error:
                problems.append(Problem(where, error.what, error.remedy))
        if problems:
            raise DataError(f"{len(problems):,} examples of {file} cannot be read", "", tuple(problems[:5]))
        if not any(one.evidence for one in self.examples):
            raise DataError(f"{file} holds no evidence that stands in its input", "Evidence is text of the input, word for word.")
        missing = sum(one.missing for one in self.examples)
        if missing:
            click.echo(f"{missing:,} pieces of evidence do not stand in their input and are left out", err=True)

    def _add(self, row: Mapping[str, Any], where: str, input_: str, evidence: str, tokens: str | None) -> None:
        from breakeven.alignment.passages.learning import evidenced

        text, given = reach(row, input_), reach(row, evidence)
        if not isinstance(text, str) or not isinstance(given, dict):
            raise DataError(
                f"{input_} is no text, or {evidence} no object of fields", "Name the fields with --input and --evidence."
            )
        name = next((str(row[key]) for key in _NAMES if key in row), where)
        pieces = [
            (field, piece) for field, value in given.items() if not self.fields or field in self.fields for piece in _pieces(value)
        ]
        self.examples.append(evidenced(name, text, pieces))
        count = reach(row, tokens) if tokens is not None else max(1, len(text) // _CHARACTERS_PER_TOKEN)
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise DataError(
                f"{tokens} is {count!r} instead of a count of tokens", "Name a field with whole numbers, or leave --tokens out."
            )
        self.tokens.append(count)

    def only(self, numbers: Sequence[int]) -> _Examples:
        """Some of the examples."""
        part = object.__new__(_Examples)
        part.fields, part.estimated = self.fields, self.estimated
        part.examples = [self.examples[number] for number in numbers]
        part.tokens = [self.tokens[number] for number in numbers]
        return part


def _pieces(value: object) -> Iterator[str]:
    """The passages of one field: a text, a list of texts, or a list written as text."""
    if isinstance(value, str) and value.startswith("[") and value.endswith("]"):
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            yield str(value)
            return
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (one for one in value if isinstance(one, str))


def _load(selector: Path) -> PassageFile:
    from breakeven.alignment.passages.selector import read_selector

    return read_selector(file_bytes(selector), str(selector))


def _economics(given: _Examples, price: str | None, sent: float) -> dict[str, object]:
    """Tokens of a whole input and of what is sent, and what a thousand inputs cost; money as exact digits, null without a price."""
    whole = sum(given.tokens) / len(given.tokens)
    dollars = _price(price)
    cost = None if dollars is None else dollars * _THOUSAND * sum(given.tokens) / len(given.tokens) / _MILLION
    return {
        "tokens_per_example": round(whole, 1),
        "tokens_estimated": given.estimated,
        "cost_per_thousand": None if cost is None else _digits(cost),
        "cost_per_thousand_sent": None if cost is None else _digits(cost * Decimal(str(round(sent, 6)))),
    }


def _price(price: str | None) -> Decimal | None:
    if price is None:
        return None
    try:
        found = Decimal(price.lstrip("$"))
    except ArithmeticError:
        found = Decimal(-1)
    if not found.is_finite() or found < 0:
        raise UsageError(f"--price is {price!r}", "Write dollars per million input tokens, such as 2.50.")
    return found


def _digits(cost: Decimal) -> str:
    return f"{cost.quantize(Decimal('0.000001')).normalize():f}"


def _sentence(recall: float, bound: float, sent: float, given: _Examples, price: str | None) -> str:
    text = f"{recall:.1%} of the evidence (at least {bound:.1%}, with 95% confidence) is in {sent:.1%} of the input."
    economics = _economics(given, price, sent)
    if economics["cost_per_thousand"] is None:
        return text
    whole, part = (Decimal(str(economics[name])) for name in ("cost_per_thousand", "cost_per_thousand_sent"))
    kind = ", tokens estimated" if given.estimated else ""
    costs = f"${whole:.2f} whole, in input alone, and ${part:.2f} in passages"
    return f"{text}\nA thousand inputs cost {costs} ({1 - sent:.1%} less{kind})."


def _draw(file: PassageFile, result: PassageReplay, given: _Examples, price: str | None) -> None:
    if result.recall is None or result.recall_lower_bound is None or result.fields_answerable is None:
        raise DataError("no example has evidence", "Evidence is text of the input, word for word.")
    if file.threshold is None:
        click.echo(f"Everything is sent: the examples learned from do not prove a recall of {file.floor:.1%}.")
    click.echo(f"{result.examples:,} examples with {result.pieces:,} pieces of evidence:")
    click.echo(_sentence(result.recall, result.recall_lower_bound, result.sent, given, price))
    click.echo(f"Of {result.fields_answerable:.1%} of the fields with evidence at least one piece was sent.")
    click.echo(f"CPU time per example: {result.microseconds_per_example:,.0f} µs")
