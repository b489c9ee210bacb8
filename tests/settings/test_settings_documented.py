"""The pages about the configuration say all of it, and their examples work."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from breakeven.settings import PROVIDER_FIELDS, SECTIONS, VENDOR_DEFAULTS, load_settings
from breakeven.settings.gateway import GATEWAY_FIELDS

REFERENCE = "docs/reference/configuration.md"
PAGES = (REFERENCE, "docs/how-to/connect-vendors.md", "docs/how-to/build-a-ladder.md")


def test_every_setting_and_known_vendor_stands_in_the_reference(repository: Path) -> None:
    """Whatever may be written is documented, each name as it is written."""
    page = (repository / REFERENCE).read_text(encoding="utf-8")
    names = (*SECTIONS, *PROVIDER_FIELDS, *GATEWAY_FIELDS, *VENDOR_DEFAULTS)
    assert [name for name in names if f"`{name}`" not in page] == []


def test_the_addresses_of_the_reference_are_those_in_force(repository: Path) -> None:
    """The table of well-known names shows each with its address and the variable of its key."""
    page = (repository / REFERENCE).read_text(encoding="utf-8")
    rows = {cells[0]: cells for line in page.splitlines() if len(cells := re.findall(r"`([^`]+)`", line)) >= 1}
    for name, known in VENDOR_DEFAULTS.items():
        expected = [name, known.base_url or "base_url", *([known.api_key_env] if known.api_key_env else [])]
        assert rows[name] == expected


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_are_configurations(repository: Path, tmp_path: Path, page: str) -> None:
    """Each YAML block of the pages is read without a fault."""
    blocks = re.findall(r"```yaml\n(.*?)```", (repository / page).read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    for number, block in enumerate(blocks):
        path = tmp_path / f"{number}.yaml"
        path.write_text(block, encoding="utf-8")
        assert load_settings(path).config == path
