"""Cloud bills: AWS Cost and Usage Reports, and FOCUS from any cloud. What a provider charges, kept as stated.

A line of a bill is no call: it stands for none (`call_count` 0), its usage is not told in tokens, its cost is the provider's own.
Lines of a provider and day of which the ledger has metered calls are left out and told: the same use would count twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb

from breakeven.errors import DataError, Problem, UsageError
from breakeven.exchange.importers import shapes
from breakeven.exchange.importers.fields import ATTRIBUTION, Field
from breakeven.exchange.importers.mapping import Mapped
from breakeven.exchange.importers.projection import Fault
from breakeven.exchange.importers.request import ImportReport, ImportRequest, Target
from breakeven.exchange.importers.shapes import Expressions, literal
from breakeven.exchange.importers.source import Source, identifier
from breakeven.exchange.importers.tabular import TabularImporter

_AI = (
    "bedrock|sagemaker|openai|open ai|cognitive|azure ai|foundry|machine learning|vertex|gemini|generative|anthropic|claude"
    "|mistral|cohere"
)
_LEFT_OUT = "left_out_beside"
_OTHERS = "left_out_services"
SERVICES = "services"
"""The option `--set services=ai` takes AI services only."""


@dataclass(frozen=True, slots=True)
class Bill:
    """Which columns of a bill say what. Several names: the first that the file has."""

    name: str
    summary: str
    time: tuple[str, ...]
    amount: tuple[str, ...]
    currency: tuple[str, ...]
    service: tuple[str, ...]
    provider: tuple[str, ...]
    category: tuple[str, ...]
    identity: tuple[str, ...]
    account: tuple[str, ...]
    model: tuple[str, ...]
    tags: Mapping[str, tuple[str, ...]]
    labels: tuple[str, ...]


FOCUS = Bill(
    "focus",
    "FOCUS cost data of any cloud (1.0 to 1.4): CSV or Parquet.",
    ("ChargePeriodStart",), ("BilledCost",), ("BillingCurrency",), ("ServiceName",), ("ServiceProviderName", "ProviderName"),
    ("ServiceCategory",), ("x_ChargeId", "ChargeId"), ("SubAccountName", "SubAccountId"), ("SkuMeter",),
    {
        "charge": ("ChargeDescription",), "category": ("ChargeCategory",), "service": ("ServiceName",), "sku": ("SkuId",),
        "region": ("RegionId",), "quantity": ("ConsumedQuantity",), "unit": ("ConsumedUnit",), "effective_cost": ("EffectiveCost",),
        "list_cost": ("ListCost",), "resource": ("ResourceId",),
    },
    ("Tags",),
)  # fmt: skip
AWS_CUR = Bill(
    "aws-cur",
    "AWS Cost and Usage Reports, old and 2.0: CSV or Parquet.",
    ("lineItem/UsageStartDate", "line_item_usage_start_date"), ("lineItem/UnblendedCost", "line_item_unblended_cost"),
    ("lineItem/CurrencyCode", "line_item_currency_code"), ("product/ProductName", "product_product_name", "lineItem/ProductCode",
    "line_item_product_code"), (), ("product/productFamily", "product_product_family"),
    ("identity/LineItemId", "identity_line_item_id"), ("lineItem/UsageAccountId", "line_item_usage_account_id"),
    ("product/model", "product_model"),
    {
        "charge": ("lineItem/LineItemDescription", "line_item_line_item_description"),
        "category": ("lineItem/LineItemType", "line_item_line_item_type"),
        "service": ("lineItem/ProductCode", "line_item_product_code"), "sku": ("lineItem/UsageType", "line_item_usage_type"),
        "region": ("product/regionCode", "product_region_code", "product/region"),
        "quantity": ("lineItem/UsageAmount", "line_item_usage_amount"), "unit": ("pricing/unit", "pricing_unit"),
        "resource": ("lineItem/ResourceId", "line_item_resource_id"),
    },
    ("resource_tags", "resourceTags/user:"),
)  # fmt: skip

_FIELDS: tuple[Field, ...] = (
    Field("occurred_at", "time", ("occurred_at",), required=True),
    Field("stated_cost", "money", ("stated_cost",), required=True),
    *(Field(name, "text", (name,)) for name in ("identity", "provider", "model")),
    *(Field(each.name, "text", (each.name,)) for each in ATTRIBUTION),
)


def _column(source: Source, names: Sequence[str]) -> str:
    """SQL for the first of these columns as text, the words for nothing being nothing; NULL where the file has none."""
    lowered = {name.lower(): name for name in source.columns}
    for name in names:
        if name.lower() in lowered:
            held = identifier(lowered[name.lower()])
            value = (
                f"json_extract_string(_raw, {literal('$.' + chr(34) + lowered[name.lower()] + chr(34))})"
                if source.kind == "json"
                else held
            )
            return f"nullif(nullif(trim(CAST({value} AS VARCHAR)), ''), 'NULL')"
    return "NULL::VARCHAR"


_PAIRS = '[{"key": "VARCHAR", "value": "VARCHAR"}]'
"""Tags as Google's billing export has them."""


