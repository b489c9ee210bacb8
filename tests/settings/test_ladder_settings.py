"""Ladders in `breakeven.yaml`: what is read, and that every fault names its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from breakeven.errors import ConfigError
from breakeven.settings import parse_settings
from breakeven.settings.ladders import Ladder

HEAD = "handlers: {receipts: {function: 'a.py:handle'}}\nfeatures:\n  docs:\n    ladder:\n"


def _ladder(text: str) -> Ladder:
    lines = "\n".join(f"      {line}" for line in text.strip().splitlines())
    found = parse_settings(HEAD + lines, "b.yaml", Path("b.yaml")).features["docs"].ladder
    assert found is not None
    return found


def test_rungs_in_every_spelling() -> None:
    """Short and long forms; names by tier or model; the last rung is the model asked for where none is named, and unchecked."""
    ladder = _ladder("""
rungs:
  - cache
  - handler:receipts
  - {model: gpt-5-mini, tier: small, provider: openai, parameters: {reasoning_effort: low, top_p: 0.9}, timeout: 5s}
  - {model: gpt-5, checked: false}
checks: [{schema: request}]
""")
    assert ladder.names == ("cache", "handler:receipts", "small", "gpt-5")
    assert [rung.checked for rung in ladder.rungs] == [False, True, True, False]
    assert ladder.steps == (("cache", None), ("handler", None), ("gpt-5-mini", "small"), ("gpt-5", None))
    assert [rung.timeout for rung in ladder.rungs] == [None, None, 5.0, None]
    assert _ladder("rungs: [cache]").names == ("cache", "asked")


def test_everything_else() -> None:
    """Start, control, deadline, what makes a call climb, who skips, baseline and cache."""
    ladder = _ladder("""
rungs: [cache, {handler: receipts, timeout: 50ms}, {model: a, name: one}, {model: b, name: two}, asked]
start: two
climb: [check, vendor]
deadline: 20s
control: 0.05
skip: {header: false, keys: [nightly]}
baseline: {model: gpt-5, provider: openai}
checks: [{agreement: {with: one, value: number}}]
order: parallel
cache: {ttl: 5m, size: 8MB, largest: 64KB, per: [customer, user], temperature: 0, tools: [look_up], private: ["IBAN"]}
""")
    assert (ladder.start, ladder.climb, ladder.deadline, ladder.control) == ("two", ("check", "vendor"), 20.0, 0.05)
    assert (ladder.header, ladder.keys, ladder.baseline, ladder.baseline_provider) == (False, ("nightly",), "gpt-5", "openai")
    assert (ladder.cache.ttl, ladder.cache.size, ladder.cache.per) == (300.0, 8 * 1024**2, ("customer", "user"))
    assert (ladder.cache.temperature, ladder.cache.tools, ladder.cache.private) == (0.0, ("look_up",), ("IBAN",))
    assert ladder.checks.agreement is not None
    assert ladder.checks.order == "parallel"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("rungs: []", 5, "rungs is missing"),
        ("rungs: [cahce, asked]", 5, "no rung 'cahce'"),
        ("rungs: [handler:recipts, asked]", 5, "Did you mean 'receipts'?"),
        ("rungs: [{handler: nobody}, asked]", 5, "handler is 'nobody'"),
        ("rungs:\n  - {model: a}\n  - cache", 6, "the cache stands after"),
        ("rungs:\n  - handler:receipts\n  - cache\n  - asked", 6, "cache stands after a handler"),
        ("rungs:\n  - {model: a, tier: big}\n  - asked", 6, "tier is 'big'"),
        ("rungs:\n  - {model: a, provider: nobody}\n  - asked", 6, "provider is 'nobody'"),
        ("rungs:\n  - {model: a, parameters: {messages: []}}\n  - asked", 6, "parameters sets messages"),
        ("rungs:\n  - {model: a, parameters: 3}\n  - asked", 6, "parameters is"),
        ("rungs: [{model: a}, {model: a}]", 5, "two rungs are called 'a'"),
        ("rungs: [{model: a, name: off}, asked]", 5, "a rung is called 'off'"),
        ("rungs: [{model: a, timeout: 3s}]", 5, "has a timeout"),
        ("rungs: [cache, asked]\nstart: cache", 6, "start is 'cache'"),
        ("rungs: [cache, asked]\nclimb: [checks]", 6, "Did you mean 'check'?"),
        ("rungs: [cache, asked]\ncontrol: 5", 6, "control is 5"),
        ("rungs: [cache, asked]\ncache: {per: client}", 6, "per names 'client'"),
        ("rungs: [cache, asked]\ncache: {private: ['(']}", 6, "private holds"),
        ("rungs: [asked]\ncache: {ttl: 1h}", 6, "no rung is `cache`"),
        ("rungs: [{model: a}, asked]\nchecks: [{agreement: {with: b}}]", 6, "no rung"),
        ("rungs: [{model: a}, asked]\nchecks:\n  - function: nobody", 7, "no function 'nobody'"),
        ("rungs: [{model: a}, asked]\nchecks:\n  - regex: x", 7, "no check 'regex'"),
        ("rungs: [cache, asked]\nbaseline: {provider: openai}", 6, "model is missing"),
        ("rungs: [cache, asked]\nbaselin: x", 6, "Did you mean 'baseline'?"),
    ],
)
def test_faults(text: str, line: int, said: str) -> None:
    """Each fault has its line, says what is wrong, and what to do."""
    with pytest.raises(ConfigError) as caught:
        _ladder(text)
    told = [str(problem) for problem in caught.value.problems]
    assert any(one.startswith(f"b.yaml:{line}:") and said in one for one in told), told


def test_a_charter_and_its_ladder_hold_together(tmp_path: Path, capsys: Any) -> None:
    """`policy check` fails where the ladder uses what the charter's rungs do not allow, or what nothing serves."""
    from breakeven.cli.main import run  # noqa: PLC0415 - only here

    config = tmp_path / "breakeven.yaml"
    charter = "owner: ana, unit: page, rungs: [cache, small, frontier], quality_floor: 0.9"
    text = "providers: {{openai: {{models: [gpt-5*]}}}}\nhandlers: {{x: {{function: 'a.py:f'}}}}\nfeatures:\n"
    text += "  docs: {{{}, ladder: {{rungs: [{}]}}}}\n"
    good, bad = "cache, {model: gpt-5-mini, tier: small}, asked", "handler:x, {model: gpt-5-mini, tier: mid}, {model: claude-x}"
    config.write_text(text.format(charter, good))
    assert run(["policy", "check", str(config)]) == 0
    config.write_text(text.format(charter, bad))
    assert run(["policy", "check", str(config)]) == 1
    said = capsys.readouterr()
    for part in ("its ladder uses handler", "its ladder uses gpt-5-mini", "nothing configured serves claude-x"):
        assert part in said.out + said.err
