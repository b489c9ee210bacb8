"""The check functions of the requirements model as SQL conditions over a file of texts, true where a row satisfies them.

A column that is missing is read as null: that it is missing is a requirement of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from breakeven.errors import DataError

Columns = frozenset[str]
Rules = Mapping[str, Any]
_NUMBER = r"^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"
_INSTANT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"
_WORDS = (
    "Bytes?|(?:Kilo|Mega|Giga|Tera|Peta)bytes?|[KMGTPE]i?B|[KMGTPE]i?b|Years?|Months?|Weeks?|Days?|Hours?|Minutes?|Seconds?|"
    "Counts?|Units?|Requests?|Tokens?|Images?|Characters?|Sessions?|Pages?|Connections?|Certificates?|Domains?|Cores?|Transactions?"
)
UNIT = rf"^([0-9]+ )?({_WORDS})(-({_WORDS}))?(/([0-9]+ )?({_WORDS}))?$"
_CURRENCIES = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC "
    "CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK "
    "JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR "
    "MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP "
    "STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG"
)


def column(name: str, columns: Columns) -> str:
    """A column's expression; null where the file lacks it."""
    return '"' + name.replace('"', '""') + '"' if name in columns else "CAST(NULL AS VARCHAR)"


def scaled(text: str, digits: int) -> str:
    """A decimal text as a whole number of its smallest unit at `digits` decimals, so that products are exact."""
    return f"CAST(replace(CAST(TRY_CAST({text} AS DECIMAL(38,{digits})) AS VARCHAR), '.', '') AS HUGEINT)"


def product(price: str, quantity: str, cost: str) -> str:
    """Whether price × quantity is cost to the last digit; true where one of them is null."""
    whole = f"{scaled(price, 18)} * {scaled(quantity, 6)} = {scaled(cost, 18)} * 1000000"
    return f"({price} IS NULL OR {quantity} IS NULL OR {cost} IS NULL OR {whole})"


def condition(check: Mapping[str, Any], columns: Columns, rules: Rules) -> str:
    """The SQL condition of one check of the model. Raises DataError for a function that we do not know."""
    name = check["CheckFunction"]
    if name in ("AND", "OR"):
        return "(" + f" {name} ".join(condition(item, columns, rules) for item in check["Items"]) + ")"
    if name == "CheckModelRule":
        return _other(check["ModelRuleId"], columns, rules)
    if name not in _FUNCTIONS:
        raise DataError(f"the requirements model uses an unknown check function {name!r}", "Use a model of FOCUS 1.2.")
    return _FUNCTIONS[name](check, columns)


def _other(name: str, columns: Columns, rules: Rules) -> str:
    criteria = rules[name]["ValidationCriteria"]
    if rules[name]["Type"] != "Static":
        return "true"
    holds = condition(criteria["Requirement"], columns, rules)
    return f"(NOT {condition(criteria['Condition'], columns, rules)} OR {holds})" if criteria["Condition"] else holds


def _value(check: Mapping[str, Any], columns: Columns) -> str:
    named, value = column(check["ColumnName"], columns), check["Value"]
    if value is None:
        return f"({named} IS NULL)"
    if isinstance(value, int | float):
        return f"coalesce(TRY_CAST({named} AS DECIMAL(38,18)) = {value}, false)"
    return f"coalesce({named} = '{str(value).replace(chr(39), chr(39) * 2)}', false)"


def _two(check: Mapping[str, Any], columns: Columns) -> tuple[str, str]:
    return column(check["ColumnAName"], columns), column(check["ColumnBName"], columns)


def _matches(pattern: str) -> Callable[[Mapping[str, Any], Columns], str]:
    def holds(check: Mapping[str, Any], columns: Columns) -> str:
        named = column(check["ColumnName"], columns)
        return f"({named} IS NULL OR regexp_matches({named}, '{pattern}'))"

    return holds


def _least(check: Mapping[str, Any], columns: Columns) -> str:
    named = column(check["ColumnName"], columns)
    return f"({named} IS NULL OR coalesce(TRY_CAST({named} AS DECIMAL(38,18)) >= {check['Value']}, false))"


def _distinct(check: Mapping[str, Any], columns: Columns) -> str:
    one, other = _two(check, columns)
    many = f"SELECT {one} FROM focus_file WHERE {one} IS NOT NULL GROUP BY 1 HAVING count(DISTINCT {other}) <> {int(check['ExpectedCount'])}"
    return f"({one} IS NULL OR {one} NOT IN ({many}))"


def _key_values(check: Mapping[str, Any], columns: Columns) -> str:
    named = column(check["ColumnName"], columns)
    return f"({named} IS NULL OR (json_valid({named}) AND json_type(CASE WHEN json_valid({named}) THEN {named} END) = 'OBJECT'))"


def _times(check: Mapping[str, Any], columns: Columns) -> str:
    return product(*_two(check, columns), column(check["ResultColumnName"], columns))


def _currency(check: Mapping[str, Any], columns: Columns) -> str:
    named = column(check["ColumnName"], columns)
    return f"({named} IS NULL OR {named} IN ({', '.join(repr(code) for code in _CURRENCIES.split())}))"


_FUNCTIONS: Mapping[str, Callable[[Mapping[str, Any], Columns], str]] = {
    "ColumnPresent": lambda check, columns: "true" if check["ColumnName"] in columns else "false",
    "CheckValue": _value,
    "CheckNotValue": lambda check, columns: f"(NOT {_value(check, columns)})",
    "CheckSameValue": lambda check, columns: "({} IS NOT DISTINCT FROM {})".format(*_two(check, columns)),
    "CheckNotSameValue": lambda check, columns: "({} IS DISTINCT FROM {})".format(*_two(check, columns)),
    "CheckGreaterOrEqualThanValue": _least,
    "CheckDecimalValue": _matches(_NUMBER),
    "TypeDecimal": _matches(_NUMBER),
    "FormatNumeric": _matches(_NUMBER),
    "TypeString": _matches("(?s).*"),
    "FormatString": _matches(r"(?s)^\S(.*\S)?$"),
    "TypeDateTime": _matches(_INSTANT),
    "FormatDateTime": _matches(_INSTANT),
    "FormatUnit": _matches(UNIT),
    "FormatCurrency": _currency,
    "CheckNationalCurrency": _currency,
    "FormatKeyValue": _key_values,
    "CheckDistinctCount": _distinct,
    "ColumnByColumnEqualsColumnValue": _times,
}
"""Every check function of the model but the three that join others."""
