"""Replays from a file: the same task answered on two rungs, as `breakeven route` is trained, certified and evaluated on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from breakeven.errors import DataError, Problem, Unreachable, UsageError

if TYPE_CHECKING:
    from breakeven.alignment.routing.pairs import Pair

_READERS = {
    ".parquet": "read_parquet(?)",
    ".csv": "read_csv(?, header = true)",
    ".tsv": "read_csv(?, header = true)",
    ".jsonl": "read_json(?, format = 'newline_delimited')",
    ".ndjson": "read_json(?, format = 'newline_delimited')",
    ".json": "read_json(?)",
}
_SHOWN_PROBLEMS = 5


class PairColumns(NamedTuple):
    """Where in a file the text, both scores and the tag stand."""

    text: str
    weak: str
    strong: str
    tag: str | None


def read_table(file: Path, columns: Sequence[str]) -> list[tuple[object, ...]]:
    """These columns of a Parquet, CSV or JSONL file (the latter two also as .gz). Raises Unreachable, UsageError or DataError."""
    import duckdb

    if not file.is_file():
        raise Unreachable(f"{file} does not exist", "Give an existing file.")
    suffix = Path(file.stem).suffix if file.suffix == ".gz" else file.suffix
    reader = _READERS.get(suffix.lower())
    if reader is None:
        raise UsageError(f"{file} is of no known kind", f"Give a file that ends in {', '.join(_READERS)}.")
    with duckdb.connect() as connection:
        try:
            found = connection.execute(f"DESCRIBE SELECT * FROM {reader}", [str(file)]).fetchall()
            names = [str(row[0]) for row in found]
            missing = [name for name in columns if name not in names]
            if missing:
                raise UsageError(f"{file} has no column {missing[0]!r}", f"Its columns are: {', '.join(names)}.")
            wanted = ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
            return connection.execute(f"SELECT {wanted} FROM {reader}", [str(file)]).fetchall()
        except duckdb.Error as error:
            raise DataError(f"{file} cannot be read: {str(error).splitlines()[0]}", "Give a Parquet, CSV or JSONL file.") from None


def read_pairs(files: Sequence[Path], columns: PairColumns) -> list[Pair]:
    """Every replay of these files. A faulty row is told on stderr and left out. Raises DataError where none is left."""
    from breakeven.alignment.routing.pairs import Pair

    wanted = [columns.text, columns.weak, columns.strong, *([columns.tag] if columns.tag else [])]
    pairs: list[Pair] = []
    problems: list[Problem] = []
    for file in files:
        for number, (text, weak, strong, *tag) in enumerate(read_table(file, wanted), 1):
            where = f"{file}, row {number}"
            scores = [score_of(value) for value in (weak, strong)]
            if text is None:
                problems.append(Problem(where, f"{columns.text} is empty", "Leave out tasks without a text."))
            elif None in scores:
                name, value = (columns.weak, weak) if scores[0] is None else (columns.strong, strong)
                problems.append(Problem(where, f"{name} is {value!r}", "Give true or false, or a score from 0 to 1."))
            else:
                low, high = (score or 0.0 for score in scores)
                pairs.append(Pair(str(text), str(tag[0]) if tag and tag[0] is not None else None, low, high))
    if not pairs:
        raise DataError(f"no replay in {', '.join(map(str, files))} can be used", "", tuple(problems[:_SHOWN_PROBLEMS]))
    for problem in problems[:_SHOWN_PROBLEMS]:
        click.echo(f"breakeven: {problem}", err=True)
    if len(problems) > _SHOWN_PROBLEMS:
        click.echo(f"breakeven: {len(problems) - _SHOWN_PROBLEMS:,} further rows were left out", err=True)
    return pairs


def score_of(value: object) -> float | None:
    """A score from 0 to 1; None where the value is none."""
    if isinstance(value, str):
        value = {"true": True, "false": False}.get(value.strip().lower(), value)
    try:
        score = float(value)  # type: ignore[arg-type]  # what is no number raises
    except (TypeError, ValueError):
        return None
    return score if 0 <= score <= 1 else None
