"""`breakeven cascade`: whether two cheap models that agree may stand in for a strong one, on answers that were judged before."""

from __future__ import annotations

import fnmatch
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from breakeven.cli.context import echo_json
from breakeven.errors import DataError, Unreachable, UsageError

if TYPE_CHECKING:
    from breakeven.alignment.cascade import Comparison, Policy

_PER_MILLION = 1_000_000
_SUFFIXES = {
    ".parquet": "read_parquet(?)",
    ".csv": "read_csv(?, all_varchar = true, header = true)",  # amounts stay digits
    ".jsonl": "read_ndjson(?)",
    ".json": "read_json(?)",
}


@click.group("cascade")
def cascade() -> None:
    """Agreement cascades: two cheap models answer, equal answers are taken, else the strong one is asked."""


@cascade.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--strong", required=True, metavar="MODEL", help="The model to be relieved.")
@click.option("--cheap", "cheap", multiple=True, required=True, metavar="MODEL", help="A cheap model; give two or more.")
@click.option("--question", default="question", show_default=True, metavar="COLUMN", help="Column that names the question.")
@click.option("--model", "model_column", default="model", show_default=True, metavar="COLUMN", help="Column that names the model.")
@click.option("--answer", default="answer", show_default=True, metavar="COLUMN", help="Column with the answer.")
@click.option("--score", default="score", show_default=True, metavar="COLUMN", help="Column with the score, 0 to 1 or true/false.")
@click.option("--cost", "cost", metavar="COLUMN", help="Column with what the answer cost in USD. Else sizes and prices are needed.")
@click.option("--input-size", metavar="COLUMN", help="Column with the tokens (or characters) read.")
@click.option("--output-size", metavar="COLUMN", help="Column with the tokens (or characters) written.")
@click.option("--prices", type=click.Path(path_type=Path), help="CSV: model, usd_per_mtok_in, usd_per_mtok_out.")
@click.option("--characters-per-token", type=click.FloatRange(0.1, 100), help="The sizes are characters; so many make a token.")
@click.option(
    "--value",
    type=click.Choice(["text", "number", "choice", "literal", "json"]),
    default="text",
    show_default=True,
    help="What of two answers must be equal.",
)
@click.option("--where", "where", metavar="COLUMN=PATTERN", help="Only rows whose column looks like this: 'question=gsm8k-*'.")
@click.option(
    "--margin",
    type=click.FloatRange(0, 0.5, min_open=True),
    default=0.02,
    show_default=True,
    help="How much of the mean score may be lost at most, from 0 to 1.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def evaluate(file: Path, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - one per option above
    """Compare every cheap model alone and every agreeing pair with the strong model, on the judged answers in FILE.

    FILE is Parquet, CSV or JSONL with one row for each question and model. Exit code 1: no candidate is proven, the strong model
    stays.
    """
    from breakeven.alignment.cascade import compare, extracted
    from breakeven.alignment.checks.agreement import AgreementCheck, comparable
    from breakeven.alignment.task import Reply

    cheap = tuple(dict.fromkeys(options["cheap"]))
    if options["strong"] in cheap:
        raise UsageError(f"{options['strong']} is both strong and cheap", "Name other models with --cheap.")
    check = AgreementCheck("", options["value"])
    rows = _rows(file, (options["strong"], *cheap), options)
    answers = extracted(rows, lambda answer: comparable(check, Reply(str(answer))))
    for name in (options["strong"], *cheap):
        if name not in answers:
            raise UsageError(f"{file} has no rows of the model {name!r}", "Check --strong, --cheap, --model and --where.")
    found = compare(options["strong"], answers, cheap, options["margin"])
    if as_json:
        echo_json(_document(found, estimated=options["cost"] is None))
    else:
        _draw(found, options)
    if found.chosen is found.strong:
        raise click.exceptions.Exit(1)


def _rows(file: Path, models: tuple[str, ...], options: dict[str, Any]) -> list[tuple[str, str, object, float, int]]:
    """Question, model, answer, score and cost in atto-dollars of every row that counts."""
    prices = {} if options["cost"] else _prices(options["prices"], models)
    if not options["cost"] and not (options["input_size"] and options["output_size"]):
        raise UsageError("what an answer cost is not known", "Give --cost COLUMN, or --input-size, --output-size and --prices.")
    sizes = (options["cost"],) if options["cost"] else (options["input_size"], options["output_size"])
    columns = [options["question"], options["model_column"], options["answer"], options["score"], *sizes]
    where, _, pattern = (options["where"] or "").partition("=")
    if options["where"] and not pattern:
        raise UsageError(f"--where is {options['where']!r}", "Write COLUMN=PATTERN, such as 'question=gsm8k-*'.")
    per_token = Decimal(str(options["characters_per_token"] or 1))
    found: list[tuple[str, str, object, float, int]] = []
    for number, row in enumerate(_read(file, [*columns, where] if where else columns, models, options["model_column"]), 1):
        if where and not fnmatch.fnmatchcase(str(row[-1]), pattern):
            continue
        question, model, answer, score, *size = row[: len(columns)]
        if score is None or any(one is None for one in size):
            raise DataError(f"{file}, row {number} of {model} has no score or no size", "Leave the row out, or fill it in.")
        try:
            judged, cost = _score(score), _cost(size, prices.get(str(model)), per_token)
        except ArithmeticError:
            raise DataError(f"{file}, row {number} of {model}: {score!r} or {size!r} is no number", "Correct the row.") from None
        if not 0 <= judged <= 1 or cost < 0:
            raise DataError(f"{file}, row {number} of {model} has the score {score} and the size {size}", "Scores are 0 to 1.")
        found.append((str(question), str(model), answer, judged, cost))
    return found


def _score(score: object) -> float:
    """A score from 0 to 1, or a truth value."""
    text = str(score).casefold()
    return float(text == "true") if text in {"true", "false"} else float(Decimal(text))


def _cost(size: list[Any], price: tuple[Decimal, Decimal] | None, per_token: Decimal) -> int:
    from breakeven.economics.money import ATTO

    if price is None:
        return int(Decimal(str(size[0])) * ATTO)
    amount = sum((Decimal(str(count)) * each for count, each in zip(size, price, strict=True)), Decimal(0))
    return int(amount / per_token * ATTO / _PER_MILLION)


def _prices(file: Path | None, models: tuple[str, ...]) -> dict[str, tuple[Decimal, Decimal]]:
    import csv

    if file is None:
        raise UsageError("what an answer cost is not known", "Give --prices FILE with the sizes, or --cost COLUMN.")
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = {
                row["model"]: (Decimal(row["usd_per_mtok_in"]), Decimal(row["usd_per_mtok_out"])) for row in csv.DictReader(lines)
            }
    except OSError as error:
        raise Unreachable(f"{file} cannot be read: {error.strerror}", "Give an existing price list.") from None
    except (KeyError, ArithmeticError, UnicodeDecodeError) as error:
        remedy = "Its columns are model, usd_per_mtok_in and usd_per_mtok_out."
        raise DataError(f"{file} is no price list: {error!r}", remedy) from None
    missing = [name for name in models if name not in rows]
    if missing:
        raise DataError(f"{file} has no price of {', '.join(missing)}", "Add it, or leave the model out: unknown is not free.")
    return rows


def _read(file: Path, columns: list[str], models: tuple[str, ...], model: str) -> list[tuple[Any, ...]]:
    import duckdb

    reader = _SUFFIXES.get(file.suffix)
    if reader is None:
        raise UsageError(f"{file} has the ending {file.suffix!r}", f"Give a file that ends in {', '.join(_SUFFIXES)}.")
    if not file.is_file():
        raise Unreachable(f"{file} does not exist", "Give an existing file.")
    listed = ", ".join(f'"{name.replace(chr(34), chr(34) * 2)}"' for name in columns)
    key = f'"{model.replace(chr(34), chr(34) * 2)}"'
    query = f"select {listed} from {reader} where list_contains(?, cast({key} as varchar))"
    try:
        with duckdb.connect() as connection:
            return connection.execute(query, [str(file), list(models)]).fetchall()
    except duckdb.Error as error:
        raise DataError(f"{file} cannot be read so: {str(error).splitlines()[0]}", "Name its columns with the options.") from None


def _document(found: Comparison, *, estimated: bool) -> dict[str, object]:
    return {
        "questions": found.strong.questions,
        "margin": found.margin,
        "cost_state": "estimated" if estimated else "stated",
        "strong": _row(found.strong),
        "candidates": [_row(policy) for policy in found.candidates],
        "chosen": found.chosen.name,
        "sentence": found.sentence,
        "choosing": {
            "chosen": found.choosing.chosen,
            "saved": found.choosing.saved,
            "quality_kept": found.choosing.quality_kept,
        },
    }


def _row(policy: Policy) -> dict[str, object]:
    from breakeven.economics.money import ATTO

    return {
        "models": policy.models,
        "kind": policy.kind,
        "cost": f"{Decimal(policy.cost) / ATTO:f}",
        "score": policy.score,
        "saved": policy.saved,
        "quality_kept": policy.quality_kept,
        "agreed": policy.agreed,
        "proven": policy.proven,
    }


def _draw(found: Comparison, options: dict[str, Any]) -> None:
    from breakeven.cli.tables import Column, draw, each
    from breakeven.economics.money import ATTO

    rows = [found.strong, *found.candidates]
    draw(
        [
            Column("", [policy.name for policy in rows], left=True),
            Column("per question", [each(f"{Decimal(policy.cost) / ATTO / max(1, policy.questions):f}") for policy in rows]),
            Column("saved", [f"{policy.saved:.1%}" for policy in rows]),
            Column("quality kept", [f"{policy.quality_kept:.1%}" for policy in rows]),
            Column("agreed", ["–" if policy.agreed is None else f"{policy.agreed:.1%}" for policy in rows], drop=2),
            Column("proven", ["" if policy.kind == "strong" else "yes" if policy.proven else "no" for policy in rows], drop=1),
        ]
    )
    click.echo(found.sentence)
    if len(options["cheap"]) > 1 and found.strong.questions:
        first, second = found.choosing.chosen
        click.echo(
            f"Chosen on one half of the questions and judged on the other: {found.choosing.saved:.1%} saved, "
            f"{found.choosing.quality_kept:.1%} of the quality kept ({first if first == second else f'{first}; {second}'})."
        )
    if options["characters_per_token"]:
        click.echo(f"Note: costs are estimated from characters, {options['characters_per_token']:g} to a token for every model.")
