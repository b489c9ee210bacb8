"""Looking at prices and adding to them: lists, one model's history, differences between releases, a new dated row."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from breakeven.economics.money import digits
from breakeven.economics.usage import CLASS_BY_NAME
from breakeven.errors import Unreachable, UsageError
from breakeven.pricebook.card import PricingKey, RateCard
from breakeven.pricebook.catalogue import Archive, instant_text, price_rows
from breakeven.pricebook.overlay import parse_overlay
from breakeven.pricebook.rows import BENEATH, LAYER_NAMES, OVERLAY, PriceRow, UnitPrice
from breakeven.yamlfile import Node, parse_yaml

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")


@dataclass(frozen=True, slots=True)
class CurrentPrice:
    """What one model costs at an instant: list prices by class, as digits per the quantity they are quoted for."""

    provider: str
    model: str
    prices: Mapping[str, str]
    version: str
    layer: str


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One dated row of one model, as text."""

    version: str
    layer: str
    start: str
    end: str
    when: str
    prices: str
    source: str
    why: str


@dataclass(frozen=True, slots=True)
class Change:
    """How one model's rows differ between two releases of the catalogue."""

    provider: str
    model: str
    before: str
    after: str


def quoted(usage_class: str, price: int) -> str:
    """A unit price as digits for the quantity that list prices name: a million tokens, a thousand calls."""
    return digits(price * CLASS_BY_NAME[usage_class].priced_per) or "0"


def priced_text(usage_class: str, price: UnitPrice) -> str:
    """`2.5`, or with tiers `2.5 >272000: 5`."""
    base = "as below" if price.base == BENEATH else quoted(usage_class, price.base)
    return base + "".join(f" >{over}: {quoted(usage_class, tier)}" for over, tier in price.tiers)


def current_prices(card: RateCard, at: datetime, provider: str = "", name: str = "") -> Iterator[CurrentPrice]:
    """The list prices at `at` of every model whose provider is `provider` and whose name contains `name`."""
    for listed in card.models():
        if (provider and listed.provider != provider) or name.lower() not in f"{listed.provider}/{listed.model}":
            continue
        quote = card.quote(PricingKey(listed.provider, listed.model, at))
        prices = {usage_class: quoted(usage_class, lines[0].unit_price) for usage_class, lines in quote.lines.items()}
        layer = LAYER_NAMES[min(max((row.layer for row in listed.rows), default=0), OVERLAY)]
        yield CurrentPrice(listed.provider, listed.model, prices, quote.version, layer)


def history_of(card: RateCard, provider: str, model: str) -> list[HistoryRow]:
    """Every dated row that concerns a model, latest layer first. Raises UsageError where the book does not know it."""
    timeline = card.timeline(provider, model)
    if timeline is None:
        raise UsageError(
            f"the price book has no model {model!r} of {provider}",
            f"Look for it with: breakeven prices list {model}. Or add it with: breakeven prices add {provider} {model} ...",
        )
    rows = sorted(timeline.rows, key=lambda row: (-row.layer, sorted(row.when.items()), instant(row.start)))
    return [_history_row(row) for row in rows]


def _history_row(row: PriceRow) -> HistoryRow:
    prices = [f"{name} {priced_text(name, price)}" for name, price in row.units.items()]
    prices += [f"{name} ×{digits(Decimal(factor.numerator) / factor.denominator)}" for name, factor in row.multiply.items()]
    prices += [f"{name} as {target}" for name, target in (*row.fallback.items(), *row.priced_as.items())]
    prices += [f"windows of the week: {len(row.schedule)}"] if row.schedule else []
    when = ", ".join(f"{name} {value}" for name, value in row.when.items())
    layer = LAYER_NAMES[min(row.layer, OVERLAY)]
    return HistoryRow(row.version, layer, instant(row.start), instant(row.end), when, ", ".join(prices), row.source, row.why)


def instant(at: datetime | None) -> str:
    """An instant with its zone, "" where a period is open."""
    return "" if at is None else instant_text(at)


def differences(before: Archive, after: Archive) -> list[Change]:
    """What a later release says otherwise than an earlier one, model by model; new and vanished models included."""
    old, new = _described(before), _described(after)
    return [
        Change(*key, old.get(key, "(not in this release)"), new.get(key, "(not in this release)"))
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    ]