def _label(source: Source, bill: Bill, name: str) -> str:
    """SQL for a tag of this name, from a map or list of tags (JSON or a column type) or a column of its own."""
    own = _column(source, [f"{prefix}{name}" for prefix in bill.labels if prefix.endswith(":")])
    maps = []
    for column in bill.labels:
        if column in source.columns:
            keys = [name, f"user:{name}", f"user_{name}", name.capitalize()]
            text = _json_text(source, column)
            valid = f"CASE WHEN json_valid({text}) THEN {text} END"
            maps += [f"json_extract_string({valid}, {literal('$.' + chr(34) + key + chr(34))})" for key in keys]
            pairs = f"CASE WHEN json_type({valid}) = 'ARRAY' THEN from_json({valid}, {literal(_PAIRS)}) END"
            maps.append(f"list_filter({pairs}, lambda pair: pair.key IN ({', '.join(map(literal, keys))}))[1].value")
    return f"coalesce({', '.join([own, *maps])})"


def _json_text(source: Source, column: str) -> str:
    """SQL for a column of tags as JSON text."""
    if source.kind == "json":
        return f"json_extract_string(_raw, {literal('$.' + chr(34) + column + chr(34))})"
    kind = source.columns[column]
    nested = kind.startswith(("MAP", "STRUCT")) or kind.endswith("]")
    return f"CAST(to_json({identifier(column)}) AS VARCHAR)" if nested else identifier(column)


def _provider(source: Source, bill: Bill) -> str:
    service = f"lower(coalesce({_column(source, bill.service)}, ''))"
    cloud = f"lower(coalesce({_column(source, bill.provider)}, {literal('aws' if bill is AWS_CUR else '')}))"
    return f"""CASE WHEN {service} LIKE '%bedrock%' THEN 'bedrock' WHEN {cloud} LIKE '%openai%' THEN 'openai'
        WHEN {cloud} LIKE '%anthropic%' THEN 'anthropic' WHEN {cloud} LIKE '%microsoft%' OR {cloud} LIKE '%azure%' THEN 'azure'
        WHEN {cloud} LIKE '%google%' OR {cloud} = 'gcp' THEN 'google' WHEN {cloud} LIKE '%amazon%' OR {cloud} = 'aws' THEN 'aws'
        WHEN {cloud} = '' THEN NULL ELSE {cloud} END"""


