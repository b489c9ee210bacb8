"""A question in SQL of somebody's own: one SELECT over the documented views, which can change and reach nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb

from breakeven.errors import UsageError
from breakeven.ledger.engine import explained
from breakeven.ledger.schema import FACTS, ROLLUP_CALLS, ROLLUP_COSTS
from breakeven.ledger.store import Ledger

VIEWS = {**FACTS, "rollup_costs": ROLLUP_COSTS, "rollup_calls": ROLLUP_CALLS}
"""What may be asked: every view, with its columns and their types."""
_VIEWS_ONLY = f"The views are {', '.join(VIEWS)}; their columns: breakeven query --views."


@contextmanager
def asked(ledger: Ledger, sql: str) -> Iterator[tuple[list[str], Iterator[tuple[Any, ...]]]]:
    """The column names and the rows, as they are fetched, of one SELECT on a ledger that was opened for reading.

    From here on the connection reaches no file and no network, and its settings are locked: it is the connection's last question.
    Raises UsageError where the text is not one SELECT, or DuckDB does not understand it.
    """
    connection = ledger.connection
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    with explained(ledger.layout.database), _understood():
        statements = connection.extract_statements(sql)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise UsageError("a query is one SELECT", "Write one SELECT or WITH ... SELECT, without anything behind it.")
        cursor = connection.execute(statements[0])
        yield [column[0] for column in cursor.description or ()], _rows(cursor)


def _rows(cursor: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while block := cursor.fetchmany(1000):
        yield from block


@contextmanager
def _understood() -> Iterator[None]:
    try:
        yield
    except (duckdb.ProgrammingError, duckdb.DataError, duckdb.NotSupportedError, duckdb.PermissionException) as error:
        raise UsageError(f"the query fails: {str(error).strip()}", _VIEWS_ONLY) from None
