"""A FOCUS file held against the specification's machine-readable requirements model, and against laws that the model cannot say.

The model is the JSON document that the FinOps Foundation publishes beside the specification; it is given as a file and not shipped.
Each requirement becomes an SQL condition over the rows; a requirement below others holds only where all of theirs do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import msgspec

from breakeven.errors import DataError, UsageError
from breakeven.exchange.exporters.writing import quoted, suffix_of
from breakeven.exchange.focusconditions import condition
from breakeven.exchange.focuslaws import LAWS

_BINDING = frozenset({"MUST", "MUST NOT"})
_ADVICE = frozenset({"SHOULD", "SHOULD NOT", "RECOMMENDED"})
# Two requirements of the model ask for opposite things of the same null: what tells them apart (is there an invoice?) stands in no
# column. The other one, that an unbilled charge names no invoice, holds by construction.
CONTRADICTORY: Mapping[str, str] = {
    "InvoiceId-C-005-C": "contradicts InvoiceId-C-004-C in the model: whether a charge is invoiced stands in no column",
}


class Finding(msgspec.Struct, frozen=True):
    """One requirement: its id and words, whether it `holds`, `fails`, is `advice` not followed, or is not checked and why; bad rows."""

    requirement: str
    words: str
    verdict: str
    rows: int = 0
    why: str = ""


class _Reached(NamedTuple):
    """A requirement as the walk through the model meets it: under the conditions of those above it."""

    requirement: str
    body: Mapping[str, Any]
    conditions: tuple[Mapping[str, Any], ...]


def load_model(path: Path) -> Mapping[str, Any]:
    """The requirements model in a file. Raises DataError where it is none."""
    try:
        model = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.DecodeError) as error:
        raise DataError(
            f"the requirements model {path} cannot be read: {error}", "Give the JSON file of the specification."
        ) from None
    if "ModelRules" not in model or "ModelDatasets" not in model:
        raise DataError(f"{path} is not a FOCUS requirements model", "Give the JSON file with ModelDatasets and ModelRules.")
    return model


def check(path: Path, model: Mapping[str, Any] | None) -> list[Finding]:
    """Every law, and every requirement of the model, over the rows of one file. Raises UsageError and DataError."""
    with duckdb.connect() as connection:
        columns = _load(connection, path)
        found = [_judged(connection, law.name, law.words, law.where(columns), law.holds(columns)) for law in LAWS]
        if model is not None:
            found += [_finding(connection, model, reached, columns) for reached in _walk(model)]
        return found


def _load(connection: duckdb.DuckDBPyConnection, path: Path) -> frozenset[str]:
    """The file as texts, as any reader of CSV sees it; instants of Parquet in the specification's form."""
    if not path.is_file():
        raise UsageError(f"there is no file {path}", "Give a file that `breakeven export focus` or another tool wrote.")
    source = f"read_csv('{quoted(path)}', all_varchar = true, header = true, delim = ',', quote = '\"', escape = '\"')"
    if suffix_of(path) == "parquet":
        source = f"read_parquet('{quoted(path)}')"
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
        listed = ", ".join(f'{_as_text(name, kind)} AS "{name}"' for name, kind, *_ in described)
        connection.execute(f"CREATE TEMP TABLE focus_file AS SELECT {listed} FROM {source}")
    except duckdb.Error as error:
        raise DataError(f"{path} cannot be read: {str(error).splitlines()[0]}", "Give a FOCUS file in CSV or Parquet.") from None
    return frozenset(name for name, *_ in described)


def _as_text(name: str, kind: str) -> str:
    if kind.startswith("TIMESTAMP"):
        micros = f'epoch_us("{name}")'
        return f"strftime(make_timestamp({micros}), '%Y-%m-%dT%H:%M:%SZ')"
    return f'CAST("{name}" AS VARCHAR)'


def _walk(model: Mapping[str, Any]) -> Iterator[_Reached]:
    """The requirements of the dataset that are no mere list of others, each once for each way that leads to it."""
    rules = model["ModelRules"]
    seen: set[tuple[str, str]] = set()

    def below(name: str, conditions: tuple[Mapping[str, Any], ...]) -> Iterator[_Reached]:
        body = rules[name]["ValidationCriteria"]
        own = (*conditions, body["Condition"]) if body["Condition"] else conditions
        parts = [item["ModelRuleId"] for item in body["Requirement"].get("Items", ()) if item["CheckFunction"] == "CheckModelRule"]
        key = (name, repr(own))
        if key in seen:
            return
        seen.add(key)
        if rules[name]["Function"] == "Composite" and parts and body["Requirement"]["CheckFunction"] == "AND":
            for part in parts:
                yield from below(part, own)
        else:
            yield _Reached(name, rules[name], own)

    for dataset in model["ModelDatasets"].values():
        for name in dataset["ModelRules"]:
            yield from below(name, ())


def _finding(
    connection: duckdb.DuckDBPyConnection, model: Mapping[str, Any], reached: _Reached, columns: frozenset[str]
) -> Finding:
    name, body = reached.requirement, reached.body
    criteria = body["ValidationCriteria"]
    words, keyword = criteria["MustSatisfy"], criteria["Keyword"]
    if name in CONTRADICTORY:
        return Finding(name, words, "not checked", why=CONTRADICTORY[name])
    if body["Type"] != "Static":
        return Finding(name, words, "not checked", why="no file can show it: the model gives no check")
    if keyword not in _BINDING | _ADVICE:
        return Finding(name, words, "not checked", why="the requirement permits, it does not demand")
    rules = model["ModelRules"]
    where = " AND ".join(f"({condition(one, columns, rules)})" for one in reached.conditions) or "true"
    judged = _judged(connection, name, words, where, condition(criteria["Requirement"], columns, rules))
    if judged.verdict == "fails" and keyword in _ADVICE:
        return Finding(name, words, "advice", judged.rows)
    return judged


def _judged(connection: duckdb.DuckDBPyConnection, name: str, words: str, where: str, holds: str) -> Finding:
    sql = f"SELECT count(*) FROM focus_file WHERE coalesce({where}, false) AND NOT coalesce({holds}, false)"
    bad = connection.execute(sql).fetchall()[0][0]
    return Finding(name, words, "fails" if bad else "holds", bad)


def failures(findings: Sequence[Finding]) -> list[Finding]:
    """The binding requirements that do not hold."""
    return [finding for finding in findings if finding.verdict == "fails"]
