"""The base catalogue: `genai-prices` as data, archived per release.

Only its data are used; never its updater and never its arithmetic. Each release is written once, with the time it was recorded
and its SHA-256, into the ledger's `prices` directory and never overwritten; from then on the archive is read, not the installed
package. A later release changes no period that was closed when it was recorded, unless somebody accepts it (`accepted.jsonl`).
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec

from breakeven.errors import DataError, Unreachable
from breakeven.pricebook.rows import BASE, PriceRow, UnitPrice, Window

PACKAGE = "genai-prices"
FORMAT = 1
ACCEPTED = "accepted.jsonl"
MS_PER_HOUR = 3_600_000

# Price keys of genai-prices and the usage classes they price, with the quantity each price is quoted for. `cache_write` is the
# vendor's shortest retention: 5 minutes at Anthropic, 30 minutes at OpenAI (a declared fallback takes one for the other).
_PRICE_KEYS: Mapping[str, tuple[str, int]] = {
    "input_mtok": ("input", 1_000_000),
    "cache_read_mtok": ("cache_read", 1_000_000),
    "cache_write_mtok": ("cache_write_5m", 1_000_000),
    "cache_write_1h_mtok": ("cache_write_1h", 1_000_000),
    "output_mtok": ("output", 1_000_000),
    "output_reasoning_mtok": ("reasoning", 1_000_000),
    "input_audio_mtok": ("input_audio", 1_000_000),
    "cache_audio_read_mtok": ("cache_read_audio", 1_000_000),
    "output_audio_mtok": ("output_audio", 1_000_000),
    "input_image_mtok": ("input_image", 1_000_000),
    "cache_image_read_mtok": ("cache_read_image", 1_000_000),
    "output_image_mtok": ("output_image", 1_000_000),
    "input_video_mtok": ("input_video", 1_000_000),
    "output_video_mtok": ("output_video", 1_000_000),
    "web_searches_kcount": ("web_search", 1_000),
    "storage_searches_kcount": ("file_search", 1_000),
    "input_mchars": ("input_characters", 1_000_000),
    "audio_hours": ("input_audio_ms", MS_PER_HOUR),
    "input_audio_hours": ("input_audio_ms", MS_PER_HOUR),
}
# Priced by the catalogue in units that no response body of ours reports: pages of OCR, requests, citation tokens, text messages.
_NOT_METERED = ("input_document_kpages", "input_annotated_document_kpages", "requests_kcount", "output_citation_mtok")
NOT_METERED = frozenset((*_NOT_METERED, "input_text_messages_kcount"))


class Rule(msgspec.Struct, frozen=True):
    """How the catalogue recognises a model's names: one clause, or several that must all hold."""

    kind: str
    value: str = ""
    all: tuple[Rule, ...] = ()


class Price(msgspec.Struct, frozen=True, omit_defaults=True):
    """A unit price in atto-dollars per single unit, with tiers over total input tokens."""

    base: int
    tiers: tuple[tuple[int, int], ...] = ()


class Row(msgspec.Struct, frozen=True, omit_defaults=True):
    """Prices of a model from a date on, optionally only at a time of day or for a kind of service."""

    units: dict[str, Price]
    start: str = ""
    end: str = ""
    when: dict[str, str] = {}
    only: tuple[int, int] | None = None


class Model(msgspec.Struct, frozen=True, omit_defaults=True):
    """One model of one provider: its exact names, its rules, its dated rows; how many tokens it takes, where that is known."""

    id: str
    names: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    rows: tuple[Row, ...] = ()
    comment: str = ""
    window: int | None = None


class Provider(msgspec.Struct, frozen=True, omit_defaults=True):
    """One provider, and whose prices it takes for models that it has no price for."""

    id: str
    models: tuple[Model, ...]
    fallback: tuple[str, ...] = ()


class Archive(msgspec.Struct, frozen=True):
    """One recorded release. `sha256` is that of the providers as written here, so that damage shows."""

    format: int
    catalogue: str
    version: str
    recorded_at: str
    sha256: str
    unit: str
    providers: tuple[Provider, ...]


@dataclass(frozen=True, slots=True)
class Release:
    """An archive in force: its prices hold from `valid_from` (None: always) until the next release's."""

    archive: Archive
    recorded_at: datetime
    valid_from: datetime | None

    @property
    def name(self) -> str:
        """As price versions name it: `genai-prices@0.2.3`."""
        return f"{self.archive.catalogue}@{self.archive.version}"


def installed_version() -> str:
    """The version of genai-prices that is installed, without importing it."""
    return importlib.metadata.version(PACKAGE)


