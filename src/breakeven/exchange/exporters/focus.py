"""FOCUS Cost and Usage (FinOps Open Cost and Usage Specification), written by the engine from the lines of a period.

Cost is exact: the sum of BilledCost is the ledger's, to the last digit, or nothing is written; what invoices add as tax has rows of
its own beside that. A charge whose cost is unknown has to carry 0 by the specification; `x_MeteringState` and its description say
that it is not free.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from importlib.resources import files
from typing import NamedTuple

from breakeven.economics.usage import CLASSES, UsageClass
from breakeven.errors import DataError, UsageError
from breakeven.exchange.exporters.focuscolumns import PROFILES, TIMES
from breakeven.exchange.exporters.focusinvoices import companions
from breakeven.exchange.exporters.port import ExportRequest, ExportResult
from breakeven.exchange.exporters.writing import copy_to, suffix_of
from breakeven.ledger import Ledger

SUMMARY = "FOCUS Cost and Usage, CSV or Parquet by the file's name; profile focus-1.4 adds Invoice Detail and Billing Period."


class Unit(NamedTuple):
    """How one kind of unit is said: consumed units of one ledger unit, and how many ledger units a price stands for."""

    consumed: str
    consumed_scale: str
    pricing: str
    pricing_scale: str
    pricing_factor: int


_UNITS: Mapping[str, Unit] = {
    "tokens": Unit("Tokens", "1", "1000000 Tokens", "0.000001", 1_000_000),
    "calls": Unit("Requests", "1", "1000 Requests", "0.001", 1_000),
    "search units": Unit("Requests", "1", "1000 Requests", "0.001", 1_000),
    "sessions": Unit("Sessions", "1", "Sessions", "1", 1),
    "milliseconds": Unit("Seconds", "0.001", "Seconds", "0.001", 1_000),
    "characters": Unit("Characters", "1", "1000000 Characters", "0.000001", 1_000_000),
    "images": Unit("Images", "1", "Images", "1", 1),
}
_REQUESTS = Unit("Requests", "1", "Requests", "1", 1)

# Names by which invoices and price lists call them. A provider that is not here goes by the name that the ledger has.
_VENDORS: Mapping[str, tuple[str, str]] = {
    "anthropic": ("Anthropic", "Claude API"),
    "azure": ("Microsoft", "Azure OpenAI"),
    "bedrock": ("AWS", "Amazon Bedrock"),
    "cohere": ("Cohere", "Cohere API"),
    "deepseek": ("DeepSeek", "DeepSeek API"),
    "google": ("Google", "Gemini API"),
    "groq": ("Groq", "GroqCloud"),
    "mistral": ("Mistral AI", "La Plateforme"),
    "openai": ("OpenAI", "OpenAI API"),
    "openrouter": ("OpenRouter", "OpenRouter API"),
    "vertex": ("Google", "Vertex AI"),
    "xai": ("xAI", "xAI API"),
}


class Focus:
    """The exporter `focus`."""

    name = "focus"
    summary = SUMMARY
    profiles = tuple(PROFILES)

    def run(self, ledger: Ledger, request: ExportRequest) -> ExportResult:
        """Write the charges of the period; see the module."""
        profile = request.profile or self.profiles[0]
        if profile not in PROFILES:
            raise UsageError(f"there is no FOCUS profile {profile!r}", f"Profiles: {', '.join(PROFILES)}.")
        suffix_of(request.output)
        _prepare(ledger, request)
        rows, cost = _balanced(ledger, request)
        columns = PROFILES[profile]
        written = [copy_to(ledger.connection, select(columns), request.output, times=TIMES)]
        if profile == "focus-1.4":
            written += companions(ledger, request.output)
        return ExportResult(written, rows, cost, _notes(ledger))


FOCUS = Focus()


def select(columns: Mapping[str, str]) -> str:
    """The SELECT of a profile over the prepared charges, in an order that does not depend on the engine's threads."""
    listed = ", ".join(f'{expression} AS "{name}"' for name, expression in columns.items())
    return (
        f"SELECT {listed} FROM focus_charges ORDER BY day, provider, sku, factors, price_version, feature, team, workflow,"
        " environment, segment, rung, state, cause, invoice, list_unit_price, contracted_unit_price, cost"
    )


