"""Releases are archived once, never overwritten, and change no closed period unless accepted."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from breakeven.economics.money import digits
from breakeven.errors import DataError
from breakeven.pricebook import PricingKey, RateCard, card_as_recorded, open_card
from breakeven.pricebook.catalogue import (
    Archive,
    Model,
    Price,
    Provider,
    Row,
    _digest,
    accept,
    archive_name,
    archives,
    installed_version,
    read_archive,
    record,
    releases,
)
from breakeven.pricebook.history import differences

# Times of the price book are naive UTC.
JANUARY, MARCH, JUNE, JULY = (datetime(2026, month, 1, 10, 30) for month in (1, 3, 6, 7))


def release(version: str, recorded_at: datetime, price: int) -> Archive:
    model = Model("m", ("m",), rows=(Row({"input": Price(price)}),))
    providers = (Provider("p", (model,)),)
    return Archive(1, "genai-prices", version, recorded_at.isoformat() + "Z", _digest(providers), "", providers)


def price(directory: Path, at: datetime, known_at: datetime | None = None) -> tuple[str | None, str]:
    quote = RateCard(releases(directory, known_at)).quote(PricingKey("p", "m", at))
    lines = quote.lines.get("input")
    return (digits(lines[0].unit_price * 10**18) if lines else None), quote.version


def test_an_archive_is_written_once(archive: Path) -> None:
    """Opening the card again neither rewrites the archive nor adds one."""
    path = archive / archive_name(installed_version())
    before = path.read_bytes()
    open_card(archive, (), JULY)
    assert path.read_bytes() == before
    assert [item.version for item in archives(archive)] == [installed_version()]


def test_a_changed_archive_is_refused(archive: Path, tmp_path: Path) -> None:
    """An archive whose content does not fit its own hash is damage, not a price."""
    original = read_archive(archive / archive_name(installed_version()))
    forged = msgspec.structs.replace(original, providers=original.providers[:1])
    (tmp_path / "genai-prices-9.json").write_bytes(msgspec.json.encode(forged))
    with pytest.raises(DataError, match="changed after it was recorded"):
        archives(tmp_path)
    (tmp_path / "genai-prices-9.json").write_bytes(b'{"format": 1')
    with pytest.raises(DataError, match="cannot be read"):
        archives(tmp_path)


def test_a_later_release_changes_no_closed_period(tmp_path: Path) -> None:
    """Its prices hold from the full hour after it was recorded; what happened before keeps the price recorded first."""
    record(tmp_path, release("1", JANUARY, 10))
    record(tmp_path, release("2", MARCH, 20))
    assert price(tmp_path, JANUARY)[0] == "10"
    assert price(tmp_path, MARCH)[0] == "10"
    assert price(tmp_path, MARCH.replace(hour=11, minute=0)) == ("20", "genai-prices@2/p/m/launch")


def test_acceptance_opens_the_past_from_then_on(tmp_path: Path) -> None:
    """Once accepted, a release holds for all time; as recorded before the acceptance, it does not."""
    record(tmp_path, release("1", JANUARY, 10))
    record(tmp_path, release("2", MARCH, 20))
    accept(tmp_path, "2", JUNE, "finance")
    accept(tmp_path, "2", JULY, "finance")
    assert price(tmp_path, JANUARY)[0] == "20"
    assert price(tmp_path, JANUARY, MARCH)[0] == "10"
    assert price(tmp_path, JUNE, JANUARY)[0] == "10"
    assert price(tmp_path, JULY, JUNE)[0] == "20"


def test_differences_name_the_model_and_both_prices(tmp_path: Path) -> None:
    """What a later release says otherwise is shown model by model; the same release differs in nothing."""
    one, two = release("1", JANUARY, 10**12), release("2", MARCH, 2 * 10**12)
    record(tmp_path, one)
    [change] = differences(one, two)
    assert (change.model, change.before, change.after) == ("m", "launch: input 1", "launch: input 2")
    assert differences(one, one) == []


def test_an_earlier_price_file_can_be_asked_again(tmp_path: Path) -> None:
    """Every edition of the user's price file is kept; the card as recorded in March prices as in March."""
    overlay = tmp_path / "prices.yaml"
    text = (
        'version: 1\nsources: {{deal: {{ref: MSA}}}}\nprices: [{{provider: p, model: m, units: {{input: "{}"}}, source: deal}}]\n'
    )
    for at, amount in ((JANUARY, 1), (MARCH, 1), (JUNE, 2)):
        overlay.write_text(text.format(amount))
        open_card(tmp_path / "kept", (overlay,), at)
    assert len(list((tmp_path / "kept").glob("edition-*.json"))) == 2
    for known_at, amount in ((MARCH, 1), (JULY, 2)):
        lines = card_as_recorded(tmp_path / "kept", known_at).quote(PricingKey("p", "m", JANUARY)).lines
        assert lines["input"][0].unit_price == amount * 10**12


def test_a_changed_edition_is_refused(tmp_path: Path) -> None:
    """A recorded price file that was edited afterwards is damage."""
    overlay = tmp_path / "prices.yaml"
    overlay.write_text("version: 1\n")
    open_card(tmp_path / "kept", (overlay,), JANUARY)
    [edition] = (tmp_path / "kept").glob("edition-*.json")
    edition.write_text(edition.read_text().replace("version", "Version"))
    with pytest.raises(DataError, match="was changed"):
        open_card(tmp_path / "kept", (overlay,), JUNE)
