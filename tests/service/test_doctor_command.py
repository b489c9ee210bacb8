"""`breakeven doctor` and `breakeven start`, as a newcomer runs them."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from breakeven.cli.main import COMMANDS, run

AddCalls = Callable[[Path, Sequence[dict[str, Any]]], Path]


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No key, no proxy, no ledger of this machine's; an empty directory to stand in."""
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "BREAKEVEN_LEDGER", "BREAKEVEN_CONFIG", "HOOK", "STORE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answer(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = run([str(word) for word in words])
    said = capsys.readouterr()
    return code, said.out, said.err


def findings(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, dict[str, str]]:
    _, out, _ = answer(capsys, "doctor", "--json", *words)
    return {each["part"]: each for each in json.loads(out)["findings"]}


def config(tmp_path: Path, text: str, port: int) -> Path:
    path = tmp_path / "breakeven.yaml"
    path.write_text(f"gateway: {{port: {port}}}\n{text}")
    return path


def test_a_project_is_started_and_found_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`start` writes a configuration that holds, with the vendor whose key is there; `doctor` then finds no fault."""
    monkeypatch.setenv("GEMINI_API_KEY", "not-a-key")
    code, out, err = answer(capsys, "start", "--feature", "Contract: terms", "--feature", "letters", "--owner", "legal")
    assert code == 0
    assert (tmp_path / "breakeven.yaml").read_text() == out
    assert "google: {api_key_env: GEMINI_API_KEY}" in out
    assert "not-a-key" not in out + err
    assert (tmp_path / ".breakeven" / ".gitignore").read_text() == "*\n"
    assert answer(capsys, "policy", "check")[0] == 0
    found = findings(capsys, "--web-port", 0)
    assert "2 features" in found["configuration"]["what"]
    assert "with a key of its own" in found["provider google"]["what"]
    assert "with the callers' own keys" in found["provider openai"]["what"]
    assert found["ledger"]["state"] == "warning"


def test_every_command_that_start_names_exists(capsys: pytest.CaptureFixture[str]) -> None:
    """What a newcomer is told to type next can be typed."""
    _, _, err = answer(capsys, "start")
    named = re.findall(r"breakeven ([a-z]+)", err)
    assert len(named) >= 4
    assert set(named) <= set(COMMANDS)


def test_start_touches_no_file_that_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A configuration that exists stays as it is, and the command says so with exit code 2."""
    (tmp_path / "breakeven.yaml").write_text("features: {}\n")
    code, _, err = answer(capsys, "start")
    assert code == 2
    assert "is there already" in err
    assert (tmp_path / "breakeven.yaml").read_text() == "features: {}\n"


def test_looking_makes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where no ledger is, `doctor` says so and how it comes to be, and leaves no file behind."""
    found = findings(capsys, "--ledger", tmp_path / "none", "--web-port", 0)
    assert found["ledger"]["state"] == "warning"
    assert "breakeven import" in found["ledger"]["remedy"]
    assert not list(tmp_path.iterdir())


def test_a_faulty_configuration_is_told_by_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], free_port: int) -> None:
    """Each fault of the file is a finding with its place and remedy, and the exit code is 1."""
    config(tmp_path, "features: {a: {colour: red}, b: {margin_floor: 7}}", free_port)
    code, out, _ = answer(capsys, "doctor")
    assert code == 1
    assert out.count("FAIL  configuration: ") == 2
    assert "breakeven.yaml:2" in out


def test_a_well_ledger_is_told_with_its_calls(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], add_calls: AddCalls, free_port: int
) -> None:
    """What is in the ledger, that prices load, and that its ports are free."""
    ledger = add_calls(tmp_path / "ledger", [{"feature": "a"}, {"feature": "b"}])
    config(tmp_path, "", free_port)
    found = findings(capsys, "--ledger", ledger, "--config", tmp_path / "breakeven.yaml", "--web-port", 0)
    assert "2 calls" in found["ledger"]["what"]
    assert found["prices and keys"]["state"] == "fine"
    assert found["gateway"]["what"] == f"not running; port {free_port} is free"


def test_what_is_missing_outside_is_told_with_its_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], add_calls: AddCalls
) -> None:
    """An unset key, a port in use, a Redis, a ClickHouse and a vendor that do not answer, a sink without address: all at once."""
    with socket.socket() as taken, socket.socket() as closed:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        closed.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        port, dead = taken.getsockname()[1], closed.getsockname()[1]
        ledger = add_calls(tmp_path / "ledger", [{"feature": "a"}])
        path = tmp_path / "breakeven.yaml"
        path.write_text(f"""
ledger: {{path: {ledger}, clickhouse: "clickhouse://u@127.0.0.1:{dead}/b"}}
gateway:
  port: {port}
  accounts: {{redis: "redis://127.0.0.1:{dead}/0"}}
  cache: {{redis_env: STORE}}
providers:
  openai: {{api_key_env: OPENAI_API_KEY}}
  own: {{vendor: openai, base_url: "http://127.0.0.1:{dead}/v1"}}
alerts:
  sinks: {{team: {{kind: slack, url_env: HOOK}}}}
  rules: [{{when: unpriced, to: team}}]
""")
        code, _, err = answer(capsys, "doctor", "--config", path, "--reach", "--web-port", 0)
        found = findings(capsys, "--config", path, "--reach", "--web-port", 0)
    assert code == 1
    assert "7 things do not work" in err
    for part, what in {
        "provider openai": "the environment variable OPENAI_API_KEY is not set",
        "provider own": "cannot be reached",
        "gateway": f"port {port} is in use by another program",
        "gateway.accounts": "Redis does not answer",
        "gateway.cache": "the variable STORE is not set",
        "ClickHouse": "clickhouse://u@127.0.0.1",
        "sink team": "the variable HOOK is not set",
    }.items():
        assert found[part]["state"] == "fault", part
        assert what in found[part]["what"], part
        assert found[part]["remedy"], part