def _described(archive: Archive) -> dict[tuple[str, str], str]:
    return {
        (provider.id, model.id): "; ".join(_row_text(row) for row in price_rows(provider.id, model, ""))
        for provider in archive.providers
        for model in provider.models
    }


def _row_text(row: PriceRow) -> str:
    label = row.version.rsplit("/", 1)[-1]
    return f"{label}: " + ", ".join(f"{name} {priced_text(name, price)}" for name, price in row.units.items())


@dataclass(frozen=True, slots=True)
class NewPrice:
    """A price to be added: amounts as the vendor quotes them (per million tokens, per thousand calls)."""

    provider: str
    model: str
    start: datetime
    units: Mapping[str, str]
    source: str
    end: datetime | None = None
    why: str = ""
    reference: str = ""


def with_price(text: str, name: str, new: NewPrice, today: datetime) -> str:
    """The price file `text` with one more row at the end of `prices`, everything else as it was.

    Raises UsageError where the file is written so that a row cannot be added, and ConfigError where the result would be wrong.
    """
    text = text or "version: 1\ncurrency: USD\n"
    root = parse_yaml(text, name)
    top = root.mapping or {}
    if new.source not in ((top["sources"].mapping or {}) if "sources" in top else {}):
        entry = f"{_key(new.source)}: {{kind: user, ref: {_quoted(new.reference or new.source)}, recorded: {today:%Y-%m-%d}}}"
        text = _appended(text, name, "sources", [entry])
    lines = [f"- provider: {_quoted(new.provider)}", f"  model: {_quoted(new.model)}", f"  from: {instant_text(new.start)}"]
    lines += [f"  to: {instant_text(new.end)}"] if new.end else []
    lines += ["  units: {" + ", ".join(f"{unit}: {_quoted(price)}" for unit, price in new.units.items()) + "}"]
    lines += [f"  source: {_key(new.source)}"]
    lines += [f"  why: {_quoted(new.why)}"] if new.why else []
    text = _appended(text, name, "prices", lines)
    parse_overlay(text, name)
    return text


def _appended(text: str, name: str, section: str, lines: Sequence[str]) -> str:
    """The lines put at the end of a top-level section, indented like its last entry; a missing section is added at the end."""
    top = parse_yaml(text, name).mapping or {}
    rows = text.splitlines()
    if section not in top:
        return "\n".join([*rows, f"{section}:", *(f"  {line}" for line in lines)]) + "\n"
    header = next((index for index, row in enumerate(rows) if re.match(rf"{section}\s*:", row)), None)
    if header is None or re.match(rf"{section}\s*:\s*[\[{{]", rows[header]):
        raise UsageError(
            f"{name}: {section} is not written as an indented block", f"Write each entry of {section} on its own line."
        )
    end = next((index for index in range(header + 1, len(rows)) if re.match(r"[A-Za-z_\"']", rows[index])), len(rows))
    while end > header + 1 and (not rows[end - 1].strip() or rows[end - 1].startswith("#")):
        end -= 1
    indent = _indent(top[section], rows, header)
    return "\n".join([*rows[:end], *(indent + line for line in lines), *rows[end:]]) + "\n"


def _indent(section: Node, rows: Sequence[str], header: int) -> str:
    del section
    entry = next((row for row in rows[header + 1 :] if row.strip() and not row.lstrip().startswith("#")), "  -")
    return entry[: len(entry) - len(entry.lstrip())] if entry.lstrip().startswith("-") or entry.startswith(" ") else "  "


def _key(word: str) -> str:
    if not _WORD.match(word):
        raise UsageError(
            f"{word!r} cannot be the name of a source", "Use letters, digits and dashes, and put the rest in --reference."
        )
    return word


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    if any(ord(character) < ord(" ") for character in escaped):
        raise UsageError(f"{value!r} contains a control character", "Write it on one line.")
    return f'"{escaped}"'


def write_price_file(path: Path, text: str) -> None:
    """Replace a price file as a whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise Unreachable(
            f"the price file {path} cannot be written: {error.strerror}", "Free space or correct permissions."
        ) from None
