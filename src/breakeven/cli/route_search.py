"""`breakeven route search`: which ladder of several models replaces a strong one, chosen on one half and judged on the other."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from breakeven.cli.context import echo_json
from breakeven.cli.replayfile import read_table, score_of
from breakeven.cli.tables import Column, draw
from breakeven.errors import DataError, UsageError
from breakeven.reports.words import percent

if TYPE_CHECKING:
    from breakeven.alignment.routing.certifying import Terms
    from breakeven.alignment.routing.ladders import Answered, Found, Ladder

_PATH = click.Path(path_type=Path)
_PER_TOKEN = 1_000_000
"""A price per million tokens in dollars is, per token, so many 10⁻¹² of a dollar."""
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
_PRICE_COLUMNS = ("model", "usd_per_mtok_in", "usd_per_mtok_out")


@click.command()
@click.argument("file", type=_PATH)
@click.option("--strong", required=True, metavar="MODEL", help="The model that is paid for today.")
@click.option("--prices", required=True, type=_PATH, help="CSV: model, usd_per_mtok_in, usd_per_mtok_out. Others are left out.")
@click.option("--question", default="question", show_default=True, metavar="COLUMN", help="Column that names the question.")
@click.option("--model", default="model", show_default=True, metavar="COLUMN", help="Column that names the model.")
@click.option("--answer", default="answer", show_default=True, metavar="COLUMN", help="Column with the answer as extracted.")
@click.option(
    "--score", default="score", show_default=True, metavar="COLUMN", help="Column with the score: true, false, or 0 to 1."
)
@click.option("--input-size", default="input_tokens", show_default=True, metavar="COLUMN", help="Column with what was read.")
@click.option("--output-size", default="output_tokens", show_default=True, metavar="COLUMN", help="Column with what was written.")
@click.option("--characters-per-token", type=click.FloatRange(0.1, 100), default=1.0, help="Where sizes are characters: say 4.")
@click.option("--value", type=click.Choice(["text", "number"]), default="text", show_default=True, help="What must be equal.")
@click.option("--only", default="", metavar="PREFIX", help="Only questions whose name begins like this.")
@click.option(
    "--keep", type=click.FloatRange(0, 2, min_open=True), default=1.0, show_default=True, help="Part of the score to keep."
)
@click.option(
    "--margin", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.02, show_default=True, help="To prove."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Draws the half that chooses.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def search(file: Path, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - options of click
    """Choose a ladder on one half of the judged answers in FILE, and judge it on the other.

    FILE has one row for each question and model. Tried are every model alone, and every ladder of two to four cheap models that are
    asked in turn until two or three of them agree, while one more, the strong one or another, decides where they do not. Exit code
    1: the strong model stays.
    """
    from breakeven.alignment.routing.certifying import Terms
    from breakeven.alignment.routing.ladders import search as searched

    answers = _answers(file, options)
    if options["strong"] not in answers:
        known = ", ".join(sorted(answers)) or "none"
        raise UsageError(
            f"{options['strong']} has no price, or not an answer to every question", f"Models that can be compared: {known}."
        )
    terms = Terms(options["margin"])
    try:
        found = searched(options["strong"], answers, terms, options["keep"], options["seed"])
    except ValueError as error:
        raise DataError(f"{file}: {error}", "Give judged answers to more questions.") from None
    if as_json:
        echo_json(_document(found, terms))
    else:
        _draw(found, terms)
    if not found.enough:
        raise click.exceptions.Exit(1)


def _answers(file: Path, options: dict[str, Any]) -> dict[str, list[Answered]]:
    """By model, its answers in the order of the questions; models without a price or with gaps are told and left out."""
    from breakeven.alignment.routing.ladders import Answered

    prices = {str(name): (_price(one), _price(two)) for name, one, two in read_table(options["prices"], _PRICE_COLUMNS)}
    names = [options[key] for key in ("question", "model", "answer", "score", "input_size", "output_size")]
    per_token = Decimal(str(options["characters_per_token"]))
    found: dict[str, dict[str, Answered]] = {}
    for question, model, answer, score, read, wrote in read_table(file, names):
        price, judged = prices.get(str(model)), score_of(score)
        if not str(question).startswith(options["only"]) or price is None or judged is None or read is None or wrote is None:
            continue
        dollars = (Decimal(str(read)) * price[0] + Decimal(str(wrote)) * price[1]) / per_token
        cost = int(dollars * 10**12 / _PER_TOKEN)
        found.setdefault(str(model), {})[str(question)] = Answered(_stated(answer, options["value"]), judged, cost)
    questions = sorted(found.get(options["strong"], {}))
    whole = {name: rows for name, rows in found.items() if all(one in rows for one in questions)}
    left_out = sorted(set(found) - set(whole))
    if left_out:
        click.echo(f"breakeven: left out, because not every question is answered: {', '.join(left_out)}", err=True)
    return {name: [rows[one] for one in questions] for name, rows in sorted(whole.items()) if questions}


def _price(value: object) -> Decimal:
    return Decimal(str(value))


def _stated(answer: object, kind: str) -> object:
    """What an answer states; None where it states nothing."""
    if answer is None:
        return None
    text = str(answer).strip()
    if kind == "text":
        return text or None
    numbers = _NUMBER.findall(text)
    return Decimal(numbers[-1].replace(",", "")) if numbers else None


def _document(found: Found, terms: Terms) -> dict[str, object]:
    return {
        "questions": found.questions,
        "tried": found.tried,
        "strong": found.strong,
        **_figures(found.chosen),
        "saved_where_chosen": found.promised.saved,
        "quality_kept_where_chosen": found.promised.quality_kept,
        "cheapest_good_enough": _figures(found.cheapest),
        "margin": terms.margin,
        "p_value": found.p_value,
        "verdict": "enough" if found.enough else "stay",
        "sentence": found.sentence(terms),
        "trail": f"{found.tried:,} policies; {found.questions // 2:,} questions chose, the others judged; costs at list prices",
    }


def _figures(ladder: Ladder) -> dict[str, object]:
    """A ladder as it is asked, its last model last, and how it does on the half that judges."""
    return {
        "ladder": [*ladder.policy.asked, ladder.policy.last],
        "agreeing": ladder.policy.agreeing,
        "escalated": ladder.escalated,
        "saved": ladder.saved,
        "quality_kept": ladder.quality_kept,
    }


def _draw(found: Found, terms: Terms) -> None:
    click.echo(found.sentence(terms))
    rows = [("the half that chose", found.promised), ("the half that judges", found.chosen)]
    if found.cheapest.policy != found.chosen.policy:
        rows.append((f"bolder, not shown yet: {found.cheapest.policy.name}", found.cheapest))
    draw(
        [
            Column(found.chosen.policy.name, [label for label, _ in rows], left=True),
            Column("saved", [percent(one.saved) for _, one in rows]),
            Column("quality kept", [percent(one.quality_kept) for _, one in rows]),
            Column("last model asked", [percent(one.escalated) for _, one in rows]),
        ]
    )
    click.echo(str(_document(found, terms)["trail"]))
