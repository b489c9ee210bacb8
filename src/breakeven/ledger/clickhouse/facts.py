"""Asking ClickHouse what reports ask of a ledger: SQL in DuckDB's words goes in, rows come out, the same on both engines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from breakeven.errors import DataError, Unreachable
from breakeven.ledger.clickhouse.dialect import SETTINGS, translated

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_IN_BETWEEN = re.compile(r"HTTP status (408|429|502|503|504)\b")
"""What says, without a code of ClickHouse's own, that somebody on the way has answered in its place."""
_FLAGS = frozenset({"UInt8", "Nullable(UInt8)"})
"""The types of a comparison in ClickHouse; no fact has them."""


class ClickHouseFacts:
    """A ledger's facts in ClickHouse, to be read. A context manager; one at a time uses it."""

    def __init__(self, client: Client, place: str) -> None:
        self._client = client
        self._place = place

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection back."""
        self._client.close()

    def query(self, sql: str, params: Mapping[str, Any] | None = None, /) -> list[tuple[Any, ...]]:
        """All rows of one SELECT in DuckDB's words; `$name` in it takes `params["name"]`. Raises Unreachable, DataError."""
        text, values = translated(sql, dict(params or {}))
        with explained(self._place):
            found = self._client.query(text, parameters=values, settings=dict(SETTINGS))
            flags = [at for at, kind in enumerate(found.column_types) if kind.name in _FLAGS]
            rows: Sequence[Sequence[Any]] = found.result_rows
        return [_with_flags(row, flags) for row in rows] if flags else [tuple(row) for row in rows]


def _with_flags(row: Sequence[Any], flags: Sequence[int]) -> tuple[Any, ...]:
    """Comparisons are numbers in ClickHouse."""
    cells = list(row)
    for at in flags:
        cells[at] = None if cells[at] is None else bool(cells[at])
    return tuple(cells)


@contextmanager
def explained(place: str) -> Iterator[None]:
    """Turn the faults of the driver into ours."""
    from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError, OperationalError  # noqa: PLC0415 - an extra

    try:
        yield
    except OperationalError as error:
        raise Unreachable(
            f"ClickHouse at {place} cannot be reached: {_first(error)}", "Check address, user and network."
        ) from error
    except DatabaseError as error:
        if error.code is None and _IN_BETWEEN.search(str(error)):
            raise Unreachable(
                f"ClickHouse at {place} cannot be reached: a proxy before it answers {_first(error)}",
                "Try again; look at the proxy.",
            ) from error
        raise DataError(
            f"ClickHouse at {place} refuses: {_first(error)}", "Run: breakeven ledger export --to clickhouse://... "
        ) from error
    except ClickHouseError as error:
        raise Unreachable(f"ClickHouse at {place}: {_first(error)}", "Check address, user and network.") from error


def _first(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
