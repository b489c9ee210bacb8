"""Stripe: what customers paid for, as revenue per customer, plan and period.

Amounts are minor units (cents) in JSON, dollars in CSV. Invoices that are void, uncollectible or still drafts are no revenue. Tax
belongs to the state: amounts are without it where lines say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal, DecimalException
from typing import Any

from breakeven.exchange.importers.records import instant_of
from breakeven.exchange.importers.recordwise import RecordImporter, Row, RowFault

Node = Mapping[str, Any]
_CENTS = Decimal("0.01")
_NO_REVENUE = frozenset({"draft", "void", "uncollectible", "deleted", "failed", "canceled", "incomplete"})
_METADATA = " (metadata)"
"""How the dashboard heads a column of metadata."""
_CONVERT = "The ledger keeps US dollars: convert the export first."


def rows_of(node: Node) -> Iterator[Row]:
    """The revenue of an invoice (by its lines), an invoice line, a charge, or a row of a table."""
    kind = node.get("object")
    if kind == "event":
        inner = node.get("data")
        yield from rows_of(inner.get("object", {}) if isinstance(inner, dict) else {})
    elif kind == "invoice":
        yield from _invoice(node)
    elif kind in ("line_item", "invoiceitem"):
        yield _line(node, node, str(node.get("id") or ""))
    elif kind == "charge":
        yield from _charge(node)
    elif kind is None and any(name.lower() in _TABLE_AMOUNTS for name in node):
        yield from _table(node)
    else:
        raise RowFault(f"it is no invoice, invoice line or charge, but {kind!r}", "object", "Export invoices with their lines.")


def _invoice(node: Node) -> Iterator[Row]:
    if str(node.get("status")) in _NO_REVENUE:
        return
    lines = node.get("lines")
    held = lines.get("data") if isinstance(lines, dict) else lines
    if not isinstance(held, list) or not held:
        amount = node.get("total_excluding_tax", node.get("subtotal", node.get("total")))
        yield _revenue(
            str(node.get("id") or ""), node, node, _minor(amount, node), node.get("period_start"), node.get("period_end")
        )
        return
    if isinstance(lines, dict) and lines.get("has_more") is True:
        raise RowFault("it has more lines than are here", "lines", "Export all lines of the invoice (expand lines, or list them).")
    for number, line in enumerate(held):
        if isinstance(line, dict):
            yield _line(line, node, str(line.get("id") or f"{node.get('id')}#{number}"))


def _line(line: Node, invoice: Node, identity: str) -> Row:
    amount = line.get("amount_excluding_tax", line.get("amount"))
    taxes = line.get("tax_amounts") or line.get("taxes")
    inclusive = (
        [each.get("amount", 0) for each in taxes if isinstance(each, dict) and _is_inside(each)] if isinstance(taxes, list) else []
    )
    discounts = line.get("discount_amounts")
    off = [each.get("amount", 0) for each in discounts if isinstance(each, dict)] if isinstance(discounts, list) else []
    period = line.get("period")
    span = period if isinstance(period, dict) else {}
    money = _minor(amount, {**line, "currency": line.get("currency") or invoice.get("currency")})
    if "amount_excluding_tax" not in line:
        money -= sum((Decimal(str(each)) * _CENTS for each in (*inclusive, *off)), Decimal(0))
    return _revenue(identity, line, invoice, money, span.get("start"), span.get("end"))


def _is_inside(tax: Node) -> bool:
    return tax.get("inclusive") is True or tax.get("tax_behavior") == "inclusive"


def _charge(node: Node) -> Iterator[Row]:
    if node.get("paid") is not True or str(node.get("status")) != "succeeded":
        return
    refunded = Decimal(str(node.get("amount_refunded") or 0)) * _CENTS
    yield _revenue(str(node.get("id") or ""), node, node, _minor(node.get("amount"), node) - refunded, node.get("created"), None)


_TABLE_AMOUNTS = ("amount", "total", "amount paid", "amount due", "net", "converted amount")


def _table(node: Node) -> Iterator[Row]:
    """A row of an export from the dashboard: amounts in dollars."""
    lowered = {name.lower(): value for name, value in node.items()}

    def first(*names: str) -> Any:  # noqa: ANN401 - a text of the table
        return next((lowered[name] for name in names if lowered.get(name) not in (None, "")), None)

    if str(first("status") or "").lower() in _NO_REVENUE:
        return
    currency = str(first("converted currency", "currency") or "usd").lower()
    if currency != "usd":
        raise RowFault(f"its currency is {currency}", "currency", _CONVERT)
    tax = first("tax") or "0"
    invoiced = None if first("converted amount") else first("total")
    shown = invoiced or first("converted amount", "amount paid", "amount", "total", "amount due", "net")
    refunded = first("converted amount refunded", "amount refunded") or "0"
    try:
        money = _plain(shown) - _plain(refunded) - (_plain(tax) if invoiced else 0)
    except DecimalException:
        raise RowFault(f"its amount {shown!r} is no amount of money", "amount") from None
    start = first(
        "period start (utc)", "period start", "start", "date (utc)", "created (utc)", "created date (utc)", "created", "date"
    )
    end = first("period end (utc)", "period end", "end")
    lined = {
        "customer": first("customer id", "customer", "customer name", "customer email"),
        "plan": first("plan", "product", "price", "subscription plan", "description"),
        "product": first("product (metadata)"),
        "metadata": {name.removesuffix(_METADATA): value for name, value in lowered.items() if name.endswith(_METADATA)},
    }  # fmt: skip
    yield _revenue(str(first("id", "invoice id", "number") or ""), lined, lined, money, start, end)


def _plain(text: object) -> Decimal:
    """An amount as tables write it. Raises DecimalException."""
    return Decimal(str(text).replace(",", "").replace("$", ""))


def _revenue(identity: str, node: Node, invoice: Node, amount: Decimal, start: object, end: object) -> Row:
    if not identity:
        raise RowFault("it has no id", "id", "Export the id too: without one the next export would count again.")
    begins = instant_of(start if start is not None else invoice.get("created"))
    ends = instant_of(end)
    if begins is not None and (ends is None or ends <= begins):
        ends = begins + timedelta(days=1) if ends is not None else None
    metadata = {**_node(invoice.get("metadata")), **_node(node.get("metadata"))}
    customer = (
        metadata.get("breakeven_customer") or metadata.get("customer_id") or _name(invoice.get("customer") or node.get("customer"))
    )
    plan = _plan(node)
    if not customer and not plan:
        raise RowFault("neither a customer nor a plan is named", "customer")
    return {
        "identity": f"stripe:{identity}", "period_start": begins, "shown_time": start, "period_end": ends or _month_later(begins),
        "customer": customer, "plan": plan, "feature": metadata.get("feature") or metadata.get("breakeven_feature"),
        "amount": amount,
    }  # fmt: skip


def _month_later(start: Any) -> Any:  # noqa: ANN401 - an instant or None
    if start is None:
        return None
    year, month = (start.year + 1, 1) if start.month == 12 else (start.year, start.month + 1)  # noqa: PLR2004 - December
    days = (start.replace(year=year, month=month, day=1) - start.replace(day=1)).days
    return start + timedelta(days=days)


def _plan(node: Node) -> str | None:
    price = _node(node.get("price")) or _node(node.get("plan"))
    details = _node(_node(node.get("pricing")).get("price_details"))
    for value in (price.get("lookup_key"), price.get("nickname"), price.get("product"), price.get("id"), details.get("product"),
                  details.get("price"), node.get("plan")):  # fmt: skip
        name = _name(value)
        if name:
            return name
    return None


def _name(value: object) -> str | None:
    if isinstance(value, Mapping):
        value = value.get("id") or value.get("name")
    return value if isinstance(value, str) and value else None


def _minor(amount: object, node: Node) -> Decimal:
    currency = str(node.get("currency") or "usd").lower()
    if currency != "usd":
        raise RowFault(f"its currency is {currency}", "currency", _CONVERT)
    if isinstance(amount, bool) or not isinstance(amount, int):
        raise RowFault(f"its amount {amount!r} is no whole number of cents", "amount")
    return amount * _CENTS


def _node(value: object) -> Node:
    return value if isinstance(value, Mapping) else {}


STRIPE = RecordImporter(
    "stripe",
    "Invoices, invoice lines or charges of Stripe as JSON or JSON lines, or the dashboard's CSV: revenue.",
    rows_of,
    (".json", ".jsonl", ".csv"),
    fact="revenue",
    settable=("plan", "customer", "feature"),
)
