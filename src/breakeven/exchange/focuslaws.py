"""Laws of a FOCUS file that the requirements model cannot say, or that are easily missed: eight defects, and the names of columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from breakeven.exchange.focusconditions import UNIT, Columns, column, product

# The keys that the specification itself gives to SkuPriceDetails; every other key needs the prefix.
_DEFINED_KEYS = (
    "CoreCount", "DiskMaxIops", "DiskSpace", "DiskType", "GpuCount", "InstanceSeries", "InstanceType", "MemorySize",
    "NetworkMaxIops", "NetworkMaxThroughput", "OperatingSystem", "Redundancy", "StorageClass",
)  # fmt: skip
_KNOWN_COLUMNS = (
    "Allocated|Availability|Billed|Billing|Capacity|Charge|Commitment|Consumed|Contract|Contracted|Effective|Host|Invoice|List|"
    "Pricing|Provider|Publisher|Region|Resource|Service|Sku|Sub|Tags"
)


class Law(NamedTuple):
    """One law: its name and words, the rows that it is about, and what holds for them."""

    name: str
    words: str
    where: Callable[[Columns], str]
    holds: Callable[[Columns], str]


def _priced(columns: Columns) -> str:
    return f"{column('ChargeClass', columns)} IS DISTINCT FROM 'Correction'"


def _always(_: Columns) -> str:
    return "true"


def _usage(columns: Columns) -> str:
    return f"{column('ChargeCategory', columns)} = 'Usage' AND {_priced(columns)}"


def _product(kind: str) -> Callable[[Columns], str]:
    names = (f"{kind}UnitPrice", "PricingQuantity", f"{kind}Cost")
    return lambda columns: product(*(column(name, columns) for name in names))


def _ordered(kind: str) -> Callable[[Columns], str]:
    return lambda columns: f"{column(f'{kind}PeriodStart', columns)} < {column(f'{kind}PeriodEnd', columns)}"


def _category(columns: Columns) -> str:
    named, committed = column("PricingCategory", columns), column("CommitmentDiscountId", columns)
    allowed = "'Standard', 'Dynamic', 'Committed', 'Other'"
    return f"{named} IN ({allowed}) AND ({named} = 'Committed') = ({committed} IS NOT NULL)"


def _frequency(columns: Columns) -> str:
    named, category = column("ChargeFrequency", columns), column("ChargeCategory", columns)
    return (
        f"({named} IS NULL OR {named} IN ('One-Time', 'Recurring', 'Usage-Based'))"
        f" AND ({category} <> 'Usage' OR {named} IS NULL OR {named} = 'Usage-Based')"
        f" AND ({category} <> 'Purchase' OR {named} IS NULL OR {named} <> 'Usage-Based')"
    )


def _units(columns: Columns) -> str:
    named = [column(name, columns) for name in ("PricingUnit", "ConsumedUnit")]
    return " AND ".join(f"({one} IS NULL OR regexp_matches({one}, '{UNIT}'))" for one in named)


def _keys(columns: Columns) -> str:
    details = column("SkuPriceDetails", columns)
    keys = f"json_keys(CASE WHEN json_valid({details}) THEN {details} END)"
    defined = ", ".join(f"'{key}'" for key in _DEFINED_KEYS)
    own = f"list_filter({keys}, lambda key: NOT (starts_with(key, 'x_') OR key IN ({defined})))"
    return f"({details} IS NULL OR len({own}) = 0)"


def _columns(columns: Columns) -> str:
    foreign = [name for name in columns if not name.startswith("x_") and not name.startswith(tuple(_KNOWN_COLUMNS.split("|")))]
    return "false" if foreign else "true"


LAWS: tuple[Law, ...] = (
    Law("list-product", "ListUnitPrice × PricingQuantity is ListCost, to the last digit.", _priced, _product("List")),
    Law("contracted-product", "ContractedUnitPrice × PricingQuantity is ContractedCost.", _priced, _product("Contracted")),
    Law("pricing-category", "Usage has an allowed PricingCategory, Committed only with a commitment.", _usage, _category),
    Law("charge-frequency", "ChargeFrequency is an allowed one and fits the ChargeCategory.", _always, _frequency),
    Law("charge-period", "ChargePeriodStart is before ChargePeriodEnd.", _always, _ordered("Charge")),
    Law("billing-period", "BillingPeriodStart is before BillingPeriodEnd.", _always, _ordered("Billing")),
    Law("units", "PricingUnit and ConsumedUnit are units in the specification's form.", _always, _units),
    Law("detail-keys", "Keys of SkuPriceDetails are the specification's or begin with x_.", _always, _keys),
    Law("column-names", "Columns are the specification's or begin with x_.", _always, _columns),
)
"""Checked on every file, with or without a model."""