def compile_installed(recorded_at: datetime) -> Archive:
    """The installed release as an archive. Imports the package's data (0.2 s), so ask for an archive first."""
    from genai_prices.data import providers  # noqa: PLC0415 - heavy, and only needed when no archive of this release exists yet

    compiled = tuple(_provider(provider) for provider in providers)
    return Archive(
        FORMAT, PACKAGE, installed_version(), instant_text(recorded_at), _digest(compiled), "10^-18 USD per single unit", compiled
    )


def _digest(providers: Sequence[Provider]) -> str:
    return hashlib.sha256(msgspec.json.encode(providers)).hexdigest()


def _provider(source: Any) -> Provider:  # noqa: ANN401 - a data object of genai-prices
    models = tuple(_model(model) for model in source.models)
    return Provider(source.id, models, tuple(source.fallback_model_providers or ()))


def _model(source: Any) -> Model:  # noqa: ANN401 - a data object of genai-prices
    clauses = list(_alternatives(_rule(source.match)))
    names = tuple(dict.fromkeys(clause.value.lower() for clause in clauses if clause.kind == "equals"))
    rules = tuple(clause for clause in clauses if clause.kind != "equals")
    rows = (*_standard_rows(source.prices), *_variant_rows(source.price_variants or ()))
    priced = tuple(row for row in rows if row.units or row.when)
    return Model(source.id, names, rules, priced, source.price_comments or "", source.context_window)


def _rule(clause: Any) -> Rule:  # noqa: ANN401 - one of the package's clause types
    [(kind, value)] = vars(clause).items()
    if isinstance(value, list):
        return Rule(kind.rstrip("_"), all=tuple(_rule(part) for part in value))
    return Rule(kind, value)


def _alternatives(rule: Rule) -> Iterator[Rule]:
    if rule.kind == "or":
        for part in rule.all:
            yield from _alternatives(part)
    else:
        yield rule


def _standard_rows(prices: Any) -> Iterator[Row]:  # noqa: ANN401 - a ModelPrice or a list of conditional prices
    """Rows that end where the next dated one begins; rows of a time of day come last and win while they are open."""
    conditional = prices if isinstance(prices, list) else None
    if conditional is None:
        yield Row(_units(prices))
        return
    dated = [price for price in conditional if not hasattr(price.constraint, "start_time")]
    starts = [_midnight(price.constraint) for price in dated]
    for price, start, end in zip(dated, starts, [*starts[1:], ""], strict=True):
        yield Row(_units(price.prices), start, end)
    for price in conditional:
        if hasattr(price.constraint, "start_time"):
            times = price.constraint.start_time, price.constraint.end_time
            yield Row(_units(price.prices), only=(_utc_minute(times[0]), _utc_minute(times[1])))


def _variant_rows(variants: Sequence[Any]) -> Iterator[Row]:
    """The first active variant wins per unit, so a later start of the same kind of service ends the earlier row."""
    for variant in variants:
        start = _midnight(variant.constraint)
        later = [_midnight(other.constraint) for other in variants if other.when == variant.when]
        end = min((other for other in later if other > start), default="")
        yield Row(_units(variant.prices), start, end, dict(variant.when))


def _midnight(constraint: Any) -> str:  # noqa: ANN401 - None or one of the package's constraints
    """A start date means UTC midnight; no constraint means always."""
    return "" if constraint is None else f"{constraint.start_date.isoformat()}T00:00:00Z"