def _prepare(ledger: Ledger, request: ExportRequest) -> None:
    """Fill `focus_charges`, a table of this connection alone."""
    connection = ledger.connection
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE focus_classes (usage_class VARCHAR, sku VARCHAR, direction VARCHAR, cache VARCHAR,"
        " ttl VARCHAR, meter VARCHAR, consumed_unit VARCHAR, consumed_scale DECIMAL(10,6), pricing_unit VARCHAR,"
        " pricing_scale DECIMAL(10,6),"
        " pricing_factor DECIMAL(8,0))"
    )
    connection.executemany(
        "INSERT INTO focus_classes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [_class_row(one) for one in CLASSES] + [_calls_row()]
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE focus_vendors (provider VARCHAR, name VARCHAR, service VARCHAR, account VARCHAR,"
        " account_name VARCHAR)"
    )
    connection.executemany("INSERT INTO focus_vendors VALUES (?, ?, ?, ?, ?)", _vendor_rows(request))
    connection.execute("CREATE OR REPLACE TEMP TABLE focus_owners (feature VARCHAR, owner VARCHAR)")
    if request.owners:
        connection.executemany("INSERT INTO focus_owners VALUES (?, ?)", list(request.owners.items()))
    sql = (files("breakeven.exchange.exporters") / "sql" / "focus_charges.sql").read_text("utf-8")
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE focus_charges AS {sql}",
        {"start": request.period.start, "end": request.period.end, "thresholds": sorted(request.thresholds)},
    )


def _balanced(ledger: Ledger, request: ExportRequest) -> tuple[int, Decimal]:
    """Rows and exact cost of the charges, without tax. Raises DataError where they do not sum to the ledger's."""
    of_ours = "FILTER (WHERE cause IS DISTINCT FROM 'tax')"
    rows, cost = ledger.query(f"SELECT count(*), coalesce(sum(cost) {of_ours}, 0) FROM focus_charges")[0]
    ((booked,),) = ledger.query(
        "SELECT coalesce(sum(cost), 0) FROM cost_lines WHERE occurred_at >= CAST($start AS TIMESTAMP)"
        " AND occurred_at < CAST($end AS TIMESTAMP)",
        {"start": request.period.start, "end": request.period.end},
    )
    if cost != booked:
        raise DataError(
            f"the charges of {request.period.label} sum to {cost}, the ledger's lines to {booked}; nothing was written",
            "Run: breakeven ledger verify. If it finds nothing, this is a fault of the export: please report it.",
        )
    return rows, cost


def _notes(ledger: Ledger) -> list[str]:
    found = ledger.query(
        "SELECT state, count(*) FROM focus_charges WHERE state IN ('unpriced', 'usage_missing') GROUP BY state ORDER BY state"
    )
    taxed, tax = ledger.query("SELECT count(*), coalesce(sum(cost), 0) FROM focus_charges WHERE cause = 'tax'")[0]
    of_tax = [f"{taxed:,} rows of tax (${tax:,.2f}) stand beside the ledger's cost, as invoices that tie with it say"]
    return (of_tax if taxed else []) + [
        f"{rows:,} rows have no known cost (x_MeteringState {state}) and carry 0 because the specification allows no null:"
        " see `breakeven unpriced`"
        for state, rows in found
    ]


def _class_row(one: UsageClass) -> tuple[object, ...]:
    unit = _UNITS[one.unit]
    modality = one.modality if one.modality != "text" else ""
    tool = one.name if one.direction == "tool" else ""
    cache = one.cache if one.cache != "none" else ""
    sku = "/".join(part for part in (one.direction, tool, modality, cache and f"cache-{cache}") if part)
    return (
        one.name, sku, _direction(one), _cache(one), one.ttl, _meter(one), unit.consumed, unit.consumed_scale, unit.pricing,
        unit.pricing_scale, unit.pricing_factor,
    )  # fmt: skip


def _calls_row() -> tuple[object, ...]:
    """Charges that have no metered class: calls that are not billed, or whose usage nobody reported."""
    unit = _REQUESTS
    return ("", "requests", None, None, "", "Requests", unit.consumed, unit.consumed_scale, unit.pricing, unit.pricing_scale, 1)


def _direction(one: UsageClass) -> str | None:
    return one.direction.title() if one.unit == "tokens" and one.direction != "tool" else None


def _cache(one: UsageClass) -> str | None:
    if one.unit != "tokens" or one.direction != "input":
        return None
    return {"none": "Uncached", "read": "Read", "write": "Write"}[one.cache]


def _meter(one: UsageClass) -> str:
    """In the vendors' words: cached input tokens, cache write tokens, output tokens, web searches."""
    if one.unit != "tokens":
        return one.name.removesuffix("_ms").replace("_", " ").capitalize() + ("" if one.unit == "images" else f" {one.unit}")
    words = {"read": "cached input", "write": "cache write", "none": one.direction}[one.cache]
    modality = "" if one.modality == "text" else f"{one.modality} "
    return f"{modality}{words} tokens".capitalize()


def _vendor_rows(request: ExportRequest) -> list[tuple[str | None, ...]]:
    names = dict.fromkeys([*_VENDORS, *request.accounts])
    return [(name, *_VENDORS.get(name, (name, None)), *request.accounts.get(name, (None, None))) for name in names]
