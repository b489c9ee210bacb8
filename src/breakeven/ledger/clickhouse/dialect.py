"""DuckDB's SQL in ClickHouse's words: sqlglot, and what it leaves to us because both engines take it and mean different things.

What is known to mean something else raises `Untranslatable`; nothing becomes approximate in silence. Parameters become
ClickHouse's own typed ones (`{start:DateTime64(6,'UTC')}`), so that values never become part of the SQL.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from breakeven.errors import BreakevenError
from breakeven.ledger.schema import FACTS

TYPES: Mapping[str, str] = {
    "VARCHAR": "String",
    "TEXT": "String",
    "TIMESTAMP": "DateTime64(6, 'UTC')",
    "DATE": "Date",
    "BOOLEAN": "Bool",
    "SMALLINT": "Int16",
    "INT": "Int32",
    "INTEGER": "Int32",
    "BIGINT": "Int64",
    "HUGEINT": "Int128",
    "INT128": "Int128",
    "UUID": "UUID",
    "DOUBLE": "Float64",
}
"""DuckDB's types that facts and parameters have."""

SETTINGS: Mapping[str, int | str] = {
    "join_use_nulls": 1,  # an outer join's missing side is NULL, not 0 or ''
    "group_by_use_nulls": 1,  # so are the columns that a grouping set leaves out
    "prefer_column_name_to_alias": 1,  # `sum(cost) AS cost` does not rename `cost` in WHERE
    "aggregate_functions_null_for_empty": 1,  # the sum of nothing is unknown, not 0
    "function_json_value_return_type_allow_nullable": 1,
    "function_json_value_return_type_allow_complex": 1,
    "count_distinct_implementation": "uniqExact",
    "union_default_mode": "DISTINCT",
    "decimal_check_overflow": 1,
    "allow_experimental_correlated_subqueries": 1,
}
"""Settings of a query, with which ClickHouse means what DuckDB means."""

_UNKNOWN = "Nullable(String)"
_DECIMAL = re.compile(r"DECIMAL\((\d+), ?(\d+)\)\Z")
_WHOLE = ("Int16", "Int32", "Int64")
_IDS = frozenset(name for columns in FACTS.values() for name, kind in columns.items() if kind == "UUID")
_APPROXIMATE = (exp.ApproxDistinct, exp.ApproxQuantile, exp.Quantile, exp.Median, exp.PercentileCont, exp.Mode)


class Untranslatable(BreakevenError):
    """A query that cannot be put into ClickHouse's words without a change of meaning."""


class Translated(NamedTuple):
    """A query in ClickHouse's words; of each of its parameters, whose value it takes and as which type."""

    sql: str
    taken: Mapping[str, tuple[str, str]]


def translated(sql: str, parameters: Mapping[str, object]) -> tuple[str, dict[str, object]]:
    """The query and its parameters as ClickHouse takes them. Raises Untranslatable."""
    kinds = tuple(sorted((name, _kind_of(value)) for name, value in parameters.items()))
    found = _translated(sql, kinds)
    return found.sql, {placed: _bound(parameters[name], kind) for placed, (name, kind) in found.taken.items()}


@lru_cache(maxsize=512)
def _translated(sql: str, kinds: tuple[tuple[str, str], ...]) -> Translated:
    taken: dict[str, tuple[str, str]] = {}
    try:
        tree = sqlglot.parse_one(sql, read="duckdb")
        for node in tree.find_all(*_APPROXIMATE):
            raise Untranslatable(f"{node.sql('duckdb')} is not exact in ClickHouse", "Use quantile_disc, or compute it otherwise.")
        tree = _changed(_with_parameters(tree, dict(kinds), taken))
        text = tree.sql(dialect="clickhouse", unsupported_level=sqlglot.ErrorLevel.RAISE, comments=False)
    except SqlglotError as error:
        raise Untranslatable(
            f"a query cannot be put into ClickHouse's SQL: {error}", "Write it in SQL that both engines know."
        ) from error
    return Translated(text, taken)


