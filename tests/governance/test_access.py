"""Roles: who may change what, by which token or proxy, and what those are told who may not."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from breakeven.cli.acting import TOKEN
from breakeven.cli.main import cli
from breakeven.errors import ConfigError, PolicyFailed
from breakeven.gateway.visitors import Visitors
from breakeven.governance.access import ACTIONS, ROLES, Access, Person, refusal
from breakeven.ledger import open_ledger
from breakeven.ledger.tokens import create_token, load_tokens, person_of, revoke_token
from breakeven.settings import load_settings

NOW = datetime.now(UTC).replace(tzinfo=None)
DECLARED = """
access:
  people:
    ann: {role: finance}
    bob: {role: owner, features: [search]}
    cleo: {role: admin}
    dan: {role: engineer}
  sso: {user_header: X-Forwarded-User, trusted_proxies: [10.0.0.5]}
budgets:
  b: {limit: 5, period: day}
  s: {scope: {feature: search}, limit: 5, period: day}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Any:
    """The declared roles."""
    path = tmp_path / "breakeven.yaml"
    path.write_text(DECLARED)
    return load_settings(path)


def test_without_a_declaration_everybody_local_is_an_admin() -> None:
    """Whoever can reach the ledger's files could change them anyway."""
    assert Access().person("anybody") == Person("anybody", "admin")
    assert all(refusal(Access(), Person("x", "admin"), action) is None for action in ACTIONS)


@pytest.mark.parametrize(
    ("name", "action", "feature", "allowed"),
    [
        ("ann", "set budgets", None, True),
        ("ann", "change keys", None, False),
        ("bob", "set budgets", "search", True),
        ("bob", "set budgets", "other", False),
        ("bob", "set budgets", None, False),
        ("cleo", "manage access", None, True),
        ("dan", "change keys", None, True),
        ("dan", "change prices", None, False),
        ("stranger", "reload", None, False),
    ],
)
def test_the_matrix(settings: Any, name: str, action: str, feature: str | None, allowed: bool) -> None:
    """Roles allow what they are for; owners, for their own features; strangers, nothing."""
    reason = refusal(settings.access, settings.access.person(name), action, feature)
    assert (reason is None) == allowed


def test_every_role_stands_in_the_matrix_and_says_whom_to_ask(settings: Any) -> None:
    """A refusal names the role that is needed and who has it."""
    assert {role for allowed in ACTIONS.values() for role in allowed} <= set(ROLES)
    said = refusal(settings.access, settings.access.person("dan"), "change prices")
    assert said == "dan has the role engineer, and to change prices takes finance or admin; ask ann, cleo"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("access: {people: {x: {role: king}}}", "role is 'king'"),
        ("access: {people: {x: {role: owner}}}", "Name the features that this owner answers for"),
        ("access: {people: {x: {role: admin, features: [a]}}}", "belong together"),
        ("access: {sso: {user_header: x-user}}", "Name the addresses of the proxies"),
        ("access: {sso: {user_header: x-user, trusted_proxies: [proxy.local]}}", "no names, no networks"),
    ],
)
def test_faults_of_the_section_are_told(tmp_path: Path, text: str, message: str) -> None:
    """With file and line."""
    path = tmp_path / "breakeven.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as fault:
        load_settings(path)
    assert message in "\n".join(str(problem) for problem in fault.value.problems)


def test_tokens_end(tmp_path: Path) -> None:
    """A token works until it expires or is revoked; only its hash is stored."""
    open_ledger(tmp_path / "ledger", write=True, create=True).close()
    ledger = tmp_path / "ledger"
    first, secret = create_token(ledger, "ann", NOW, days=1)
    _, other = create_token(ledger, "dan", NOW)
    assert [person_of(load_tokens(ledger), each, NOW) for each in (secret, other, "bet-guess")] == ["ann", "dan", None]
    assert person_of(load_tokens(ledger), secret, NOW + timedelta(days=2)) is None
    revoke_token(ledger, first.id, NOW)
    assert person_of(load_tokens(ledger), secret, NOW + timedelta(seconds=1)) is None
    assert secret not in (ledger / "access.json").read_text()


def test_a_command_is_refused_to_the_wrong_role_and_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit by PolicyFailed with whom to ask, nothing changed, and the log has it; the right role may."""
    ledger, config = tmp_path / "ledger", tmp_path / "breakeven.yaml"
    open_ledger(ledger, write=True, create=True).close()
    config.write_text(DECLARED)
    secrets = {name: create_token(ledger, name, NOW)[1] for name in ("ann", "bob", "dan")}
    place = ["--ledger", str(ledger), "--config", str(config)]

    def as_(name: str, *words: str) -> Any:
        monkeypatch.setenv(TOKEN, secrets.get(name, "bet-wrong"))
        return CliRunner().invoke(cli, [*words, *place])

    refused = as_("dan", "budget", "set", "b", "--limit", "9")
    assert isinstance(refused.exception, PolicyFailed)
    assert "ask ann, cleo" in str(refused.exception.what)
    assert config.read_text() == DECLARED
    assert isinstance(as_("bob", "budget", "set", "b", "--limit", "9").exception, PolicyFailed)
    assert isinstance(as_("nobody", "keys", "create", "x").exception, PolicyFailed)
    assert as_("bob", "budget", "set", "s", "--limit", "9").exit_code == 0
    assert as_("ann", "budget", "set", "b", "--limit", "9").exit_code == 0
    rows = json.loads(as_("ann", "decisions", "--json").stdout)["rows"]
    assert [(row["actor"], row.get("allowed", True)) for row in rows] == [
        ("dan", False),
        ("bob", False),
        ("bob", True),
        ("ann", True),
    ]


def test_a_proxy_is_believed_only_where_it_is_trusted(settings: Any) -> None:
    """Single sign-on is off without a declaration; the header of any other address says nothing."""
    visitors = Visitors(settings.access)
    said = {b"x-forwarded-user": b"ann"}
    assert visitors.person("10.0.0.5", said) == Person("ann", "finance")
    assert visitors.person("10.0.0.6", said) is None
    assert visitors.person("10.0.0.5", {}) is None
    assert Visitors(Access()).person("10.0.0.5", said) is None
