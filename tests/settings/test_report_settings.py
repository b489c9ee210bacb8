"""The section `reports:`."""

from __future__ import annotations

from pathlib import Path

import pytest

from breakeven.errors import ConfigError
from breakeven.governance.schedule import Schedule
from breakeven.settings import load_settings
from breakeven.settings.reports import SCHEDULE_FIELDS

SINKS = "alerts: {sinks: {mail: {kind: log}, hook: {kind: log}}}\n"


def reports(tmp_path: Path, text: str) -> tuple[Schedule, ...]:
    path = tmp_path / "breakeven.yaml"
    path.write_text(SINKS + text)
    return load_settings(path).reports


def test_a_report_is_monthly_html_unless_it_says_otherwise(tmp_path: Path) -> None:
    """The name is the report; the second of the month at six in the morning, UTC."""
    [found] = reports(tmp_path, "reports: {board: {to: mail}}")
    assert found == Schedule("board", "board", "month", 2, 360, ("mail",), "html", "breakeven.yaml:2")


def test_every_field_is_read(tmp_path: Path) -> None:
    """A weekly report by the name of its day, under a name of its own, to several sinks."""
    text = 'reports: {tech: {report: engineering, every: week, on: Friday, at: "17:45", to: [mail, hook], format: md}}'
    [found] = reports(tmp_path, text)
    assert found == Schedule("tech", "engineering", "week", 5, 17 * 60 + 45, ("mail", "hook"), "md", "breakeven.yaml:2")
    assert reports(tmp_path, "reports:") == ()
    [daily] = reports(tmp_path, "reports: {board: {every: day, to: mail}}")
    assert daily.every == "day"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("bord: {to: mail}", "there is no report 'bord'. Did you mean 'board'?"),
        ("board: {}", "it says no sink to send to"),
        ("board: {to: male}", "there is no sink 'male'"),
        ("board: {to: mail, every: year}", "every is 'year'"),
        ("board: {to: mail, on: 31}", "on is 31"),
        ("board: {to: mail, every: week, on: 3}", "on is '3'"),
        ("board: {to: mail, every: day, on: monday}", "on means nothing for a daily report"),
        ("board: {to: mail, at: '6 am'}", "at is '6 am'"),
        ("board: {to: mail, at: '24:00'}", "at is '24:00'"),
        ("board: {to: mail, format: pdf}", "format is 'pdf'"),
        ("board: {to: mail, when: now}", "when"),
    ],
)
def test_a_faulty_schedule_says_where_and_what_to_do(tmp_path: Path, entry: str, said: str) -> None:
    """File, line, what is wrong and the remedy."""
    with pytest.raises(ConfigError) as caught:
        reports(tmp_path, f"reports:\n  {entry}\n")
    words = [f"{problem.what}. {problem.remedy}" for problem in caught.value.problems]
    assert any(said in each for each in words), words
    assert all(problem.where.endswith("breakeven.yaml:3") for problem in caught.value.problems)
    assert all(problem.remedy for problem in caught.value.problems)


def test_every_field_is_documented(repository: Path) -> None:
    """The reference names each."""
    text = (repository / "docs" / "reference" / "configuration.md").read_text()
    section = text.split("## Reports", 1)[1].split("\n## ", 1)[0]
    assert [name for name in SCHEDULE_FIELDS if f"`{name}`" not in section] == []
