"""The pages about governance: their examples are configurations, their rules are the rules, their code works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from breakeven.governance.policy import CallFacts, Rule, Setting
from breakeven.governance.rules import RULES
from breakeven.settings import load_settings
from breakeven.settings.charters import ASSUMPTION_FIELDS, CHARTER_FIELDS
from breakeven.settings.policies import POLICY_FIELDS
from breakeven.yamlfile import parse_yaml

POLICIES = "docs/reference/policies.md"
PULL_REQUESTS = "docs/how-to/check-pull-requests.md"


def blocks(repository: Path, page: str, language: str) -> list[str]:
    text = (repository / page).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_every_rule_and_its_terms_stand_in_the_reference(repository: Path) -> None:
    """The table of rules has a row for each built-in rule, with each of its terms."""
    page = (repository / POLICIES).read_text(encoding="utf-8")
    rows = {cells[0]: line for line in page.splitlines() if line.startswith("| `") and (cells := re.findall(r"`([^`]+)`", line))}
    assert [(rule.name, term.name) for rule in RULES for term in rule.terms if f"`{term.name}`" not in rows[rule.name]] == []
    assert [name for name in POLICY_FIELDS if f"`{name}`" not in page] == []


def test_every_field_of_a_charter_stands_in_the_reference(repository: Path) -> None:
    """Whatever a charter may say is documented as it is written."""
    page = (repository / "docs/reference/configuration.md").read_text(encoding="utf-8")
    assert [name for name in (*CHARTER_FIELDS, *ASSUMPTION_FIELDS) if f"`{name}`" not in page] == []


@pytest.mark.parametrize(("page", "number"), [(POLICIES, 0), (PULL_REQUESTS, 0), ("docs/how-to/assign-owners.md", 0)])
def test_the_examples_are_configurations(repository: Path, tmp_path: Path, page: str, number: int) -> None:
    """The configuration of each page is read without a fault, and declares something."""
    path = tmp_path / "breakeven.yaml"
    path.write_text(blocks(repository, page, "yaml")[number], encoding="utf-8")
    settings = load_settings(path)
    assert settings.policies or settings.features or settings.attribution_target


def test_the_jobs_for_github_and_gitlab_are_yaml_and_keep_the_exit_code(repository: Path) -> None:
    """Both jobs compare with the target branch, find the comment by its marker, and end as the check ended."""
    github, gitlab = blocks(repository, PULL_REQUESTS, "yaml")[1:]
    for text, last in ((github, "exit ${{ steps.check.outputs.code }}"), (gitlab, "exit $code")):
        assert parse_yaml(text, "job").mapping
        assert '--base "origin/$' in text
        assert "<!-- breakeven-check -->" in text
        assert last in text


def test_the_rule_of_the_page_works(repository: Path) -> None:
    """The example of a rule of one's own is a rule that judges."""
    known: dict[str, object] = {}
    exec(blocks(repository, POLICIES, "python")[0], known)  # noqa: S102 - the example of our own page
    rule = known["RULE"]
    assert isinstance(rule, Rule)
    test = rule.compiled({"customers": ("acme",)}, Setting())
    assert test(CallFacts(customer="acme")) is None
    assert test(CallFacts(customer="globex")) is not None
