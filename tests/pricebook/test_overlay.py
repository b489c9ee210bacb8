"""A price file is checked as a whole, every fault with file and line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from breakeven.errors import ConfigError
from breakeven.pricebook.overlay import load_corrections, parse_overlay, read_layer
from breakeven.pricebook.rows import OVERLAY
from breakeven.yamlfile import read_yaml

HEAD = "version: 1\nsources:\n  deal: {kind: contract, ref: MSA, recorded: 2026-06-02}\n"
PRICE = "prices:\n  - provider: openai\n    model: gpt-4o\n    source: deal\n"


def faults(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_overlay(text, "p.yaml")
    return [f"{problem.where} {problem.what}" for problem in caught.value.problems]


def test_the_published_shape_is_understood(shared_data: Path) -> None:
    """Every section of the example is read; two faults are its own: a source that it does not describe, a price without one."""
    root = read_yaml(shared_data.parent / "reference" / "pricebook.example.yaml", shown_as="example")
    layer, problems = read_layer(root, OVERLAY, "example")
    assert [problem.what for problem in problems] == ["source 'deepseek-page' is not among the sources", "source is missing"]
    assert [row.model for row in layer.rows if row.units] == ["gemini-3.6-flash", "deepseek-v4-flash", "gpt-5.4", "*", "*"]
    assert [item.name for item in layer.adjustments] == ["anthropic-geo-us", "openai-eu", "acme-15"]
    declared = [(item.section, item.name) for item in layer.declared]
    assert declared == [
        ("adjustments", "acme-volume"),
        ("commitments", "ptu-gpt5"),
        ("commitments", "prepay-anthropic"),
        ("self_hosted", "vllm-a100"),
        ("fx", "USD/EUR"),
    ]
    assert len(layer.aliases) == 2
    assert layer.base_pin == "0.2.3"
    assert "not yet applied" in layer.declared[0].text


def test_our_corrections_name_their_sources() -> None:
    """Every price we correct says where it is written and why it stands there."""
    layer = load_corrections()
    assert [row.version for row in layer.rows if not row.source or not row.why] == []
    assert [item.name for item in layer.adjustments if not item.source or not item.why] == []


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        (PRICE + "    units: {input: 2.5}\n", 8, "not quoted"),
        (PRICE + '    units: {input: "-1"}\n', 8, "negative"),
        (PRICE + '    units: {input: "NaN"}\n', 8, "not a decimal"),
        (PRICE + '    units: {input: "1e999999999"}\n', 8, "not a decimal"),
        (PRICE + '    units: {input: "0.0000000000001"}\n', 8, "18 decimal places"),
        (PRICE + '    units: {input: "1e30"}\n', 8, "too large"),
        (PRICE + '    units: {inputs: "1"}\n', 8, "no field 'inputs'"),
        (PRICE, 5, "names no unit"),
        (PRICE + '    units: {input: "1"}\n    frm: 2026-01-01\n', 9, "no field 'frm'"),
        (PRICE + '    units: {input: "1"}\n    from: 2026-01-01\n', 9, "instant with a zone"),
        (PRICE + '    units: {input: "1"}\n    from: 2026-02-01T00:00:00Z\n    to: 2026-01-01T00:00:00Z\n', 10, "ends before"),
        (PRICE.replace("deal", "page") + '    units: {input: "1"}\n', 7, "not among the sources"),
        (PRICE.replace("    source: deal\n", "") + '    units: {input: "1"}\n', 5, "source is missing"),
        (PRICE + '    units: {input: "1"}\n    multiply: {tokens: "2"}\n', 9, "needs a 'when'"),
        (PRICE + '    units: {input: "1"}\n    schedule: [{utc: ["01:30-04:00"], multiply: "2"}]\n', 9, "full hour"),
        (PRICE + '    units: {input: "1"}\n    schedule: [{utc: ["25:00-26:00"], multiply: "2"}]\n', 9, "time of day"),
        (PRICE + '    units: {input: "1"}\n    schedule: [{days: [monday], multiply: "2"}]\n', 9, "no day"),
        (PRICE + '    units: {input: "1"}\n    schedule: [{except_calendar: XX, multiply: "2"}]\n', 9, "no calendar"),
        (PRICE + '    units: {input: "1"}\n    tiers: [{over: "9", units: {input: "2"}}]\n', 9, "number of tokens"),
        (PRICE + '    units: {input: "1"}\n    tiers: [{over: 9, scope: excess, units: {input: "2"}}]\n', 9, "always scope"),
        (PRICE + "    fallback: {cache_write_5m: inputs}\n", 8, "no usage class"),
        (PRICE + "    fallback: {web_search: input}\n", 8, "same unit"),
        ('adjustments:\n  - {id: a, kind: gift, match: {}, multiply: "0.5"}\n', 5, "no adjustment of kind"),
        ('adjustments:\n  - {id: a, kind: uplift, match: {}, multiply: "0.5"}\n', 5, "does not fit"),
        ("adjustments:\n  - {id: a, kind: discount, match: {}}\n", 5, "multiply is missing"),
        ('adjustments:\n  - {id: a, kind: discount, match: {}, on: fish, multiply: "0.5"}\n', 5, "nothing called"),
        ("aliases:\n  - {provider: azure, model: gpt-4o}\n", 5, "exact deployment"),
        ('fees:\n  - {id: f, provider: openai, unit: fish, each: "1"}\n', 5, "no tool"),
        ("fees:\n  - {id: f, provider: openai, unit: web_search}\n", 5, "per_thousand or each"),
        ("commitments:\n  - {id: c, provider: azure}\n", 5, "neither amount nor prepaid"),
        ("self_hosted:\n  - {id: s, match: {provider: vllm}}\n", 5, "gpu_hour is missing"),
        ("currency: EUR\n", 4, "not USD"),
        ("base: {catalogue: litellm}\n", 4, "no base catalogue"),
        ("prices: 3\n", 4, "not a list"),
        ("calendars: {DE: [2026-13-01]}\n", 4, "not a date"),
    ],
)
def test_a_fault_names_its_line(text: str, line: int, word: str) -> None:
    """What is wrong is said with file, line and remedy."""
    [found] = faults(HEAD + text)
    assert found.startswith(f"p.yaml:{line} ")
    assert word in found


def test_overlapping_periods_are_refused() -> None:
    """Two prices of one unit at one instant contradict each other; prices of different units do not."""
    row = "  - {{provider: openai, model: gpt-4o, units: {{{units}}}, source: deal, from: {start}}}\n"
    first = row.format(units='input: "1"', start="2026-01-01T00:00:00Z")
    overlap = first + row.format(units='input: "2"', start="2026-02-01T00:00:00Z")
    assert "overlaps that on line 5" in faults(HEAD + "prices:\n" + overlap)[0]
    apart = first + row.format(units='output: "2"', start="2026-02-01T00:00:00Z")
    assert len(parse_overlay(HEAD + "prices:\n" + apart, "p").rows) == 2


def test_all_faults_are_told_at_once() -> None:
    """A file with three faults is refused with three problems."""
    assert len(faults("version: 2\ncurrency: EUR\nfish: 1\n")) == 3


def test_a_row_that_says_something_else_has_another_id() -> None:
    """The version of a user's row depends on what it says, so that an edited price is never taken for the old one."""
    texts = [HEAD + PRICE + f'    units: {{input: "{price}"}}\n' for price in ("1", "2")]
    first, second = (parse_overlay(text, "p.yaml").rows[0].version for text in texts)
    assert first != second


def test_holidays_may_be_added() -> None:
    """A price file's own calendar is added to the built-in one."""
    text = (
        HEAD
        + PRICE
        + '    units: {input: "1"}\n    schedule: [{except_calendar: CN, multiply: "2"}]\ncalendars: {CN: [2027-02-05]}\n'
    )
    [slot] = parse_overlay(text, "p.yaml").rows[0].schedule
    assert {date(2027, 2, 5), date(2026, 10, 1)} <= slot.window.closed