def clickhouse_type(duckdb_type: str) -> str:
    """ClickHouse's type of a type of DuckDB. Raises Untranslatable."""
    name = duckdb_type.strip().upper()
    if name.endswith("[]"):
        return f"Array({clickhouse_type(name[:-2])})"
    if found := _DECIMAL.match(name):
        return f"Decimal({found[1]}, {found[2]})"
    if name not in TYPES:
        raise Untranslatable(f"the type {duckdb_type} has no counterpart in ClickHouse", "Use one of the types of the schema.")
    return TYPES[name]


def _with_parameters(tree: exp.Expr, kinds: Mapping[str, str], taken: dict[str, tuple[str, str]]) -> exp.Expr:
    """Replace `CAST($name AS TYPE)` and bare `$name` by typed parameters of ClickHouse."""

    def placed(name: str, kind: str) -> exp.Expr:
        """A parameter; one that the query casts to two types becomes two."""
        found = next((each for each, of in taken.items() if of == (name, kind)), f"{name}_{len(taken)}")
        taken[found] = (name, kind)
        return exp.var(f"{{{found}:{kind}}}")

    def replaced(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Cast) and (name := _parameter(node.this)) is not None:
            kind = clickhouse_type(node.to.sql("duckdb"))
            if isinstance(node, exp.TryCast):
                return exp.Anonymous(this=f"to{kind}OrNull", expressions=[placed(name, "String")])
            return placed(name, f"Nullable({kind})" if kinds.get(name) == _UNKNOWN else kind)
        if (name := _parameter(node)) is not None:
            return placed(name, kinds.get(name, "String"))
        return node

    return tree.transform(replaced)


def _parameter(node: Any) -> str | None:  # noqa: ANN401 - any node, or none
    if isinstance(node, exp.Parameter | exp.Placeholder):
        inner = node.this
        return inner if isinstance(inner, str) else inner.name
    return None


def _changed(tree: exp.Expr) -> exp.Expr:
    """Every node in our words, the innermost first: what is changed may hold what has been changed."""
    for node in reversed(list(tree.dfs())):
        change = _CHANGES.get(type(node))
        changed = node if change is None else change(node)
        if changed is not node:
            if node is tree:
                return changed
            node.replace(changed)
    return tree


def _cast(node: exp.Expr) -> exp.Expr:
    """A cast keeps NULL; ClickHouse's own DateTime would cut the microseconds off."""
    kind = node.args["to"].sql("duckdb")
    named = clickhouse_type(kind)
    if isinstance(node, exp.TryCast):
        return exp.Anonymous(this=f"to{named}OrNull", expressions=[node.this])
    if named.startswith("Array(Array("):  # a JSON text of lists
        return exp.func("JSONExtract", exp.func("ifNull", node.this, exp.Literal.string("")), exp.Literal.string(named))
    if named in _WHOLE:  # to the nearest whole number: ClickHouse would cut the fraction off
        node.this.replace(exp.func("round", node.this))
    return exp.Anonymous(this="CAST", expressions=[node.this, exp.Literal.string(named if "[" in kind else f"Nullable({named})")])


def _length(node: exp.Expr) -> exp.Expr:
    """`len` counts a list, or the characters of a text."""
    name = "length" if _is_list(node.this) else "lengthUTF8"
    return exp.Anonymous(this=name, expressions=[node.this])


def _is_list(node: exp.Expr) -> bool:
    return (
        isinstance(node, exp.ArrayFilter | exp.Array)
        or (isinstance(node, exp.Var) and ":Array(" in node.name)
        or (isinstance(node, exp.Cast) and node.to.is_type(exp.DataType.Type.ARRAY))
    )