def prepared(connection: duckdb.DuckDBPyConnection, source: Source, bill: Bill, *, ai_only: bool) -> Source:
    """The bill's lines with our fields. Raises DataError where the file is no such bill."""
    for names in (bill.time, bill.amount):
        if _column(source, names) == "NULL::VARCHAR":
            raise DataError(f"{source.path} has no column {names[0]}", f"Give a file of the format {bill.name}.")
    table = f"{source.table}_bill"
    service = f"lower(concat_ws(' ', {_column(source, bill.service)}, {_column(source, bill.provider)}))"
    family = f"lower(coalesce({_column(source, bill.category)}, ''))"
    is_ai = f"(regexp_matches({service}, {literal(_AI)}) OR regexp_matches({family}, 'machine learning|artificial|\\bai\\b'))"
    tags = shapes.json_object({name: _column(source, names) for name, names in bill.tags.items()})
    dimensions = {
        "feature": _label(source, bill, "feature"), "team": _label(source, bill, "team"),
        "customer": _label(source, bill, "customer"), "environment": _label(source, bill, "environment"),
        "workflow": _column(source, bill.service),
    }  # fmt: skip
    selected = ", ".join(f"{value} AS {identifier(name)}" for name, value in dimensions.items())
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE {table} AS
        SELECT _row, {_column(source, bill.time)} AS occurred_at, {_column(source, bill.amount)} AS stated_cost,
            {_provider(source, bill)} AS provider, {_column(source, bill.model)} AS model, {selected},
            {_column(source, bill.currency)} AS currency, {tags} AS _tags, {is_ai} AS ai,
            {_identity(source, bill)} AS identity, {_identity_before(source, bill)} AS identity_before
        FROM {source.table} AS raw""")
    connection.execute(f"""
        UPDATE {table} SET identity = identity_before
        WHERE identity_before IN (SELECT source_ref FROM calls WHERE source = 'import:{bill.name}')""")
    others = f"SELECT count(*), sum(TRY_CAST(stated_cost AS DECIMAL(38,18))) FROM {table} WHERE NOT ai"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {_OTHERS} AS {others}")
    if ai_only:
        connection.execute(f"DELETE FROM {table} WHERE NOT ai")
    instant = "TRY_CAST(bill.occurred_at AS TIMESTAMPTZ)"
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE {_LEFT_OUT} AS
        SELECT _row, provider, TRY_CAST(stated_cost AS DECIMAL(38,18)) AS cost FROM {table} AS bill
        WHERE (provider, ({instant} AT TIME ZONE 'UTC')::DATE) IN (
            SELECT (provider, occurred_at::DATE) FROM calls WHERE source <> 'import:{bill.name}' AND provider IS NOT NULL)""")
    connection.execute(f"DELETE FROM {table} WHERE _row IN (SELECT _row FROM {_LEFT_OUT})")
    filled = ("occurred_at", "stated_cost", "provider", "model", "identity", "currency", *dimensions, "_tags")
    return replace(source, kind="csv", table=table, columns=dict.fromkeys(filled, "VARCHAR"))


def _identity(source: Source, bill: Bill) -> str:
    """All that the line says, its own id where it has one, and which of equal lines it is: ids are not always unique.

    Columns are taken by name, in whatever order the export has them, and without what is empty.
    """
    own = _column(source, bill.identity)
    named = "" if own == "NULL::VARCHAR" else f"coalesce({own}, '') || chr(31) || "
    hashed = f"md5({_by_name(source)})"
    return f"{literal(bill.name + ':')} || {named}{hashed} || ':' || row_number() OVER (PARTITION BY {hashed} ORDER BY _row)"


def _by_name(source: Source) -> str:
    """SQL for all that a line says, `name=value` in the order of the names."""
    if source.kind == "json":
        member = "json_extract_string(_raw, '$.\"' || replace(name, '\"', '\\\"') || '\"')"
        said = f"list_transform(list_sort(json_keys(_raw)), lambda name: name || '=' || nullif(trim({member}), ''))"
        return f"array_to_string({said}, chr(31))"
    parts = [
        f"{literal(name + '=')} || nullif(trim(CAST({identifier(name)} AS VARCHAR)), '')"
        for name in sorted(source.columns)
        if name != "_row"
    ]
    return f"concat_ws(chr(31), {', '.join(parts)})"


def _identity_before(source: Source, bill: Bill) -> str:
    """What identified a line in earlier versions, which took the columns in the file's order: what is in already stays known."""
    own = _column(source, bill.identity)
    named = "" if own == "NULL::VARCHAR" else f"coalesce({own}, '') || chr(31) || "
    record = "_raw" if source.kind == "json" else "CAST(to_json(raw) AS VARCHAR)"
    text = record if source.kind == "json" else f"regexp_replace({record}, '\"_row\":[0-9]+,?', '')"
    hashed = f"md5({text})"
    return f"{literal(bill.name + ':')} || {named}{hashed} || ':' || row_number() OVER (PARTITION BY {hashed} ORDER BY _row)"


