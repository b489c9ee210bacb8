"""`breakeven keys` as an operator uses it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from breakeven.cli.main import run
from breakeven.gateway.keystore import load_keys

SOURCE = Path(__file__).parents[2] / "src"
Keys = Callable[..., tuple[int, str, str]]


@pytest.fixture
def keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Keys:
    """Run `breakeven keys ...`; its exit code, output and messages."""

    def go(*arguments: str) -> tuple[int, str, str]:
        code = run(["keys", *arguments, "--ledger", str(tmp_path)])
        out, err = capsys.readouterr()
        return code, out, err

    return go


def test_a_key_is_shown_once(keys: Keys) -> None:
    """`create` and `rotate` print the key, alone on stdout; `list`, with all its columns and as JSON, never does."""
    _, created, told = keys("create", "app", "--feature", "search", "--team", "web", "--default", "team", "--require", "customer")
    _, rotated, _ = keys("rotate", "app", "--grace", "1h")
    _, as_json, _ = keys("create", "other", "--expires", "30d", "--json")
    secrets = [created.strip(), rotated.strip(), json.loads(as_json)["key"]]
    assert all(secret.startswith("bek-") and len(secret) == 36 for secret in secrets)
    assert "not shown again" in told
    keys("revoke", "other")
    listed = "".join(keys("list", *options)[1] for options in ((), ("--all",), ("--json",), ("--json", "--all")))
    assert "app" in listed
    assert "search" in listed
    assert not any(secret[8:] in listed + told for secret in secrets)


def test_the_list(keys: Keys) -> None:
    """`list --json` has everything about a key but the key; ended keys are listed with `--all` only."""
    keys(
        "create",
        "app",
        "--feature",
        "search",
        "--team",
        "web",
        "--default",
        "team",
        "--model",
        "gpt-4o*",
        "--allow-feature",
        "search",
    )
    keys("create", "gone")
    keys("revoke", "gone")
    (listed,) = json.loads(keys("list", "--json")[1])
    assert {name: listed[name] for name in ("name", "state", "locked", "defaults", "models", "features", "on_missing")} == {
        "name": "app",
        "state": "active",
        "locked": {"feature": "search"},
        "defaults": {"team": "web"},
        "models": ["gpt-4o*"],
        "features": ["search"],
        "on_missing": "refuse",
    }
    everything = json.loads(keys("list", "--json", "--all")[1])
    assert [(each["name"], each["state"]) for each in everything] == [("app", "active"), ("gone", "revoked")]


def test_revoking_tells_what_ended(keys: Keys) -> None:
    """`revoke` of a name names each key that it ended, and says that a running gateway must be told."""
    keys("create", "app")
    keys("rotate", "app", "--grace", "1h")
    code, out, told = keys("revoke", "app", "--json")
    assert (code, [each["state"] for each in json.loads(out)], told) == (0, ["revoked", "revoked"], "")
    keys("create", "app")
    assert "breakeven reload" in keys("revoke", "app")[2]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("create", "app", "--default", "team"), "--default team has no value"),
        (("create", "app", "--require", "colour"), "no dimension 'colour'"),
        (("create", "app", "--expires", "soon"), "'soon' is no duration"),
        (("create", "app", "--expires", "0d"), "cannot end before it begins"),
        (("create", "app", "--expires", "999999999d"), "cannot live that long"),
        (("create", "app", "--expires", "9" * 5000 + "d"), "is no duration"),
        (("create", "app", "--expires", "٣d"), "is no duration"),
        (("create", "app", "--feature", "a\x1bb"), "feature cannot be"),
        (("create", "app", "--feature", ""), "feature cannot be ''"),
        (("create", "app", "--feature", "chat", "--allow-feature", "search"), "is none that it may be used for"),
        (("rotate", "nobody"), "no key in force"),
        (("revoke", "nobody"), "no key in force"),
        (("revoke", "bek-abcdefgh"), "not a key's name"),
    ],
)
def test_mistakes_are_explained(arguments: tuple[str, ...], told: str, keys: Keys, tmp_path: Path) -> None:
    """A mistake ends with exit code 2 and a sentence, without a traceback, and stores nothing."""
    code, out, err = keys(*arguments)
    assert (code, out) == (2, "")
    assert told in err
    assert "internal fault" not in err
    assert load_keys(tmp_path) == ()


def test_a_damaged_file_is_a_data_problem(keys: Keys, tmp_path: Path) -> None:
    """A damaged file of keys is named, with exit code 3."""
    (tmp_path / "keys.json").write_text("{")
    code, _, err = keys("list")
    assert code == 3
    assert "keys.json is damaged" in err


def test_keys_before_the_first_call(keys: Keys, tmp_path: Path) -> None:
    """A key may be made before there is a ledger, as whoever serves other machines must; the directory then becomes one."""
    keys("create", "app")
    table = tmp_path.parent / f"{tmp_path.name}.csv"
    table.write_text("time,model,input_tokens,output_tokens\n2026-10-01T00:00:00Z,gpt-4o,10,5\n")
    assert run(["import", "calls", str(table), "--provider", "openai", "--ledger", str(tmp_path)]) == 0
    assert [key.name for key in load_keys(tmp_path)] == ["app"]


def test_two_processes_at_once(tmp_path: Path) -> None:
    """Keys that two processes create at the same time are all kept, each with its own secret, and each works."""
    program = """
import sys
from breakeven.cli.main import run
for number in range(25):
    run(["keys", "create", f"{sys.argv[1]} {number}", "--ledger", sys.argv[2]])
"""
    environment: dict[str, Any] = {**os.environ, "PYTHONPATH": str(SOURCE)}
    command = [sys.executable, "-W", "error", "-c", program]
    running = [
        subprocess.Popen(
            [*command, name, str(tmp_path)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        for name in ("one", "two")
    ]
    secrets = [secret for process in running for secret in process.communicate(timeout=60)[0].split()]
    assert len(set(secrets)) == 50
    stored = load_keys(tmp_path)
    assert {key.name for key in stored} == {f"{name} {number}" for name in ("one", "two") for number in range(25)}
    assert len({key.id for key in stored}) == 50