def _largest(node: exp.Expr) -> exp.Expr:
    """The greatest of a list; of an empty list NULL, where `arrayMax` would say 0."""
    return exp.func("if", exp.func("empty", node.this.copy()), exp.null(), exp.Anonymous(this="arrayMax", expressions=[node.this]))


def _collected(node: exp.Expr) -> exp.Expr:
    """`list(DISTINCT x ORDER BY x)`: an array of its own sorted order."""
    inner = node.this
    order = inner if isinstance(inner, exp.Order) else None
    inner = order.this if order is not None else inner
    if isinstance(inner, exp.Distinct):
        [value] = inner.expressions
        if not isinstance(node.parent, exp.Filter):  # NULL is one of them
            return exp.var(f"arrayMap(each -> each.1, groupUniqArray(tuple({value.sql('clickhouse')})))")
        return exp.Anonymous(this="groupUniqArray", expressions=[value])
    if order is None:
        return exp.Anonymous(this="groupArray", expressions=[inner])
    keys = [each.this for each in order.expressions]
    if any(each.args.get("desc") for each in order.expressions) or isinstance(node.parent, exp.Filter):
        raise Untranslatable(f"{node.sql('duckdb')} orders a list downwards or of some rows", "Order it upwards, of all rows.")
    listed = exp.func("groupArray", exp.func("tuple", inner, *keys)).sql("clickhouse")
    places = ", ".join(f"each.{at + 2}" for at in range(len(keys)))
    return exp.var(f"arrayMap(each -> each.1, arraySort(each -> tuple({places}), {listed}))")


def _filtered(node: exp.Expr) -> exp.Expr:
    """Sort what was collected outside of the FILTER."""
    return exp.func("arraySort", node) if _is_set(node.this) else node


def _is_set(node: exp.Expr) -> bool:
    return isinstance(node, exp.Anonymous) and node.name == "groupUniqArray"


def _quantile(node: exp.Expr) -> exp.Expr:
    """The smallest value that at least this share does not exceed, exactly; ClickHouse's `quantileExact` takes the next one up."""
    value, level = node.this, node.expression
    share = Fraction(Decimal(level.name))
    rank = f"intDiv(count({{0}}) * {share.numerator} + {share.denominator - 1}, {share.denominator})"
    position = exp.var(f"greatest(1, {rank.format(value.sql('clickhouse'))})")
    listed = exp.func("arraySort", exp.Anonymous(this="groupArray", expressions=[value]))
    return exp.Anonymous(this="arrayElementOrNull", expressions=[listed, position])


def _json(node: exp.Expr) -> exp.Expr:
    """Text at a path of a JSON text; NULL where there is none. The path may be a parameter."""
    path = node.expression
    written = exp.Literal.string(path.sql("duckdb").strip("'")) if isinstance(path, exp.JSONPath) else path
    return exp.Anonymous(this="JSON_VALUE", expressions=[node.this, written])


def _overlapping(node: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="hasAny", expressions=[node.this, node.expression])


def _split(node: exp.Expr) -> exp.Expr:
    """A text in parts; of no text no parts, for a list is never NULL in ClickHouse."""
    parts = exp.Anonymous(this="splitByString", expressions=[node.expression, exp.func("assumeNotNull", node.this)])
    return exp.func("if", exp.Is(this=node.this.copy(), expression=exp.null()), exp.Array(expressions=[]), parts)


def _slice(node: exp.Expr) -> exp.Expr:
    [span] = node.expressions
    if isinstance(span, exp.Slice):
        raise Untranslatable(f"{node.sql('duckdb')} is a slice", "Use substr.")
    return node


def _ordered(node: exp.Expr) -> exp.Expr:
    """Ids in the order of their text, as in DuckDB: ClickHouse sorts a UUID by its second half."""
    if isinstance(node.this, exp.Column) and node.this.name in _IDS:
        node.set("this", exp.func("toString", node.this))
    return node