def shape(expressions: Expressions, mapped: Sequence[Mapped], request: ImportRequest) -> Expressions:
    """Charges: stated, of no call, their usage not told."""
    del request
    staged = dict(expressions)
    staged |= {
        "usage_known": "false", "billed": "true", "call_count": "0", "tags": '"_tags"', "source_ref": expressions["identity"],
        "attribution_sources": literal(shapes.sources(mapped)),
    }  # fmt: skip
    return staged


def faults(expressions: Expressions) -> list[Fault]:
    """A bill in another currency cannot be added to dollars."""
    del expressions
    return [
        Fault(
            "upper(coalesce(currency, 'USD')) <> 'USD'",
            "currency",
            "the ledger keeps US dollars; convert the bill first",
            "currency",
        )
    ]


@dataclass(frozen=True, slots=True)
class BillImporter:
    """One kind of bill as an importer."""

    bill: Bill

    @property
    def name(self) -> str:
        """The format."""
        return self.bill.name

    @property
    def summary(self) -> str:
        """What it reads."""
        return self.bill.summary

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Which files of a directory are taken."""
        return (".csv", ".parquet")

    def run(self, request: ImportRequest, target: Target) -> ImportReport:
        """Import the charges; say what was left out, and how much of it is of AI services."""
        constants = dict(request.constants)
        services = constants.pop(SERVICES, "all")
        if services not in ("all", "ai"):
            raise UsageError(f"--set {SERVICES}={services} is neither all nor ai", "Say all, or ai for AI services only.")
        notes: list[str] = []
        problems: list[Problem] = []

        def prepare(connection: duckdb.DuckDBPyConnection, source: Source) -> Source:
            found = prepared(connection, source, self.bill, ai_only=services == "ai")
            notes.extend(_others(connection, source, ai_only=services == "ai"))
            problems.extend(_beside(connection, source))
            return found

        table = TabularImporter(
            self.name,
            self.summary,
            "calls",
            _FIELDS,
            shape,
            faults,
            prepare,
            self._explained(),
            ("_tags", "currency"),
            self.suffixes,
        )
        report = table.run(replace(request, constants=constants), target)
        return replace(report, notes=(*report.notes, *notes)).with_problems(problems)

    def _explained(self) -> Mapping[str, str]:
        """What each field is made of, in the bill's words."""
        return {
            "occurred_at": self.bill.time[0],
            "stated_cost": f"{self.bill.amount[0]}, as charged",
            "identity": "the line itself",
            "provider": f"{' and '.join(names[0] for names in (self.bill.provider, self.bill.service) if names)}",
            "model": self.bill.model[0],
            "workflow": self.bill.service[0],
            **dict.fromkeys(("feature", "team", "customer", "environment"), "the line's tag of this name"),
        }


def _others(connection: duckdb.DuckDBPyConnection, source: Source, *, ai_only: bool) -> list[str]:
    count, cost = connection.execute(f"SELECT * FROM {_OTHERS}").fetchall()[0]
    connection.execute(f"DROP TABLE {_OTHERS}")
    if not count:
        return []
    told = f"{source.path.name}: {count:,} lines (${cost or 0:,.2f}) are of services that are not AI"
    return [f"{told}; they were left out" if ai_only else f"{told}; --set {SERVICES}=ai leaves them out"]


def _beside(connection: duckdb.DuckDBPyConnection, source: Source) -> list[Problem]:
    found = connection.execute(
        f"SELECT provider, count(*), sum(cost) FROM {_LEFT_OUT} GROUP BY provider ORDER BY provider"
    ).fetchall()
    connection.execute(f"DROP TABLE {_LEFT_OUT}")
    return [
        Problem(
            f"{source.path.name} {provider}",
            f"{count:,} lines (${cost or 0:,.2f}) are of days on which the ledger has calls of this provider from elsewhere",
            "They were left out, or the same use would count twice; compare the two with `breakeven reconcile`.",
        )
        for provider, count, cost in found
    ]


BILLS: tuple[BillImporter, ...] = (BillImporter(AWS_CUR), BillImporter(FOCUS))