def _utc_minute(time: Any) -> int:  # noqa: ANN401 - a datetime.time with or without a zone
    offset = time.utcoffset() or timedelta()
    return int((timedelta(hours=time.hour, minutes=time.minute) - offset).total_seconds() // 60) % (24 * 60)


def _units(prices: Any) -> dict[str, Price]:  # noqa: ANN401 - a ModelPrice
    found: dict[str, Price] = {}
    for key, value in vars(prices).items():
        if value is None or key in NOT_METERED:
            continue
        if key not in _PRICE_KEYS:
            raise DataError(
                f"{PACKAGE} {installed_version()} prices a unit {key!r} that this version does not know",
                "Update breakeven, or install the release of genai-prices that it was built with.",
            )
        usage_class, per = _PRICE_KEYS[key]
        found[usage_class] = _price(value, per)
    return found


def _price(value: Any, per: int) -> Price:  # noqa: ANN401 - a Decimal or TieredPrices
    if hasattr(value, "tiers"):
        return Price(_atto(value.base, per), tuple((tier.start, _atto(tier.price, per)) for tier in value.tiers))
    return Price(_atto(value, per))


def _atto(price: Any, per: int) -> int:  # noqa: ANN401 - a Decimal of the package
    """Exact for every price per million or thousand; a price per hour may need half-even rounding at 10⁻¹⁸ per millisecond."""
    return round(Fraction(price) * 10**18 / per)


def instant_text(at: datetime) -> str:
    """A naive UTC time as text with its zone, `2026-11-23T00:00:00Z`."""
    return at.isoformat() + "Z"


def parse_instant(text: str) -> datetime:
    """Naive UTC of text with a zone. Raises ValueError where the zone is missing."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return at.astimezone(UTC).replace(tzinfo=None)


def archive_name(version: str) -> str:
    """The file of one release."""
    return f"{PACKAGE}-{version}.json"


def record(directory: Path, archive: Archive) -> Path:
    """Write an archive durably under its release's name; an existing file is never touched."""
    path = directory / archive_name(archive.version)
    write_once(path, msgspec.json.format(msgspec.json.encode(archive), indent=0))
    return path


def write_once(path: Path, data: bytes) -> None:
    """Write a new file so that it is there whole or not at all; leave an existing one alone."""
    if path.exists():
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _place(temporary, path)
    except OSError as error:
        raise Unreachable(
            f"price archive {path} cannot be written: {error.strerror}", "Free space or correct permissions."
        ) from None


def _place(temporary: Path, path: Path) -> None:
    """Give a finished file its name unless somebody else was first; where there are no hard links, a rename must do."""
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        pass
    except OSError:
        temporary.replace(path)
    temporary.unlink(missing_ok=True)


def read_archive(path: Path) -> Archive:
    """One archive, checked against its own hash. Raises DataError where it is damaged."""
    try:
        archive = msgspec.json.decode(path.read_bytes(), type=Archive)
    except (OSError, msgspec.MsgspecError) as error:
        raise DataError(f"price archive {path} cannot be read: {error}", "Restore it from a backup of the ledger.") from None
    if archive.format != FORMAT or _digest(archive.providers) != archive.sha256:
        raise DataError(f"price archive {path} was changed after it was recorded", "Restore it from a backup of the ledger.")
    return archive


def archives(directory: Path) -> list[Archive]:
    """All recorded releases, first recorded first."""
    found = [read_archive(path) for path in sorted(directory.glob(f"{PACKAGE}-*.json"))]
    return sorted(found, key=lambda archive: archive.recorded_at)


def ensure_archived(directory: Path, now: datetime) -> list[Archive]:
    """All recorded releases, the installed one included: it is compiled and recorded when it is not there yet."""
    if not (directory / archive_name(installed_version())).exists():
        record(directory, compile_installed(now))
    return archives(directory)


def accept(directory: Path, version: str, now: datetime, by: str) -> None:
    """Let a recorded release change closed periods too, from now on. Accepting twice adds nothing."""
    if any(entry["version"] == version for entry in acceptances(directory)):
        return
    line = json.dumps({"version": version, "accepted_at": instant_text(now), "by": by}) + "\n"
    with (directory / ACCEPTED).open("a", encoding="utf-8") as file:
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def acceptances(directory: Path) -> list[dict[str, str]]:
    """What was accepted, when and by whom."""
    path = directory / ACCEPTED
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def releases(directory: Path, known_at: datetime | None = None) -> list[Release]:
    """The recorded releases with the instant from which each one's prices hold, as known at `known_at` (None: now).

    The first holds always. A later one holds from the full hour after it was recorded, or always once it was accepted.
    """
    accepted = {e["version"] for e in acceptances(directory) if known_at is None or parse_instant(e["accepted_at"]) <= known_at}
    found: list[Release] = []
    for archive in archives(directory):
        recorded_at = parse_instant(archive.recorded_at)
        if known_at is not None and recorded_at > known_at:
            continue
        if archive.version in accepted:
            found = []
        found.append(Release(archive, recorded_at, _next_hour(recorded_at) if found else None))
    return found


def _next_hour(at: datetime) -> datetime:
    hour = at.replace(minute=0, second=0, microsecond=0)
    return hour if hour == at else hour + timedelta(hours=1)


def price_rows(provider: str, model: Model, release: str) -> tuple[PriceRow, ...]:
    """The rows of one archived model as the rate card uses them."""
    return tuple(_price_row(provider, model.id, row, release) for row in model.rows)


def _price_row(provider: str, model: str, row: Row, release: str) -> PriceRow:
    label = "".join(f"[{key}={value}]" for key, value in sorted(row.when.items()))
    if row.only is not None:
        label += "[{:02}:{:02}-{:02}:{:02}]".format(*divmod(row.only[0], 60), *divmod(row.only[1], 60))
    return PriceRow(
        provider=provider,
        model=model,
        version=f"{release}/{provider}/{model}/{row.start[:10] or 'launch'}{label}",
        layer=BASE,
        start=parse_instant(row.start) if row.start else None,
        end=parse_instant(row.end) if row.end else None,
        units={name: UnitPrice(price.base, price.tiers) for name, price in row.units.items()},
        when=row.when,
        only=(Window(*row.only),) if row.only is not None else (),
        source=release,
    )
