"""A vendor's invoice as lines: FOCUS Invoice Detail (or Cost and Usage), any table, OpenAI's costs, Anthropic's cost report.

Amounts are exact. What a line does not say stays unknown: an invoice without models is compared in one sum per vendor.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal, DecimalException, localcontext
from pathlib import Path
from typing import Any

import duckdb

from breakeven.economics.money import ATTO, SCALE, atto
from breakeven.economics.periods import Period, parse_period
from breakeven.economics.reconciliation import USAGE, InvoiceLine, plain_model
from breakeven.economics.usage import CLASS_BY_NAME
from breakeven.errors import DataError, Problem, Unreachable, UsageError
from breakeven.exchange.importers.fields import Field
from breakeven.exchange.importers.mapping import plan
from breakeven.exchange.importers.request import ImportRequest
from breakeven.exchange.importers.source import flattened
from breakeven.exchange.importers.sources import open_source

FIELDS: tuple[Field, ...] = (
    Field("provider", "text", ("provider", "vendor", "invoice_issuer_name", "service_provider_name", "provider_name", "issuer")),
    Field("account", "text", ("billing_account_id", "account_id", "account")),
    Field("invoice", "text", ("invoice_id", "invoice", "invoice_number")),
    Field("day", "text", ("charge_period_start", "day", "date", "usage_date", "starting_at", "start_time")),
    Field("period_start", "text", ("billing_period_start", "period_start")),
    Field("period_end", "text", ("billing_period_end", "period_end")),
    Field("model", "text", ("model", "x_model", "model_id", "model_name")),
    Field("class", "text", ("usage_class", "token_type", "x_usage_class", "class", "meter", "type")),
    Field("quantity", "text", ("quantity", "consumed_quantity", "usage_quantity", "tokens", "units")),
    Field("amount", "text", ("billed_cost", "amount", "cost", "amount_usd", "cost_usd", "total"), required=True),
    Field("currency", "text", ("billing_currency", "currency")),
    Field("paid", "text", ("payment_currency_billed_cost",)),
    Field("paid_in", "text", ("payment_currency",)),
    Field("category", "text", ("charge_category", "category")),
    Field("key", "text", ("api_key", "api_key_id", "key", "key_id", "x_api_key_id")),
    Field("tier", "text", ("service_tier", "tier", "processing", "x_service_tier")),
    Field("description", "text", ("invoice_detail_description", "charge_description", "description", "line_item")),
)
_CATEGORIES: Mapping[str, str] = {
    "": USAGE, "usage": USAGE, "tokens": USAGE, "credit": "credit", "refund": "credit", "tax": "tax", "vat": "tax",
    "rounding": "rounding", "adjustment": "fee", "purchase": "fee", "fee": "fee",
}  # fmt: skip
_CLASSES: Mapping[str, str] = {
    "uncached_input_tokens": "input", "input_tokens": "input", "prompt_tokens": "input", "output_tokens": "output",
    "completion_tokens": "output", "cache_read_input_tokens": "cache_read", "cached_input": "cache_read",
    "cached_input_tokens": "cache_read", "input_cached": "cache_read", "cache_write": "cache_write_5m",
    "cache_creation_input_tokens": "cache_write_5m",
    "cache_creation.ephemeral_5m_input_tokens": "cache_write_5m", "cache_creation.ephemeral_1h_input_tokens": "cache_write_1h",
    "ephemeral_5m_input_tokens": "cache_write_5m", "ephemeral_1h_input_tokens": "cache_write_1h", "reasoning_tokens": "reasoning",
    "web_search_requests": "web_search",
}  # fmt: skip
_PROVIDERS: Mapping[str, str] = {
    "anthropic pbc": "anthropic", "anthropic, pbc": "anthropic", "openai, llc": "openai", "openai llc": "openai", "aws": "bedrock",
    "amazon web services": "bedrock", "google cloud": "google", "microsoft": "azure", "mistral ai": "mistral",
}  # fmt: skip
_EXACT = Context(prec=76, rounding=ROUND_HALF_EVEN)
_USD = "USD"
_TOLD = 20


@dataclass(frozen=True, slots=True)
class Invoice:
    """One invoice file. `digest` is the SHA-256 of its bytes; `start` and `end` (excluded): its period, if it says one."""

    name: str
    digest: str
    lines: Sequence[InvoiceLine]
    start: datetime | None
    end: datetime | None
    problems: Sequence[Problem] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """How an invoice is read. `rates` are dollars per unit of a foreign currency, as the books have them."""

    provider: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    rates: Mapping[str, Decimal] = field(default_factory=dict)


def rate(option: str, currency: str, dollars: str) -> tuple[str, Decimal]:
    """A currency and its rate of the books. Raises UsageError for what is none; `option` is how it was given."""
    try:
        found = Decimal(dollars)
    except DecimalException:
        found = Decimal(0)
    if not (found.is_finite() and found > 0):
        raise UsageError(f"{option} {currency}={dollars} is not a rate", f"Write for example: {option} EUR=1.08")
    return currency.upper(), found


def read_invoice(path: Path, reading: Reading) -> Invoice:
    """The lines of one invoice. Raises Unreachable or DataError; every row that cannot be read is named, and then none is used.

    An invoice with a row left out would show a difference that is none.
    """
    content = _bytes(path)
    rows = list(_vendor_rows(path, content) or _table_rows(path, reading))
    problems: list[Problem] = []
    lines: list[InvoiceLine] = []
    for place, row in rows:
        try:
            lines.append(_line(row, place, reading))
        except ValueError as error:
            problems.append(Problem(place, str(error), "Mend the row, or name the right column with --map FIELD=COLUMN."))
    if problems:
        said = f"{path}: {len(problems)} of {len(rows)} rows cannot be read"
        raise DataError(said, "Nothing was compared.", tuple(problems[:_TOLD]))
    if not lines:
        raise DataError(f"{path} has no invoice lines", "Nothing was compared.")
    start, end = _span(rows, lines)
    named = sorted({line.invoice for line in lines if line.invoice})
    fine = min(_quantum(row.get("amount")) for _, row in rows)
    lines = [replace(line, quantum=fine) for line in lines]
    return Invoice(", ".join(named) or path.name, hashlib.sha256(content).hexdigest(), lines, start, end)


def billed(invoice: Invoice, now: datetime) -> Period:
    """The days that an invoice bills, as a month where they are one. Raises UsageError where it does not say them."""
    if invoice.start is None or invoice.end is None:
        raise UsageError("the invoice does not say which days it bills", "Say it: --period 2026-10.")
    found = parse_period(f"{invoice.start:%Y-%m-%d}..{invoice.end - timedelta(days=1):%Y-%m-%d}", now)
    month = parse_period(f"{invoice.start:%Y-%m}", now)
    return month if (found.start, found.end) == (month.start, month.end) else found


def within(invoice: Invoice, period: Period) -> Invoice:
    """The lines of the days asked for, where the file has others too; each such part of a file is an invoice of its own.

    Raises UsageError where no line is left.
    """
    first, past = period.start.date(), period.end.date()
    kept = [line for line in invoice.lines if line.day is None or first <= line.day < past]
    if len(kept) == len(invoice.lines):
        return invoice
    if not kept:
        raise UsageError(f"the invoice has no lines in {period.label}", "Say which days it bills: --period 2026-10.")
    part = f"{invoice.digest} {first}..{past}"
    return replace(invoice, lines=kept, digest=hashlib.sha256(part.encode()).hexdigest())


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unreachable(f"{path} cannot be read: {error.strerror or error}", "Check the path and its permissions.") from error


def _vendor_rows(path: Path, content: bytes) -> list[tuple[str, dict[str, str]]]:
    """The results in the buckets of OpenAI's costs or Anthropic's cost report; nothing where the file is neither."""
    try:
        plain = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        document = json.loads(plain, parse_float=Decimal) if plain.lstrip()[:1] == b"{" else None
    except (ValueError, OSError, EOFError):
        return []
    buckets = document.get("data") if isinstance(document, dict) else None
    if not isinstance(buckets, list) or not all(
        isinstance(bucket, dict) and isinstance(bucket.get("results"), list) for bucket in buckets
    ):
        return []
    found = [
        (f"{path}:data[{number}].results[{inner}]", _vendor_row(bucket, result, path))
        for number, bucket in enumerate(buckets, start=1)
        for inner, result in enumerate(bucket["results"], start=1)
    ]
    if document is not None and document.get("has_more"):
        raise DataError(f"{path} is one page of several", "Ask for the next pages too, and put all buckets into one `data` list.")
    return found


def _vendor_row(bucket: Mapping[str, Any], result: Mapping[str, Any], path: Path) -> dict[str, str]:
    amount = result.get("amount")
    text = {name: str(value) for name, value in result.items() if isinstance(value, str | int | Decimal) and value is not None}
    if isinstance(amount, dict):  # OpenAI: dollars; the day is a Unix time
        at = datetime.fromtimestamp(int(bucket["start_time"]), UTC)
        model, _, kind = str(result.get("line_item") or "").partition(", ")
        named = {"model": model, "class": kind, "description": str(result.get("line_item") or "")}
        return {"provider": "openai", "day": f"{at:%Y-%m-%d}", "amount": str(amount.get("value")),
                "currency": str(amount.get("currency", _USD)).upper(), "quantity": text.get("quantity", ""),
                "key": text.get("api_key_id", ""), **named}  # fmt: skip
    if not isinstance(amount, str):
        raise DataError(f"{path} is a report of usage, it says no amounts", "Ask the vendor's API for its cost report.")
    with localcontext(_EXACT):
        cents = str(Decimal(amount) / 100)  # Anthropic states cents
    kind = text.get("cost_type", "tokens")
    return {"provider": "anthropic", "day": str(bucket.get("starting_at", ""))[:10], "amount": cents,
            "currency": text.get("currency", _USD), "model": text.get("model", ""), "class": text.get("token_type", "") or kind,
            "tier": text.get("service_tier", ""), "description": text.get("description", "")}  # fmt: skip


def _table_rows(path: Path, reading: Reading) -> Iterator[tuple[str, dict[str, str]]]:
    constants = {**reading.constants}
    with duckdb.connect() as scratch, tempfile.TemporaryDirectory(prefix="breakeven-invoice-") as spill:
        source = open_source(scratch, path, "invoice", Path(spill))
        if source.malformed:
            raise DataError(f"{path} has malformed rows", "Nothing was compared.", source.malformed)
        request = ImportRequest(files=[path], now=datetime.now(UTC), constants=constants, columns=reading.columns)
        mapped = plan(FIELDS, source.columns, request)
        if not any(entry.field.name == "amount" for entry in mapped):
            raise DataError(f"{path}: no column says the amount", "Name it: --map amount=COLUMN.")
        ready = flattened(scratch, source, [entry.column for entry in mapped if entry.column])
        names = [entry for entry in mapped if entry.column]
        columns = ", ".join('"' + str(entry.column).replace('"', '""') + '"::VARCHAR' for entry in names)
        for row in scratch.execute(f"SELECT _row, {columns} FROM {ready.table} ORDER BY _row").fetchall():
            found = {entry.field.name: (value or "").strip() for entry, value in zip(names, row[1:], strict=True)}
            yield f"{path}:{source.place(row[0])}", {**found, **constants}


def _line(row: Mapping[str, str], place: str, reading: Reading) -> InvoiceLine:
    provider = (reading.provider or row.get("provider") or "").lower()
    if not provider:
        raise ValueError("no vendor is named (say --provider NAME)")
    category = _category(row)
    dollars, exchange, foreign = _dollars(row, reading)
    model = (row.get("model") or "").lower()
    tier = (row.get("tier") or "").lower()
    return InvoiceLine(
        provider=_PROVIDERS.get(provider, provider),
        category=category,
        amount=dollars,
        place=place,
        day=_day(row.get("day")),
        model=plain_model(model) or None,
        usage_class=_class(row.get("class") or ""),
        tier=tier or None,
        quantity=_quantity(row.get("quantity")),
        key=row.get("key") or None,
        exchange=exchange,
        foreign=foreign,
        invoice=row.get("invoice") or None,
        account=row.get("account") or None,
        description=row.get("description") or None,
        currency=(row.get("paid_in") or row.get("currency") or _USD).upper(),
        paid=atto(_decimal(row.get("paid") or row.get("amount"), "paid")),
    )


def _category(row: Mapping[str, str]) -> str:
    said = (row.get("category") or "").lower()
    if said not in _CATEGORIES:
        raise ValueError(f"category {said!r} is none of {', '.join(filter(None, _CATEGORIES))}")
    words = (row.get("description") or "").lower()
    return "rounding" if _CATEGORIES[said] == "fee" and "rounding" in words else _CATEGORIES[said]


def _class(text: str) -> str | None:
    name = re.sub(r"\s+", "_", text.strip().lower())
    name = _CLASSES.get(name, name)
    return name if name in CLASS_BY_NAME else name or None


def _dollars(row: Mapping[str, str], reading: Reading) -> tuple[int, int, bool]:
    """The amount in dollars by the invoice's own exchange, what the books' exchange adds, and whether it says none in dollars."""
    amount, currency = _decimal(row.get("amount"), "amount"), (row.get("currency") or _USD).upper()
    paid, paid_in = row.get("paid") or "", (row.get("paid_in") or currency).upper()
    if currency != _USD:
        return _converted(amount, currency, reading), 0, True
    if paid and paid_in != _USD:
        return atto(amount), _converted(_decimal(paid, "paid"), paid_in, reading) - atto(amount), False
    return atto(amount), 0, False


def _converted(amount: Decimal, currency: str, reading: Reading) -> int:
    rate = reading.rates.get(currency)
    if rate is None:
        raise ValueError(f"the amount is in {currency} (say --rate {currency}=DOLLARS, the rate of your books)")
    with localcontext(_EXACT):
        return atto((amount * rate).quantize(Decimal(1).scaleb(-SCALE)))


def _decimal(text: str | None, field: str) -> Decimal:
    try:
        value = Decimal((text or "").replace(",", "").replace("$", ""))
    except DecimalException:
        raise ValueError(f"{field} {text!r} is not a number") from None
    atto(value)
    return value


def _quantity(text: str | None) -> int | None:
    if not text:
        return None
    value = _decimal(text, "quantity")
    if value != value.to_integral_value():
        raise ValueError(f"quantity {text} is not whole")
    return int(value)


def _day(text: str | None) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise ValueError(f"day {text!r} is not a date (write 2026-10-31)") from None


def _quantum(text: str | None) -> int:
    """The smallest unit of an amount as it is written: a cent where it has two decimals."""
    exponent = Decimal((text or "0").replace(",", "").replace("$", "")).as_tuple().exponent
    places = -exponent if isinstance(exponent, int) else 0
    return int(ATTO // 10 ** min(SCALE, max(2, places)))


def _span(rows: Iterable[tuple[str, Mapping[str, str]]], lines: Iterable[InvoiceLine]) -> tuple[datetime | None, datetime | None]:
    """The billing period that it names, else its first and last day."""
    starts = [_day(row["period_start"]) for _, row in rows if row.get("period_start")]
    ends = [_day(row["period_end"]) for _, row in rows if row.get("period_end")]
    days = [line.day for line in lines if line.day]
    start, end = min(filter(None, starts), default=min(days, default=None)), max(filter(None, ends), default=None)
    if end is None and days:
        end = max(days) + timedelta(days=1)
    return _midnight(start), _midnight(end)


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else datetime(day.year, day.month, day.day)  # noqa: DTZ001 - facts are UTC without zone