def _compared(node: exp.Expr) -> exp.Expr:
    """Ids are compared in the order of their text too."""
    for side in (node.this, node.expression):
        for part in side.expressions if isinstance(side, exp.Tuple) else (side,):
            if (isinstance(part, exp.Column) and part.name in _IDS) or (isinstance(part, exp.Var) and part.name.endswith(":UUID}")):
                part.replace(exp.func("toString", part))
    return node


def _extreme(node: exp.Expr) -> exp.Expr:
    """So is the least and the greatest of ids."""
    if isinstance(node.this, exp.Column) and node.this.name in _IDS:
        node.this.replace(exp.func("toString", node.this))
        return exp.func("toUUID", node)
    return node


def _seconds(node: exp.Expr) -> exp.Expr:
    """Seconds since 1970, with their fraction."""
    return exp.Div(this=exp.func("toUnixTimestamp64Micro", node.this), expression=exp.Literal.number("1000000"))


def _coalesced(node: exp.Expr) -> exp.Expr:
    """A list is never NULL in ClickHouse, where `coalesce(list, [])` is the list."""
    rest = node.expressions
    return node.this if len(rest) == 1 and isinstance(rest[0], exp.Array) and not rest[0].expressions else node


def _selected(node: exp.Expr) -> exp.Expr:
    """Lists unfolded side by side, the first with the first; `arrayJoin` of each would pair all with all."""
    unfolded = [each for each in node.expressions if isinstance(each, exp.Alias) and isinstance(each.this, exp.Explode)]
    if len(unfolded) > 1:
        lists = ", ".join(each.this.this.sql("clickhouse") for each in unfolded)
        for at, each in enumerate(unfolded):
            each.this.replace(exp.var(f"tupleElement(arrayJoin(arrayZip({lists})), {at + 1})"))
    return node


def _renamed(name: str) -> Callable[[exp.Expr], exp.Expr]:
    return lambda node: exp.Anonymous(this=name, expressions=[node.this])


_CHANGES: Mapping[type[exp.Expr], Callable[[exp.Expr], exp.Expr]] = {
    exp.Select: _selected,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Length: _length,
    exp.ArrayMax: _largest,
    exp.ArrayAgg: _collected,
    exp.ArraySort: _renamed("arraySort"),
    exp.ArrayOverlaps: _overlapping,
    exp.Flatten: _renamed("arrayFlatten"),
    exp.Split: _split,
    exp.Filter: _filtered,
    exp.PercentileDisc: _quantile,
    exp.JSONExtractScalar: _json,
    exp.Bracket: _slice,
    exp.Ordered: _ordered,
    exp.LT: _compared,
    exp.LTE: _compared,
    exp.GT: _compared,
    exp.GTE: _compared,
    exp.Max: _extreme,
    exp.Min: _extreme,
    exp.TimeToUnix: _seconds,
    exp.Coalesce: _coalesced,
    exp.LogicalOr: _renamed("max"),
    exp.LogicalAnd: _renamed("min"),
    exp.IntDiv: lambda node: exp.Anonymous(this="intDiv", expressions=[node.this, node.expression]),
}


def _kind_of(value: object) -> str:
    """The type of a parameter that the SQL does not cast."""
    for kind, name in _KINDS:
        if isinstance(value, kind):
            return name
    if isinstance(value, list | tuple):
        return f"Array({_kind_of(next(iter(value), ''))})"
    return _UNKNOWN


_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "Bool"),
    (int, "Int64"),
    (str, "String"),
    (datetime, "DateTime64(6, 'UTC')"),
    (date, "Date"),
    (Decimal, "Decimal(38, 18)"),
    (float, "Float64"),
)
_TIME = "DateTime64"


def _bound(value: object, kind: str) -> object:
    """A parameter's value as ClickHouse reads it: exact texts for times and amounts."""
    if isinstance(value, list | tuple):
        return [_bound(each, kind.removeprefix("Array(")) for each in value]
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds") if _TIME in kind else value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    return value
