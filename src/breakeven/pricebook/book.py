"""Putting the card together: which archives, which overlays, as known when."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from breakeven.errors import DataError, Unreachable
from breakeven.pricebook.card import RateCard
from breakeven.pricebook.catalogue import (
    Release,
    compile_installed,
    ensure_archived,
    instant_text,
    parse_instant,
    releases,
    write_once,
)
from breakeven.pricebook.overlay import CORRECTIONS_FILE, corrections_text, load_corrections, parse_corrections, parse_overlay
from breakeven.pricebook.rows import Layer


class Edition(msgspec.Struct, frozen=True):
    """What our corrections and the user's price files said, from when they were first read so.

    `files` are pairs of name and text, the corrections first; `sha256` is theirs.
    """

    recorded_at: str
    sha256: str
    files: tuple[tuple[str, str], ...]


def open_card(directory: Path | None, overlays: Sequence[Path], now: datetime) -> RateCard:
    """The rate card as known now.

    `directory` keeps the archives: what is new of the installed catalogue and of the overlays is recorded there, then the
    archives are read. Without a directory nothing is written and the installed catalogue is taken as it is.
    """
    files = tuple((str(path), _text(path)) for path in overlays)
    layers = [load_corrections(), *_parsed(files)]
    if directory is None:
        return RateCard([Release(compile_installed(now), now, None)], layers)
    ensure_archived(directory, now)
    record_edition(directory, files, now)
    return RateCard(releases(directory), layers)


def card_of_texts(directory: Path | None, files: Sequence[tuple[str, str]], now: datetime) -> RateCard:
    """The rate card that price files of these names and texts would make, on the archives that are there. Records nothing."""
    known = releases(directory) if directory is not None else []
    return RateCard(known or [Release(compile_installed(now), now, None)], [load_corrections(), *_parsed(files)])


def card_as_recorded(directory: Path, at: datetime) -> RateCard:
    """The rate card as it was known at `at`: only what had been recorded by then."""
    known = [edition for edition in editions(directory) if parse_instant(edition.recorded_at) <= at]
    if not known:
        return RateCard(releases(directory, at), [])
    (_, corrections), *files = known[-1].files
    return RateCard(releases(directory, at), [parse_corrections(corrections), *_parsed(files)])


def record_edition(directory: Path, files: tuple[tuple[str, str], ...], now: datetime) -> None:
    """Keep this edition of corrections and price files, so that an earlier answer can be given again."""
    named = ((CORRECTIONS_FILE, corrections_text()), *((Path(name).name, text) for name, text in files))
    known = editions(directory)
    if known and named == known[-1].files:
        return
    edition = Edition(instant_text(now), _digest(named), named)
    write_once(directory / f"edition-{now:%Y%m%dT%H%M%S%f}-{edition.sha256[:12]}.json", msgspec.json.encode(edition))


def editions(directory: Path) -> list[Edition]:
    """Every recorded edition, earliest first. Raises DataError where one was changed."""
    found: list[Edition] = []
    for path in sorted(directory.glob("edition-*.json")):
        try:
            edition = msgspec.json.decode(path.read_bytes(), type=Edition)
        except (OSError, msgspec.MsgspecError) as error:
            raise DataError(f"the recorded price file {path} cannot be read: {error}", "Restore it from a backup.") from None
        if _digest(edition.files) != edition.sha256:
            raise DataError(f"the recorded price file {path} was changed", "Restore it from a backup of the ledger.")
        found.append(edition)
    return sorted(found, key=lambda edition: edition.recorded_at)


def _parsed(files: Sequence[tuple[str, str]]) -> list[Layer]:
    """Later files win over earlier ones."""
    return [parse_overlay(text, name, position) for position, (name, text) in enumerate(files)]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise Unreachable(
            f"the price file {path} does not exist", "Correct 'prices' in breakeven.yaml, or create the file."
        ) from None
    except OSError as error:
        raise Unreachable(f"the price file {path} cannot be read: {error.strerror}", "Correct its permissions.") from None
    except UnicodeDecodeError:
        raise DataError(f"the price file {path} is not UTF-8 text", "Save it as UTF-8.") from None


def _digest(files: tuple[tuple[str, str], ...]) -> str:
    return hashlib.sha256(msgspec.json.encode(files)).hexdigest()
